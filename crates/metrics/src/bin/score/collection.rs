//! What is known of the pictures without any model.

use std::collections::BTreeMap;

use anyhow::Context;
use tables::fold::Fold;

/// Classes and authors.
pub(crate) struct Collection {
    /// Sorted: a class's code is its index.
    pub(crate) labels: Vec<String>,
    /// By path: the number of the author, or the picture's own where there is none.
    units: BTreeMap<String, usize>,
}

impl Collection {
    pub(crate) fn of(folds: &[Fold]) -> Self {
        let mut labels: Vec<String> = folds.iter().map(|row| row.label.clone()).collect();
        labels.sort_unstable();
        labels.dedup();
        // An author has the number of the first picture, which is then no other unit's.
        let mut authors: BTreeMap<&str, usize> = BTreeMap::new();
        let mut units = BTreeMap::new();
        for (number, row) in folds.iter().enumerate() {
            let unit = match &row.author {
                Some(author) => *authors.entry(author).or_insert(number),
                None => number,
            };
            units.insert(row.path.clone(), unit);
        }
        Self { labels, units }
    }

    /// The code of `label`.
    pub(crate) fn code(&self, label: &str) -> anyhow::Result<usize> {
        self.labels
            .binary_search_by(|known| known.as_str().cmp(label))
            .ok()
            .with_context(|| {
                format!(
                    "the class `{label}` is not in the folds, which know {}",
                    self.labels.join(", ")
                )
            })
    }

    /// What the bootstrap draws `path` with.
    pub(crate) fn unit(&self, path: &str) -> anyhow::Result<usize> {
        let unit = self.units.get(path).copied();
        unit.with_context(|| format!("the picture `{path}` is not in the folds"))
    }
}
