//! Warnings about the folds.

use std::fmt;

use crate::Part;

/// A class that the folds cannot share evenly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A class that some part has none of.
    Absent {
        /// The class.
        label: String,
        /// Its groups: authors, near-duplicates and single pictures.
        groups: usize,
        /// Its pictures.
        pictures: usize,
        /// The parts without a picture of it, sorted.
        absent: Vec<Part>,
    },
    /// A class most of whose pictures move as a whole.
    Dominant {
        /// The class.
        label: String,
        /// The group, in words.
        group: String,
        /// An author of the group.
        author: Option<String>,
        /// Pictures of the class in the group.
        of_group: usize,
        /// Pictures of the class.
        pictures: usize,
        /// The part with the group.
        part: Part,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent {
                label,
                groups,
                pictures,
                absent,
            } => {
                let absent: Vec<String> = absent.iter().map(Part::to_string).collect();
                write!(
                    f,
                    "class `{label}` has {pictures} images in {groups} groups (authors, and images without one), too few \
                     for every part: none of it stands in {}, where it cannot be scored; fewer `split.folds`, images \
                     by more authors, or `annotate.leave_out = [{label:?}]`",
                    absent.join(", ")
                )
            }
            Self::Dominant {
                label,
                group,
                author,
                of_group,
                pictures,
                part,
            } => {
                write!(
                    f,
                    "{group} has {of_group} of the {pictures} images of class `{label}` ({:.0} %), all of them in part \
                     {part}, so that the folds are uneven",
                    100.0 * *of_group as f64 / *pictures as f64
                )?;
                match author {
                    Some(author) => write!(
                        f,
                        "; if the name stands for no author, or for several, set `annotate.no_author = [{author:?}]`"
                    ),
                    None => Ok(()),
                }
            }
        }
    }
}
