//! What can be wrong with a split.

/// Why pictures cannot be split.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// Fewer than two folds.
    #[error(
        "cannot split into {folds} folds: one fold tests what the others train, so at least 2 are needed"
    )]
    Folds {
        /// As given.
        folds: usize,
    },
    /// A share outside its range.
    #[error("the share of validation is {share}, expected a number from 0 to 0.5")]
    Validation {
        /// As given.
        share: f64,
    },
    /// A weight outside its range.
    #[error("the weight of authors is {weight}, expected a finite number of at least 0")]
    AuthorWeight {
        /// As given.
        weight: f64,
    },
    /// Nothing to split.
    #[error("there are no pictures to split")]
    NoPictures,
    /// A path twice.
    #[error("the path `{path}` occurs twice among the pictures")]
    Duplicate {
        /// The path.
        path: String,
    },
    /// Fewer authors than folds.
    #[error(
        "cannot split {groups} groups (authors, and pictures without one) into {folds} folds: every fold needs a group"
    )]
    TooFewGroups {
        /// Authors, and pictures without one.
        groups: usize,
        /// As asked for.
        folds: usize,
    },
    /// A class of one author.
    #[error(
        "class `{label}` cannot be tested: all its pictures ({pictures}) are by one author, `{author}`, who stands in \
         one fold only; add pictures by a second author or leave the class out"
    )]
    OneAuthor {
        /// The class.
        label: String,
        /// Its author.
        author: String,
        /// Its pictures.
        pictures: usize,
    },
    /// A class of one picture.
    #[error(
        "class `{label}` cannot be tested: it has one picture, `{path}`; add another or leave the class out"
    )]
    OnePicture {
        /// The class.
        label: String,
        /// Its picture.
        path: String,
    },
    /// A class all of which came to stand in one fold.
    #[error(
        "class `{label}` stands in fold {fold} alone, so no fold can both train on it and test on it; try another \
         seed, more steps, or pictures by more authors than {groups}"
    )]
    OneFold {
        /// The class.
        label: String,
        /// Authors, and pictures without one.
        groups: usize,
        /// The fold that has it.
        fold: usize,
    },
    /// The annealer refused.
    #[error("cannot anneal the folds")]
    Anneal(#[source] argmin::core::Error),
}
