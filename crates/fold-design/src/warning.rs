//! Warnings about the folds.

use std::fmt;

use tables::Assignment;

/// A class that cannot be divided evenly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A class without an image in some fold or in the test set.
    Absent {
        /// The class.
        label: String,
        /// Number of its groups: authors, near-duplicates and single images.
        groups: usize,
        /// Number of its images.
        images: usize,
        /// The assignments without an image of it, sorted.
        absent: Vec<Assignment>,
    },
    /// A class with most of its images in one group.
    Dominant {
        /// The class.
        label: String,
        /// Description of the group.
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
