//! Advice: warnings that `pipeline.toml` declares for settings that work and are seldom meant.

use std::collections::BTreeMap;

use crate::declaration::Advice;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::graph::Selection;
use crate::workflow::Workflow;

impl Workflow {
    /// The texts of the advice that applies to the parameters and to the selected stages.
    ///
    /// # Errors
    /// A piece of advice names a parameter or a stage that doesn't exist.
    pub fn advice(&self, selection: &Selection) -> Result<Vec<&str>> {
        let mut texts = Vec::new();
        for advice in &self.declaration.advice {
            let is_met = self.hold(advice, &advice.when, true)?;
            let is_excepted =
                !advice.unless.is_empty() && self.hold(advice, &advice.unless, false)?;
            if self.is_selected(advice, selection)? && is_met && !is_excepted {
                texts.push(advice.text.as_str());
            }
        }
        Ok(texts)
    }

    /// Returns whether all (or any) of the parameters have these values.
    fn hold(&self, advice: &Advice, values: &BTreeMap<String, Value>, all: bool) -> Result<bool> {
        let mut each = Vec::new();
        for (key, value) in values {
            let Some(found) = self.params.get(key) else {
                let keys = self.params.keys();
                let hint = nearest_name::hint(key, keys.iter().map(String::as_str));
                let message = format!("advice names the unknown parameter `{key}`{hint}");
                return Err(self.wrong_advice(advice, message));
            };
            each.push(is_same(found, value));
        }
        Ok(if all {
            each.iter().all(|is| *is)
        } else {
            each.iter().any(|is| *is)
        })
    }

    fn is_selected(&self, advice: &Advice, selection: &Selection) -> Result<bool> {
        let instances = &self.graph.instances;
        if !instances
            .iter()
            .any(|instance| instance.stage == advice.stage)
        {
            let names = instances.iter().map(|instance| instance.stage.as_str());
            let hint = nearest_name::hint(&advice.stage, names);
            let message = format!("advice names the unknown stage `{}`{hint}", advice.stage);
            return Err(self.wrong_advice(advice, message));
        }
        Ok(selection
            .reached
            .iter()
            .any(|id| instances[*id].stage == advice.stage))
    }

    fn wrong_advice(&self, advice: &Advice, message: String) -> Error {
        let source = &self.declaration.source;
        source.error(advice.span.clone(), message)
    }
}

/// Returns whether the values are equal; `0` is `0.0`.
fn is_same(a: &Value, b: &Value) -> bool {
    let numbers = a.as_f64().zip(b.as_f64());
    numbers.map_or(a == b, |(a, b)| a.total_cmp(&b).is_eq())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_equal_by_value() {
        assert!(is_same(&json!(0), &json!(0.0)));
        assert!(is_same(&json!("adamw"), &json!("adamw")));
        assert!(!is_same(&json!(0), &json!("0")));
        assert!(!is_same(&json!(0.01), &json!(0.0)));
    }
}
