//! The record of a folder, which stands in the file of parameters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Figures of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Absolute path of the folder that was given.
    pub(crate) folder: String,
    /// Images that can be used.
    pub(crate) images: usize,
    /// Files and folders that cannot.
    pub(crate) problems: usize,
    /// Authors of all classes.
    pub(crate) authors: usize,
    /// Images by class.
    pub(crate) classes: BTreeMap<String, usize>,
    /// Source of authors: a pattern, a column of a table, or empty.
    pub(crate) grouping: String,
}
