//! Assignments of images to folds.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Subset;

/// Fold assignment. In tables the number of a fold, `train` or `test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assignment {
    /// Training images of an existing split that has images for validation: fitted in every fold.
    Train,
    /// Fold of this number, from 0: validation of the fold, fitted in the others.
    Fold(u32),
    /// Held out of every fold.
    Test,
}

impl Assignment {
    /// Subset of the image in the fold number `fold`.
    pub fn subset(self, fold: u32) -> Subset {
        match self {
            Self::Test => Subset::Test,
            Self::Fold(number) if number == fold => Subset::Validation,
            Self::Fold(_) | Self::Train => Subset::Train,
        }
    }
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Train => f.pad(Subset::Train.name()),
            Self::Fold(fold) => fmt::Display::fmt(fold, f),
            Self::Test => f.pad(Subset::Test.name()),
        }
    }
}

/// A text that is no fold assignment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found the fold `{0}`, expected a number, `train` or `test`")]
pub struct UnknownAssignment(
    /// The text.
    pub String,
);

impl FromStr for Assignment {
    type Err = UnknownAssignment;

    fn from_str(text: &str) -> Result<Self, UnknownAssignment> {
        match text.parse() {
            Ok(Subset::Train) => Ok(Self::Train),
            Ok(Subset::Test) => Ok(Self::Test),
            _ => { text.parse().map(Self::Fold) }.map_err(|_| UnknownAssignment(text.to_owned())),
        }
    }
}

impl Serialize for Assignment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Assignment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_read_by_name_and_number() {
        for (text, assignment) in [
            ("train", Assignment::Train),
            ("12", Assignment::Fold(12)),
            ("test", Assignment::Test),
        ] {
            assert_eq!(text.parse(), Ok(assignment));
            assert_eq!(assignment.to_string(), text);
        }
        for text in ["val", "validation", "unseen", "-1", "x", ""] {
            let error = text.parse::<Assignment>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("found the fold `{text}`, expected a number, `train` or `test`")
            );
        }
    }

    #[test]
    fn a_fold_is_validated_on_and_fitted_in_the_others() {
        let subsets = |assignment: Assignment| [0, 1].map(|fold| assignment.subset(fold));
        assert_eq!(
            subsets(Assignment::Fold(1)),
            [Subset::Train, Subset::Validation]
        );
        assert_eq!(subsets(Assignment::Train), [Subset::Train; 2]);
        assert_eq!(subsets(Assignment::Test), [Subset::Test; 2]);
    }
}
