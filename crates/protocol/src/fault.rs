//! Faults of a job: names and values that a program cannot use.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A part of a job file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// `params`.
    Parameter,
    /// `in`.
    Input,
    /// `out`.
    Output,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parameter => "parameter",
            Self::Input => "input",
            Self::Output => "output",
        })
    }
}

/// A name or value of a job that the program cannot use: the answer to `--check JOB`. A `key` is a dotted name, such as
/// `augmentation.crop` or `sizes[2]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The program has no such name.
    Unknown {
        /// Part that has the name.
        part: Part,
        /// The unknown name.
        key: String,
        /// Names that the program has there.
        expected: Vec<String>,
    },
    /// The program needs a name that the job lacks.
    Missing {
        /// Part that lacks the name.
        part: Part,
        /// The missing name.
        key: String,
    },
    /// A value of another type, or out of its range.
    Unusable {
        /// Part that has the value.
        part: Part,
        /// Its name; none for the part as a whole.
        key: Option<String>,
        /// Found and expected value, in words.
        reason: String,
    },
}

impl Fault {
    /// The part of the job that is at fault.
    #[must_use]
    pub fn part(&self) -> Part {
        match self {
            Self::Unknown { part, .. }
            | Self::Missing { part, .. }
            | Self::Unusable { part, .. } => *part,
        }
    }

    /// Dotted name of the value at fault; of a missing name, the table that lacks it. None for the part as a whole.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        match self {
            Self::Unknown { key, .. } => Some(key),
            Self::Missing { key, .. } => key.rsplit_once('.').map(|(table, _)| table),
            Self::Unusable { key, .. } => key.as_deref(),
        }
    }

    /// Description of the fault at its place, in the words of `serde_json`.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Unknown { key, expected, .. } => unknown(last(key), expected),
            Self::Missing { key, .. } => missing(last(key)),
            Self::Unusable { reason, .. } => reason.clone(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (part, reason) = (self.part(), self.reason());
        match self.place() {
            None => write!(f, "cannot use the {part}s: {reason}"),
            Some(place) => write!(f, "cannot use {part} `{place}`: {reason}"),
        }
    }
}

impl std::error::Error for Fault {}

/// The last name of a dotted one.
fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// Reason of an unknown name, in serde's words.
pub(crate) fn unknown(name: &str, expected: &[String]) -> String {
    let expected = match expected {
        [] => "there are no fields".to_owned(),
        [one] => format!("expected `{one}`"),
        [one, other] => format!("expected `{one}` or `{other}`"),
        many => format!("expected one of `{}`", many.join("`, `")),
    };
    format!("unknown field `{name}`, {expected}")
}

/// Reason of a missing name, in serde's words.
pub(crate) fn missing(name: &str) -> String {
    format!("missing field `{name}`")
}
