//! The values of `each`, with their labels in names of instances.

use std::collections::BTreeSet;

use serde_json::Value;

use super::scope::{Scope, plain_text};
use crate::declaration::Spanned;
use crate::error::Result;
use crate::template;

/// A stage has no more instances than this: a slip in a count must not fill the memory.
const MOST: u64 = 100_000;

/// The variables of `each` for one instance, in the order of the file.
pub(super) type Variables = Vec<Variable>;

/// A variable of `each` for one instance.
#[derive(Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    /// Its label in the instance's name.
    label: String,
    /// True if the label is the name, or the number, of an entry with a value of its own.
    is_entry: bool,
    pub(super) value: Value,
}

impl Variable {
    /// The value of `${key}` if it is one of this variable: `fold`, and `model.depth` or `model.key` of an
    /// entry.
    pub(super) fn look_up(&self, key: &str) -> Option<Value> {
        let rest = key.strip_prefix(&self.name)?;
        match (rest.strip_prefix('.'), self.is_entry) {
            (None, _) if rest.is_empty() => Some(self.value.clone()),
            (Some("key"), true) => Some(Value::from(self.label.as_str())),
            (Some(field), true) => self.value.get(field).cloned(),
            _ => None,
        }
    }
}

impl Scope<'_> {
    /// The product of the variables' values; one empty combination without `each`.
    pub(super) fn combinations(&self) -> Result<Vec<Variables>> {
        let mut combinations: Vec<Variables> = vec![Vec::new()];
        for (name, declared) in &self.stage.each {
            let values = self.values(name, declared)?;
            let count = combinations.len().saturating_mul(values.len());
            self.check_count(name, declared, u64::try_from(count).unwrap_or(u64::MAX))?;
            let longer = combinations.iter().flat_map(|variables| {
                values.iter().map(move |variable| {
                    let mut longer = variables.clone();
                    longer.push(variable.clone());
                    longer
                })
            });
            combinations = longer.collect();
        }
        Ok(combinations)
    }

    fn check_count(&self, name: &str, declared: &Spanned<Value>, count: u64) -> Result<()> {
        if count <= MOST {
            return Ok(());
        }
        let message = format!(
            "`each.{name}` makes {count} instances of `{}`; expected {MOST} at most",
            self.stage.name
        );
        Err(self.error(&declared.span, message))
    }

    fn values(&self, name: &str, declared: &Spanned<Value>) -> Result<Vec<Variable>> {
        let wrong = |what: String| self.error(&declared.span, format!("`each.{name}` {what}"));
        let value = match declared.value.as_str().map(template::whole_name) {
            Some(Some(key)) => self.param(key, &declared.span)?.clone(),
            Some(None) => {
                return Err(wrong(
                    "is text; expected a count, an array, a table or a `${param}`".into(),
                ));
            }
            None => declared.value.clone(),
        };
        self.check_count(name, declared, value.as_u64().unwrap_or(0))?;
        let variables = variables(name, value).map_err(|other| {
            wrong(format!(
                "is `{other}`; expected a count, an array or a table"
            ))
        })?;
        let mut seen = BTreeSet::new();
        for Variable { label, value, .. } in &variables {
            if !is_plain_name(label) {
                return Err(wrong(format!(
                    "has the value `{value}`, which cannot be part of a name"
                )));
            }
            if !seen.insert(label.clone()) {
                return Err(wrong(format!("has the value `{value}` twice")));
            }
            if value.get("key").is_some() {
                return Err(wrong(format!(
                    "has an entry with a `key` of its own, and `${{{name}.key}}` is the entry's name"
                )));
            }
        }
        Ok(variables)
    }
}

/// The values of the variable `name` in a count, an array or a table; another value comes back.
fn variables(name: &str, value: Value) -> std::result::Result<Vec<Variable>, Value> {
    let variable = |label: String, is_entry: bool, value: Value| Variable {
        name: name.to_owned(),
        label,
        is_entry,
        value,
    };
    let variables: Vec<Variable> = match value {
        Value::Number(n) if n.is_u64() => (0..n.as_u64().unwrap_or(0))
            .map(|number| variable(number.to_string(), false, Value::from(number)))
            .collect(),
        Value::Array(items) => { items.into_iter().enumerate() }
            .map(|(number, item)| match plain_text(&item) {
                Some(text) => variable(text, false, item),
                None => variable(number.to_string(), true, item),
            })
            .collect(),
        Value::Object(entries) => { entries.into_iter() }
            .map(|(label, item)| variable(label, true, item))
            .collect(),
        other => return Err(other),
    };
    Ok(variables)
}

pub(super) fn instance_name(stage: &str, variables: &Variables) -> String {
    let labels: Vec<&str> = variables.iter().map(|v| v.label.as_str()).collect();
    if labels.is_empty() {
        return stage.to_owned();
    }
    format!("{stage}@{}", labels.join(","))
}

/// Returns whether the text can stand in a file name and a target.
fn is_plain_name(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || "_-.+ ".contains(c);
    !text.is_empty() && text != "." && text != ".." && text.chars().all(fits)
}
