//! Summary of a folder, in numbers.

use std::collections::BTreeMap;

use numeric::median_high;
use serde::{Deserialize, Serialize};
use table_annotations::Annotation;
use tables::Subset;

/// A class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Class {
    pub(crate) label: String,
    pub(crate) images: usize,
    /// Number of authors with images of it; 0 without authors.
    pub(crate) authors: usize,
    /// Number of groups, the units of a split: authors, and images without one.
    pub(crate) groups: usize,
    /// Number of images of each subset of an existing split.
    pub(crate) subsets: BTreeMap<Subset, usize>,
}

impl Class {
    /// Number of images of a subset of an existing split.
    pub(crate) fn subset(&self, subset: Subset) -> usize {
        self.subsets.get(&subset).copied().unwrap_or(0)
    }
}

/// Smallest, middle and greatest of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Range {
    pub(crate) min: u32,
    pub(crate) median: u32,
    pub(crate) max: u32,
}

impl Range {
    /// Range of at least one number.
    pub(crate) fn of(numbers: impl Iterator<Item = u32>) -> Option<Self> {
        let numbers: Vec<u32> = numbers.collect();
        Some(Self {
            min: numbers.iter().copied().min()?,
            median: median_high(&numbers, u32::cmp)?,
            max: numbers.iter().copied().max()?,
        })
    }
}

/// The classes of annotations, sorted by name.
pub(crate) fn classes(annotations: &[Annotation]) -> Vec<Class> {
    let mut classes: BTreeMap<&str, (Class, BTreeMap<&str, usize>)> = BTreeMap::new();
    for annotation in annotations {
        let (class, authors) = classes.entry(&annotation.label).or_insert_with(|| {
            let class = Class {
                label: annotation.label.clone(),
                images: 0,
                authors: 0,
                groups: 0,
                subsets: BTreeMap::new(),
            };
            (class, BTreeMap::new())
        });
        class.images += 1;
        match &annotation.author {
            Some(author) => *authors.entry(author).or_default() += 1,
            None => class.groups += 1,
        }
        if let Some(subset) = annotation.split {
            *class.subsets.entry(subset).or_default() += 1;
        }
    }
    let counted = classes.into_values().map(|(mut class, authors)| {
        class.authors = authors.len();
        class.groups += authors.len();
        class
    });
    counted.collect()
}
