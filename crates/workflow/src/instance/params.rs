//! Parameters of a stage, from `params.toml` and `each`.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value};

use super::each::{Variable, Variables};
use super::scope::Scope;
use crate::declaration::Spanned;
use crate::device::Device;
use crate::error::Result;

/// Parameters of a stage, from `params.toml` and `each`.
#[derive(Default)]
pub(super) struct StageParams {
    pub(super) values: BTreeMap<String, Value>,
    pub(super) keys: BTreeMap<String, String>,
    pub(super) device: Option<Device>,
}

impl Scope<'_> {
    /// The params that the stage sees. The keys of its own table, and of one
    /// listed as `table.*`, stand at the top, a key listed as `table.key as
    /// name` under this name, any other under its last part; the variables of
    /// `each` join them.
    pub(super) fn stage_params(&self, variables: &Variables) -> Result<StageParams> {
        let own = &self.stage.name;
        let mut seen = StageParams::default();
        let default = || match self.params.get(own) {
            Some(_) => vec![Spanned {
                value: own.clone(),
                span: 0..0,
            }],
            None => Vec::new(),
        };
        for key in self.stage.params.clone().unwrap_or_else(default) {
            let (listed, alias) = match key.value.split_once(" as ") {
                Some((listed, alias)) => (listed.trim(), Some(alias.trim())),
                None => (key.value.as_str(), None),
            };
            let is_plain = |name: &str| {
                let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                !name.is_empty() && name.chars().all(is_part)
            };
            if alias.is_some_and(|alias| !is_plain(alias) || listed.ends_with(".*")) {
                let message = format!(
                    "`{}`: expected the key of a value, ` as `, and a name of letters, digits, `_` and `-`",
                    key.value
                );
                return Err(self.error(&key.span, message));
            }
            let (name, is_spread) = match listed.strip_suffix(".*").filter(|_| alias.is_none()) {
                Some(table) => (table, true),
                None => (listed, alias.is_none() && listed == *own),
            };
            let dotted = Spanned {
                value: listed.to_owned(),
                span: key.span.clone(),
            };
            let value = self.param(name, &key.span)?;
            match value {
                Value::Object(table) if is_spread => {
                    self.spread(name, table, &key.span, &mut seen)?
                }
                value if name != listed => {
                    let message = format!("`{name}` is `{value}`, which has no keys");
                    return Err(self.error(&key.span, message));
                }
                Value::String(text) if listed == "device" => {
                    let class = Device::resolve(text, self.auto)
                        .map_err(|unknown| self.error(&key.span, unknown.to_string()))?;
                    seen.device = Some(class);
                    self.insert_param(&dotted, alias, Value::from(class.name()), &mut seen)?;
                }
                value => self.insert_param(&dotted, alias, value.clone(), &mut seen)?,
            }
        }
        for (Variable { name, value, .. }, (_, declared)) in variables.iter().zip(&self.stage.each)
        {
            self.insert(name, value.clone(), &declared.span, &mut seen)?;
        }
        Ok(seen)
    }

    fn spread(
        &self,
        table_name: &str,
        table: &Map<String, Value>,
        span: &Range<usize>,
        seen: &mut StageParams,
    ) -> Result<()> {
        for (name, value) in table {
            let dotted = Spanned {
                value: format!("{table_name}.{name}"),
                span: span.clone(),
            };
            self.insert_param(&dotted, None, value.clone(), seen)?;
        }
        Ok(())
    }

    /// Adds the value of the dotted `key` under `alias`, or under its last part.
    fn insert_param(
        &self,
        key: &Spanned<String>,
        alias: Option<&str>,
        value: Value,
        seen: &mut StageParams,
    ) -> Result<()> {
        let last_part = || key.value.rsplit('.').next().unwrap_or(&key.value);
        let name = alias.unwrap_or_else(last_part);
        self.insert(name, value, &key.span, seen)?;
        seen.keys.insert(name.to_owned(), key.value.clone());
        Ok(())
    }

    fn insert(
        &self,
        name: &str,
        value: Value,
        span: &Range<usize>,
        seen: &mut StageParams,
    ) -> Result<()> {
        match seen.values.insert(name.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(self.error(
                span,
                format!(
                    "two params of stage `{}` would be called `{name}`",
                    self.stage.name
                ),
            )),
        }
    }
}
