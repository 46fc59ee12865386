//! Errors of splits.

use std::fmt::{self, Write as _};

use tables::Subset;

use crate::Warning;

/// Reason why images cannot be split.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// Fewer than two folds.
    #[error(
        "cannot split into {folds} folds: one fold validates what the others train, so at least 2 are needed, except with an \
         existing split that has images for validation; set `split.folds = 4`"
    )]
    Folds {
        /// Value found.
        folds: usize,
    },
    /// A share outside its range.
    #[error("`split.test` is {share}, expected a number from 0 to 0.5")]
    Test {
        /// Value found.
        share: f64,
    },
    /// A share outside its range.
    #[error("`split.max_share` is {share}, expected a number above 0 and at most 1")]
    MaxShare {
        /// Value found.
        share: f64,
    },
    /// A weight outside its range.
    #[error("the weight of authors is {weight}, expected a finite number of at least 0")]
    AuthorWeight {
        /// Value found.
        weight: f64,
    },
    /// No images.
    #[error("there are no images to split")]
    NoImages,
    /// A path that occurs twice.
    #[error("the path `{path}` occurs twice among the images")]
    Duplicate {
        /// The path.
        path: String,
    },
    /// Fewer groups than folds.
    #[error(
        "cannot split {groups} groups (authors, and images without one) into {folds} folds: every fold needs a group; \
         set `split.folds` to at most {groups}, or `annotate.author_pattern = \"\"` if the names are no authors"
    )]
    TooFewGroups {
        /// Number of groups: authors, and images without one.
        groups: usize,
        /// Number of folds.
        folds: usize,
    },
    /// Classes or folds that cannot be trained and validated.
    #[error("{}", list(.0))]
    Faults(Vec<Fault>),
    /// A subset that no split has.
    #[error("`{path}` is in the subset `{subset}`, expected `train`, `validation` or `test`")]
    UnknownSubset {
        /// The image.
        path: String,
        /// Subset found.
        subset: Subset,
    },
    /// An existing split of some images.
    #[error(
        "{without} of {of} images have no subset in the existing split, `{first}` the first of them: give each image one, \
         or set `split.existing = \"ignore\"`"
    )]
    PartialSplit {
        /// Number of images without a subset.
        without: usize,
        /// Number of images.
        of: usize,
        /// Path of the first one without.
        first: String,
    },
    /// An existing split without training images.
    #[error(
        "the existing split has no image in `train`, only in `{subset}` and the like: set `split.existing = \"ignore\"`"
    )]
    NothingToTrainOn {
        /// A subset that occurs.
        subset: Subset,
    },
    /// An existing split with images for validation, and several folds.
    #[error(
        "the existing split has images for validation, which are the only fold, but `split.folds` is {folds}: set \
         `split.folds = 1`, or `split.existing = \"ignore\"` to deal the images into {folds} folds"
    )]
    ExistingFolds {
        /// Value found.
        folds: usize,
    },
    /// The annealer failed.
    #[error("cannot anneal the folds")]
    Anneal(#[source] argmin::core::Error),
}

impl SplitError {
    /// Fails if there are faults.
    pub(crate) fn of(faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() {
            return Ok(());
        }
        Err(Self::Faults(faults))
    }
}

