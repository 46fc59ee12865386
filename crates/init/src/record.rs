//! Record of a folder in the file of parameters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counts of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FolderRecord {
    /// Absolute path of the folder that was given.
    pub(crate) folder: String,
    /// Number of images that can be used.
    pub(crate) images: usize,
    /// Number of files and folders that cannot be used.
    pub(crate) problems: usize,
    /// Number of authors.
    pub(crate) authors: usize,
    /// Images by class.
    pub(crate) classes: BTreeMap<String, usize>,
    /// Source of authors: a pattern, a column of a table, or empty.
    pub(crate) grouping: String,
}
