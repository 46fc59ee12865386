//! A split that the folder already has: `train`, `val` and `test` at the top.

use std::collections::{BTreeMap, BTreeSet};

use super::names::normalized;

/// A part of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Split {
    /// Fitted.
    Train,
    /// Chooses the epoch.
    Validation,
    /// Held out.
    Test,
}

impl Split {
    /// `train`, `validation` or `test`, as in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The part by one of its usual names: `train`, `training`; `val`, `valid`, `validation`, `dev`; `test`, `testing`,
    /// `eval`, in any case; `set` or `images` may follow.
    pub fn of(name: &str) -> Option<Self> {
        let name = normalized(name);
        let name = ["set", "images", "data"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(&name)
            .trim_end_matches(['_', '-', ' ']);
        match name {
            "train" | "training" | "trn" => Some(Self::Train),
            "val" | "valid" | "validation" | "validate" | "dev" => Some(Self::Validation),
            "test" | "testing" | "tst" | "eval" | "evaluation" => Some(Self::Test),
            _ => None,
        }
    }
}

/// The folders at the top of `files` that are parts of a split, if all folders there are, at least two parts among them,
/// and the same class stands in two of them; else none. `files` are paths with `/`.
pub fn split_folders<'f>(files: impl IntoIterator<Item = &'f str>) -> BTreeMap<String, Split> {
    let mut parts = BTreeMap::new();
    let mut parts_of_class: BTreeMap<String, BTreeSet<Split>> = BTreeMap::new();
    for file in files {
        let Some((top, below)) = file.split_once('/') else {
            continue;
        };
        let Some(part) = Split::of(top) else {
            return BTreeMap::new();
        };
        parts.entry(top.to_owned()).or_insert(part);
        if let Some((class, _)) = below.split_once('/') {
            let parts = parts_of_class.entry(normalized(class)).or_default();
            parts.insert(part);
        }
    }
    let is_split = parts_of_class.values().any(|parts| parts.len() > 1);
    if is_split { parts } else { BTreeMap::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_a_split_are_recognized() {
        let found = split_folders(["Training/cat/1.png", "valid/cat/2.png", "README.md"]);
        let found: Vec<_> = found
            .iter()
            .map(|(top, part)| (top.as_str(), part.name()))
            .collect();
        assert_eq!(found, [("Training", "train"), ("valid", "validation")]);
        // A class that is named so, parts without a class in common, and images directly in the parts.
        assert!(split_folders(["train/a/1.png", "bus/a/1.png"]).is_empty());
        assert!(split_folders(["train/a/1.png", "test/b/1.png"]).is_empty());
        assert!(split_folders(["train/1.png", "test/1.png"]).is_empty());
    }

    #[test]
    fn parts_have_many_names() {
        for (name, part) in [
            ("TRAIN", Split::Train),
            ("train_set", Split::Train),
            ("Val", Split::Validation),
            ("dev", Split::Validation),
            ("test_images", Split::Test),
        ] {
            assert_eq!(Split::of(name), Some(part), "{name}");
        }
        assert_eq!(Split::of("trains"), None);
    }
}
