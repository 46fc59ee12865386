//! Differences between the record of a folder and a later scan.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::document::{self, Existing};
use crate::plan::{Setting, counted};
use crate::record::FolderRecord;

/// A setting whose value would differ now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Change {
    /// Dotted key.
    pub(crate) key: String,
    /// Value of the file; null where it has none, so that the default holds.
    pub(crate) file: Value,
    /// Value that would be written now; null where the default would do.
    pub(crate) now: Value,
    /// Reason of the new value.
    pub(crate) reason: String,
}

/// Differences between a file and what would be written now.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Changes {
    /// Whether the file has the record of an earlier scan.
    pub(crate) has_record: bool,
    /// Sentences on what changed in the folder.
    pub(crate) folder: Vec<String>,
    /// Settings that would change, by key.
    pub(crate) settings: Vec<Change>,
}

/// Compares a file of parameters with a new scan of the folder.
pub(crate) fn changes(existing: &Existing, record: &FolderRecord, settings: &[Setting]) -> Changes {
    let folder = existing
        .record
        .as_ref()
        .map(|before| compare(before, record));
    Changes {
        has_record: folder.is_some(),
        folder: folder.unwrap_or_default(),
        settings: changed_settings(existing, settings),
    }
}

fn compare(before: &FolderRecord, now: &FolderRecord) -> Vec<String> {
    let mut lines = Vec::new();
    if before.folder != now.folder {
        lines.push(format!(
            "another folder: `{}` → `{}`",
            before.folder, now.folder
        ));
    }
    let figures = [
        ("classes", before.classes.len(), now.classes.len()),
        ("images", before.images, now.images),
        ("authors", before.authors, now.authors),
        ("problems", before.problems, now.problems),
    ];
    let changed = figures.into_iter().filter(|(_, before, now)| before != now);
    lines.extend(changed.map(|(name, before, now)| format!("{name}: {before} → {now}")));
    let listed = |names: Vec<&String>| {
        let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let new: Vec<&String> = now
        .classes
        .keys()
        .filter(|name| !before.classes.contains_key(*name))
        .collect();
    if !new.is_empty() {
        lines.push(format!(
            "{}: {}",
            counted(new.len(), "new class", "new classes"),
            listed(new)
        ));
    }
    let gone: Vec<&String> = before
        .classes
        .keys()
        .filter(|name| !now.classes.contains_key(*name))
        .collect();
    if !gone.is_empty() {
        lines.push(format!(
            "{}: {}",
            counted(gone.len(), "class is gone", "classes are gone"),
            listed(gone)
        ));
    }
    for (name, now) in &now.classes {
        if let Some(before) = before.classes.get(name).filter(|before| *before != now) {
            lines.push(format!("`{name}`: {before} → {now} images"));
        }
    }
    if before.grouping != now.grouping {
        let named = |grouping: &str| {
            if grouping.is_empty() {
                "none".to_owned()
            } else {
                format!("`{grouping}`")
            }
        };
        lines.push(format!(
            "authors by: {} → {}",
            named(&before.grouping),
            named(&now.grouping)
        ));
    }
    lines
}

fn changed_settings(existing: &Existing, settings: &[Setting]) -> Vec<Change> {
    let mut now: BTreeMap<String, (Value, &str)> = BTreeMap::new();
    for setting in settings {
        for (inner, value) in document::leaves(&setting.value) {
            let key = if inner.is_empty() {
                setting.key.clone()
            } else {
                format!("{}.{inner}", setting.key)
            };
            now.insert(key, (value, &setting.reason));
        }
    }
    let mut changes = Vec::new();
    for (key, (value, reason)) in &now {
        let file = existing.values.get(key);
        if !file.is_some_and(|file| document::is_same(file, value)) {
            let file = file.cloned().unwrap_or(Value::Null);
            changes.push(Change {
                key: key.clone(),
                file,
                now: value.clone(),
                reason: (*reason).to_owned(),
            });
        }
    }
    for (key, file) in existing
        .values
        .iter()
        .filter(|(key, _)| !now.contains_key(*key))
    {
        let reason = "the default fits".to_owned();
        changes.push(Change {
            key: key.clone(),
            file: file.clone(),
            now: Value::Null,
            reason,
        });
    }
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    changes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(classes: &[(&str, usize)], grouping: &str) -> FolderRecord {
        FolderRecord {
            folder: "/x".into(),
            images: classes.iter().map(|(_, n)| n).sum(),
            classes: classes
                .iter()
                .map(|&(name, n)| (name.to_owned(), n))
                .collect(),
            grouping: grouping.into(),
            ..FolderRecord::default()
        }
    }

    #[test]
    fn a_folder_that_grew_is_described() {
        let before = record(&[("cat", 10), ("dog", 10)], "");
        let now = record(&[("cat", 10), ("dog", 12), ("owl", 5)], "{author}_{title}");
        expect_test::expect![[r#"
            classes: 2 → 3
            images: 20 → 27
            1 new class: `owl`
            `dog`: 10 → 12 images
            authors by: none → `{author}_{title}`"#]]
        .assert_eq(&compare(&before, &now).join("\n"));
        assert!(compare(&now, &now).is_empty());
    }

    #[test]
    fn settings_are_compared_with_those_of_the_file() {
        let text = "[train]\nepochs = 12\nlr = 1e-4\n[forest-search.space]\nn_trees = { int = [10, 100] }\n\
                    [split]\nfolds = 2\n";
        let existing = document::read(text).unwrap();
        let settings = [
            Setting::new("train.epochs", json!(8), "more images"),
            Setting::new("train.lr", json!(0.0001), "as ever"),
            Setting::new(
                "forest-search.space.n_trees",
                json!({ "int": [10, 100] }),
                "",
            ),
            Setting::new("metric-learning.held_out", json!(["a"]), "five classes"),
        ];
        let changes = changes(&existing, &FolderRecord::default(), &settings);
        assert!(!changes.has_record);
        let keys: Vec<&str> = changes
            .settings
            .iter()
            .map(|change| change.key.as_str())
            .collect();
        assert_eq!(
            keys,
            ["metric-learning.held_out", "split.folds", "train.epochs"]
        );
        assert_eq!(
            (&changes.settings[1].now, &changes.settings[2].file),
            (&Value::Null, &json!(12))
        );
    }
}
