//! Settings of the grouping, as `[annotate]` of `params.toml` has them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Names that stand for an unknown author, whatever their case and separators.
pub const NO_AUTHOR: [&str; 17] = [
    "unknown",
    "unknown artist",
    "unknown author",
    "unidentified",
    "anonymous",
    "anon",
    "n-a",
    "none",
    "null",
    "nan",
    "no author",
    "unbekannt",
    "anonym",
    "inconnu",
    "anonyme",
    "desconocido",
    "sconosciuto",
];

/// Rules for classes, authors and splits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Place of author and title in a file's name or at the end of its path, as in `{author}_{title}`; empty where no
    /// class has authors.
    pub author_pattern: String,
    /// Classes whose images have no author.
    pub without_authors: Vec<String>,
    /// Names that mean "no author".
    pub no_author: Vec<String>,
    /// Classes of the study; empty for all.
    pub classes: Vec<String>,
    /// Classes that are not in the study.
    pub leave_out: Vec<String>,
    /// New classes by name, each of several classes.
    pub merge: BTreeMap<String, Vec<String>>,
    /// The class that is distinguished from all others, which become one; empty for all classes.
    pub one_class: String,
    /// Use of folders such as `train` and `test` at the top as a split.
    pub split_folders: SplitFolders,
}

impl Default for Settings {
    /// Every folder a class; authors are not looked for.
    fn default() -> Self {
        Self {
            author_pattern: String::new(),
            without_authors: Vec::new(),
            no_author: NO_AUTHOR.map(str::to_owned).into(),
            classes: Vec::new(),
            leave_out: Vec::new(),
            merge: BTreeMap::new(),
            one_class: String::new(),
            split_folders: SplitFolders::Auto,
        }
    }
}

/// Use of folders such as `train` and `test` at the top as a split: `auto`, `use` or `ignore`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitFolders {
    /// They are if all folders at the top have such names and the same class stands in two of them.
    Auto,
    /// They are.
    #[serde(alias = "true")]
    Use,
    /// They are classes.
    #[serde(alias = "false")]
    Ignore,
}
