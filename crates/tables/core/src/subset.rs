//! Subsets of a split.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Subset that an image belongs to, as one fold sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subset {
    /// Fitted.
    Train,
    /// The fold left out. Selects the epoch, the fold, the forest, `C` and the temperature.
    Validation,
    /// Held out of all fitting and selection.
    Test,
    /// Outside of the split: an image of a class that is held out, or of no collection.
    Unseen,
}

impl Subset {
    /// The subsets of a split, which all tables have.
    pub const OF_SPLIT: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Unseen => "unseen",
        }
    }

    /// Name in random streams, which is the one from before `validation` and `test` were exchanged: other names would
    /// draw other numbers.
    pub fn stream_name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "test",
            Self::Test => "val",
            Self::Unseen => "unseen",
        }
    }
}

impl fmt::Display for Subset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is none of a subset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found the subset `{0}`, expected `train`, `validation`, `test` or `unseen`")]
pub struct UnknownSubset(
    /// The name.
    pub String,
);

impl FromStr for Subset {
    type Err = UnknownSubset;

    fn from_str(text: &str) -> Result<Self, UnknownSubset> {
        let mut all = Self::OF_SPLIT.into_iter().chain([Self::Unseen]);
        all.find(|subset| subset.name() == text)
            .ok_or_else(|| UnknownSubset(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_serde() {
        for subset in Subset::OF_SPLIT.into_iter().chain([Subset::Unseen]) {
            assert_eq!(subset.to_string().parse(), Ok(subset));
            assert_eq!(serde_json::to_value(subset).unwrap(), subset.name());
        }
        let error = "dev".parse::<Subset>().unwrap_err();
        assert!(error.to_string().contains("`dev`"), "{error}");
    }
}
