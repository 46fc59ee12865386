//! The error of reading a value: it keeps its fields where serde's traits give them.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};
use serde_json::Number;

use crate::fault::{self, Fault, Part};

/// Reason why a value cannot be used.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Dotted name of the value below the one that is read; empty for that itself.
    key: String,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    /// `key` is unknown.
    Unknown { name: String, expected: Vec<String> },
    /// `key` is missing.
    Missing { name: String },
    /// The value at `key` cannot be used.
    Unusable(String),
}

impl Refusal {
    /// The same, seen from an object that has the value under `name`.
    pub(crate) fn below(mut self, name: &str) -> Self {
        let separator = if self.key.is_empty() || self.key.starts_with('[') {
            ""
        } else {
            "."
        };
        self.key = format!("{name}{separator}{}", self.key);
        self
    }

    /// The same, seen from the object whose name `key` was read.
    pub(crate) fn at_key(self, key: &str) -> Self {
        match self.cause {
            // It has the name already.
            Cause::Unknown { .. } => self,
            Cause::Missing { .. } | Cause::Unusable(_) => self.below(key),
        }
    }

    pub(crate) fn fault(self, part: Part) -> Fault {
        let key = self.key;
        match self.cause {
            Cause::Unknown { expected, .. } => Fault::Unknown {
                part,
                key,
                expected,
            },
            Cause::Missing { .. } => Fault::Missing { part, key },
            Cause::Unusable(reason) => Fault::Unusable {
                part,
                key: (!key.is_empty()).then_some(key),
                reason,
            },
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Unknown { name, expected } => f.write_str(&fault::unknown(name, expected)),
            Cause::Missing { name } => f.write_str(&fault::missing(name)),
            Cause::Unusable(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Refusal {}

impl Error for Refusal {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self {
            key: String::new(),
            cause: Cause::Unusable(reason.to_string()),
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self {
            key: field.to_owned(),
            cause: Cause::Unknown {
                name: field.to_owned(),
                expected: expected.iter().map(|&name| name.to_owned()).collect(),
            },
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            key: field.to_owned(),
            cause: Cause::Missing {
                name: field.to_owned(),
            },
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!(
            "invalid type: {}, expected {expected}",
            Json(found)
        ))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!(
            "invalid value: {}, expected {expected}",
            Json(found)
        ))
    }
}

/// A value that wasn't expected, in the words of JSON.
struct Json<'a>(Unexpected<'a>);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unexpected::Unit => f.write_str("null"),
            Unexpected::Float(value) => match Number::from_f64(value) {
                Some(number) => write!(f, "floating point `{number}`"),
                None => write!(f, "floating point `{value}`"),
            },
            other => other.fmt(f),
        }
    }
}
