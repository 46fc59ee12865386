//! Errors of a folder of images and of the settings for it.

use std::path::PathBuf;

/// A folder cannot be used as a collection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectionError {
    /// The folder cannot be walked.
    #[error("cannot open the folder of images: {0}")]
    Folder(#[from] walk::Error),
    /// The folder of images is a file.
    #[error("`{}` is a file: expected a folder of images", path.display())]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// A pattern for names that cannot be read.
    #[error("`author_pattern` is `{pattern}`: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// The text found and the text expected.
        reason: String,
    },
    /// A table of labels that cannot be used.
    #[error("cannot use the table of labels `{}`: {reason}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// The text found and the text expected.
        reason: String,
    },
    /// A file whose row in table `images` is missing or incomplete.
    #[error("table `images` and `{path}`: {reason}")]
    ImageRow {
        /// The file, relative to the folder.
        path: String,
        /// The row expected.
        reason: &'static str,
    },
    /// Settings that don't fit the folder, all of them.
    #[error("{}", .0.join("\n"))]
    Settings(Vec<String>),
}
