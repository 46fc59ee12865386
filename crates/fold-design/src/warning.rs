//! Warnings about the folds.

use std::fmt;

use tables::Assignment;

/// A class that the folds cannot share evenly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A class that some fold, or the test set, has no image of.
    Absent {
        /// The class.
        label: String,
        /// Its groups: authors, near-duplicates and single images.
        groups: usize,
        /// Its images.
        images: usize,
        /// The assignments without an image of it, sorted.
        absent: Vec<Assignment>,
    },
    /// A class most of whose images move as a whole.
    Dominant {
        /// The class.
        label: String,
        /// The group, in words.
        group: String,
        /// An author of the group.
        author: Option<String>,
        /// Images of the class in the group.
        of_group: usize,
        /// Images of the class.
        images: usize,
        /// Assignment of the group.
        assignment: Assignment,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent {
                label,
                groups,
                images,
                absent,
            } => {
                let absent: Vec<String> = absent.iter().map(Assignment::to_string).collect();
                write!(
                    f,
                    "class `{label}` has {images} images in {groups} groups (authors, and images without one), too few \
                     for every fold: there is none in {}, where it cannot be scored; fewer `split.folds`, images \
                     by more authors, or `annotate.leave_out = [{label:?}]`",
                    absent.join(", ")
                )
            }
            Self::Dominant {
                label,
                group,
                author,
                of_group,
                images,
                assignment,
            } => {
                write!(
                    f,
                    "{group} has {of_group} of the {images} images of class `{label}` ({:.0} %), all of them in fold \
                     {assignment}, so that the folds are uneven",
                    100.0 * *of_group as f64 / *images as f64
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
