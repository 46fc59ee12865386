//! A split that the folder already has: `train`, `val` and `test` at the top.

use std::collections::{BTreeMap, BTreeSet};

use tables::Subset;

use crate::names::normalized;

/// The subset by one of its usual names: `train`, `training`; `val`, `valid`, `validation`, `dev`; `test`, `testing`,
/// `eval`, in any case; `set` or `images` may follow.
pub fn subset_named(name: &str) -> Option<Subset> {
    let name = normalized(name);
    let name = ["set", "images", "data"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(&name)
        .trim_end_matches(['_', '-', ' ']);
    match name {
        "train" | "training" | "trn" => Some(Subset::Train),
        "val" | "valid" | "validation" | "validate" | "dev" => Some(Subset::Validation),
        "test" | "testing" | "tst" | "eval" | "evaluation" => Some(Subset::Test),
        _ => None,
    }
}

/// The folders at the top of `files` that are subsets of a split, if all folders there are, at least two subsets among them,
/// and the same class stands in two of them; else none. `files` are paths with `/`.
pub fn split_folders<'f>(files: impl IntoIterator<Item = &'f str>) -> BTreeMap<String, Subset> {
    let mut subsets = BTreeMap::new();
    let mut subsets_of_class: BTreeMap<String, BTreeSet<Subset>> = BTreeMap::new();
    for file in files {
        let Some((top, below)) = file.split_once('/') else {
            continue;
        };
        let Some(subset) = subset_named(top) else {
            return BTreeMap::new();
        };
        subsets.entry(top.to_owned()).or_insert(subset);
        if let Some((class, _)) = below.split_once('/') {
            let subsets = subsets_of_class.entry(normalized(class)).or_default();
            subsets.insert(subset);
        }
    }
    let is_split = { subsets_of_class.values() }.any(|subsets| subsets.len() > 1);
    if is_split { subsets } else { BTreeMap::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_a_split_are_recognized() {
        let found = split_folders(["Training/cat/1.png", "valid/cat/2.png", "README.md"]);
        let found: Vec<_> = found
            .iter()
            .map(|(top, subset)| (top.as_str(), subset.name()))
            .collect();
        assert_eq!(found, [("Training", "train"), ("valid", "validation")]);
        // A class that is named so, subsets without a class in common, and images directly in the subsets.
        assert!(split_folders(["train/a/1.png", "bus/a/1.png"]).is_empty());
        assert!(split_folders(["train/a/1.png", "test/b/1.png"]).is_empty());
        assert!(split_folders(["train/1.png", "test/1.png"]).is_empty());
    }

    #[test]
    fn subsets_have_many_names() {
        for (name, subset) in [
            ("TRAIN", Subset::Train),
            ("train_set", Subset::Train),
            ("Val", Subset::Validation),
            ("dev", Subset::Validation),
            ("test_images", Subset::Test),
        ] {
            assert_eq!(subset_named(name), Some(subset), "{name}");
        }
        assert_eq!(subset_named("trains"), None);
    }
}
