//! Table `folds`: the part of the design in which a picture stands.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::Table;

/// The part of the validation pictures, which no fold trains on or tests on.
pub const VALIDATION: &str = "val";

/// The part of an existing split's training images, which every fold trains on.
pub const TRAIN: &str = "train";

/// A picture's place in the design. Sorted by `path`, one row for each row of `annotations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fold {
    /// As in `annotations`.
    pub path: String,
    /// The class.
    pub label: String,
    /// Who made it; an author stands in one part only, except in an existing split.
    pub author: Option<String>,
    /// `0`, `1`, … for the folds, [`VALIDATION`] or [`TRAIN`].
    pub part: String,
}

/// A part of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assignment {
    /// Trained on by every fold.
    Train,
    /// Left out by the fold of this number, trained on by the others.
    Fold(u32),
    /// Left out by every fold.
    Validation,
}

impl Fold {
    /// The part as a value; none if it is neither the number of a fold nor [`VALIDATION`] nor [`TRAIN`].
    pub fn assignment(&self) -> Option<Assignment> {
        match self.part.as_str() {
            TRAIN => Some(Assignment::Train),
            VALIDATION => Some(Assignment::Validation),
            number => number.parse().ok().map(Assignment::Fold),
        }
    }
}

impl Table for Fold {
    const NAME: &'static str = "folds";

    fn order(&self, other: &Self) -> Ordering {
        self.path.cmp(&other.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_by_name_and_number() {
        let assignment = |part: &str| {
            let row = Fold {
                path: "a.png".to_owned(),
                label: "a".to_owned(),
                author: None,
                part: part.to_owned(),
            };
            row.assignment()
        };
        assert_eq!(assignment("train"), Some(Assignment::Train));
        assert_eq!(assignment("12"), Some(Assignment::Fold(12)));
        assert_eq!(assignment("val"), Some(Assignment::Validation));
        assert_eq!(assignment("test"), None);
        assert_eq!(assignment("-1"), None);
    }
}
