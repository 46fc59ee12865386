//! Errors of metric learning.

use thiserror::Error;

/// Classes cannot be held out.
#[derive(Debug, Error)]
pub enum HoldOutError {
    /// A named class doesn't exist.
    #[error("`{name}` is no class; did you mean `{nearest}`? The classes are {}", classes.join(", "))]
    UnknownClass {
        /// The name.
        name: String,
        /// The class of the most similar name.
        nearest: String,
        /// All classes.
        classes: Vec<String>,
    },
    /// There are fewer than two classes.
    #[error("found {0} classes: expected at least 2")]
    TooFewClasses(usize),
}
