//! Readers of files of the cache, as targets of fuzzing; see the folder `fuzz` of the workspace.

use std::path::{Component, Path};

use crate::tree::Tree;
use crate::{Digest, Record, index};

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// Each target by the name of its corpus.
pub const TARGETS: [(&str, Target); 3] =
    [("index", index_file), ("record", record), ("tree", tree)];

/// The text of a folder: no path leaves it, and no file is a folder as well.
pub fn tree(data: &[u8]) {
    match Tree::parse(Digest::of_bytes(b"name"), data) {
        Ok(tree) => {
            let paths = tree.entries.iter().map(|entry| Path::new(&entry.path));
            for path in paths.clone() {
                assert!(
                    path.components()
                        .all(|part| matches!(part, Component::Normal(_)))
                );
                let mut folders = path.ancestors().skip(1);
                assert!(!folders.any(|folder| folder != Path::new("") && paths.clone().any(|p| p == folder)));
            }
        }
        Err(error) => drop(error.to_string()),
    }
}

/// A record, which counts under one key alone.
pub fn record(data: &[u8]) {
    let any = Digest::of_bytes(data);
    assert_eq!(Record::parse(data, &any), None);
    if let Ok(record) = serde_json::from_slice::<Record>(data) {
        let key = Digest::of_bytes(record.manifest.as_bytes());
        assert_eq!(Record::parse(data, &key), Some(record));
    }
}

/// The index, which is read or left.
pub fn index_file(data: &[u8]) {
    index::is_index(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_is_read_without_a_panic() {
        corpus::replay(&TARGETS).unwrap();
    }
}
