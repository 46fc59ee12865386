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
    /// listed as `table.*`, stand at the top, any other key under its last
    /// part; the variables of `each` join them.
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
            let (name, is_spread) = match key.value.strip_suffix(".*") {
                Some(table) => (table, true),
                None => (key.value.as_str(), key.value == *own),
            };
            let value = self.param(name, &key.span)?;
            match value {
                Value::Object(table) if is_spread => {
                    self.spread(name, table, &key.span, &mut seen)?
                }
                value if name != key.value => {
                    let message = format!("`{name}` is `{value}`, which has no keys");
                    return Err(self.error(&key.span, message));
                }
                Value::String(text) if key.value == "device" => {
                    let class = Device::resolve(text, self.auto)
                        .map_err(|unknown| self.error(&key.span, unknown.to_string()))?;
                    seen.device = Some(class);
                    self.insert_param(&key, Value::from(class.name()), &mut seen)?;
                }
                value => self.insert_param(&key, value.clone(), &mut seen)?,
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
            self.insert_param(&dotted, value.clone(), seen)?;
        }
        Ok(())
    }

    /// Adds the value of the dotted `key` under its last part.
    fn insert_param(
        &self,
        key: &Spanned<String>,
        value: Value,
        seen: &mut StageParams,
    ) -> Result<()> {
        let name = key.value.rsplit('.').next().unwrap_or(&key.value);
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
