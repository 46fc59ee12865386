//! Variables of a stage's templates.

use std::ops::Range;
use std::path::Path;

use serde_json::Value;

use crate::declaration::{Declaration, Stage};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::params::Params;

/// A stage with the variables of its templates.
pub(super) struct Scope<'a> {
    pub(super) declaration: &'a Declaration,
    pub(super) params: &'a Params,
    pub(super) root: &'a Path,
    pub(super) stage: &'a Stage,
    /// Device that the setting `auto` stands for.
    pub(super) auto: Device,
}

impl Scope<'_> {
    /// An error that points at `span` of `pipeline.toml`.
    pub(super) fn error(&self, span: &Range<usize>, message: String) -> Error {
        self.declaration.source.error(span.clone(), message)
    }

    /// The value of the param `key`, which stands at `span`.
    pub(super) fn param(&self, key: &str, span: &Range<usize>) -> Result<&Value> {
        self.params.get(key).ok_or_else(|| {
            let variables = self.stage.each.iter().map(|(name, _)| name.as_str());
            let hint = match nearest_name::likely(key, variables) {
                Some(variable) => nearest_name::hint(key, [variable]),
                None => self.params.hint(key),
            };
            self.error(span, format!("unknown parameter `{key}`{hint}"))
        })
    }
}

/// Text, a number or a boolean as it stands in a path or a command; none for another value.
pub(super) fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