/// A class or a fold that cannot be trained and validated.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Every class is by one author of its own.
    AuthorIsClass {
        /// Number of classes.
        classes: usize,
        /// The first class.
        label: String,
        /// Its author.
        author: String,
    },
    /// A class of one author.
    OneAuthor {
        /// The class.
        label: String,
        /// Its author.
        author: String,
        /// Number of its images.
        images: usize,
    },
    /// A class whose images are tied to each other by authors and near-duplicates.
    OneGroup {
        /// The class.
        label: String,
        /// Number of its images.
        images: usize,
    },
    /// Every class is one group.
    AllTied {
        /// Number of classes.
        classes: usize,
        /// Number of images.
        images: usize,
    },
    /// A class of one image.
    OneImage {
        /// The class.
        label: String,
        /// Its image.
        path: String,
    },
    /// A class all of whose images are in one fold.
    OneFold {
        /// The class.
        label: String,
        /// Number of groups: authors, and images without one.
        groups: usize,
        /// The fold.
        fold: u32,
    },
    /// A class without training images in an existing split.
    Untrained {
        /// The class.
        label: String,
        /// Its images in other subsets.
        others: usize,
    },
    /// A fold with more than its share of the images.
    LargeFold {
        /// Images by fold.
        sizes: Vec<usize>,
        /// The largest of them.
        largest: usize,
        /// Their sum.
        all: usize,
        /// Value found.
        max_share: f64,
        /// The groups that cause it.
        dominant: Vec<Warning>,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AuthorIsClass {
                classes,
                label,
                author,
            } => write!(
                f,
                "in each of the {classes} classes all images are by one author (`{label}`: `{author}`), so that no fold \
                 can both train on a class and validate on it: `annotate.author_pattern` takes a class's name, or another \
                 constant part of its file names, for an author. Set `annotate.author_pattern = \"\"`, by which no \
                 image has an author"
            ),
            Self::OneAuthor {
                label,
                author,
                images,
            } => write!(
                f,
                "class `{label}` cannot be validated: all its images ({images}) are by one author, `{author}`, and so \
                 in one fold only. Add images by a second author; if `{author}` is no author, set \
                 `annotate.without_authors = [{label:?}]` or `annotate.no_author = [{author:?}]`; or leave the class out: \
                 `annotate.leave_out = [{label:?}]`"
            ),
            Self::OneGroup { label, images } => write!(
                f,
                "class `{label}` cannot be validated: its images ({images}) are near-duplicates of each other, or of images \
                 by the same authors, and so in one fold only. Add other images, leave the class out \
                 (`annotate.leave_out = [{label:?}]`), lower `near-duplicates.max_difference`, or set \
                 `split.near_duplicates = \"ignore\"`, by which copies may be in training and in validation"
            ),
            Self::AllTied { classes, images } => write!(
                f,
                "in each of the {classes} classes all images ({images} together) are near-duplicates of each other, or of \
                 images by the same authors, so that no fold can both train on a class and validate on it. Add other images, \
                 lower `near-duplicates.max_difference`, or set `split.near_duplicates = \"ignore\"`, by which copies may \
                 be in training and in validation"
            ),
            Self::OneImage { label, path } => write!(
                f,
                "class `{label}` cannot be validated: it has one image, `{path}`. Add another, or leave the class out: \
                 `annotate.leave_out = [{label:?}]`"
            ),
            Self::OneFold {
                label,
                groups,
                fold,
            } => write!(
                f,
                "class `{label}` is in fold {fold} alone, so that no fold can both train on it and validate on it. Try another \
                 `seed`, more `split.steps`, images by more authors than {groups}, or leave the class out: \
                 `annotate.leave_out = [{label:?}]`"
            ),
            Self::Untrained { label, others } => write!(
                f,
                "class `{label}` has {others} images in the existing split, none of them in `train`. Move some there, \
                 leave the class out (`annotate.leave_out = [{label:?}]`), or set `split.existing = \"ignore\"`"
            ),
            Self::LargeFold {
                sizes,
                largest,
                all,
                max_share,
                dominant,
            } => {
                let shown: Vec<String> = sizes.iter().map(usize::to_string).collect();
                write!(
                    f,
                    "the folds have {} images: one of them has {largest} of {all} ({:.0} %, more than \
                     `split.max_share` = {max_share}), so that its network trains on {} images, and the other folds \
                     validate on few. Use more authors, fewer `split.folds`, or `annotate.author_pattern = \"\"` if the \
                     names are no authors",
                    shown.join(", "),
                    100.0 * *largest as f64 / *all as f64,
                    all - largest
                )?;
                dominant
                    .iter()
                    .try_for_each(|group| write!(f, "\n  {group}"))
            }
        }
    }
}

/// One fault, or a list of them.
fn list(faults: &[Fault]) -> String {
    if let [fault] = faults {
        return fault.to_string();
    }
    let mut text = format!(
        "the collection cannot be split, for {} reasons:",
        faults.len()
    );
    for fault in faults {
        let _ = write!(text, "\n- {fault}");
    }
    text
}
