//! The annotated images, their classes and authors, and properties derived from them.

use std::collections::BTreeMap;
use std::ops::Deref;

use numeric::Classes;
use table_annotations::Annotation;

use crate::ReportError;
use crate::draw::palette::N_SERIES;
use crate::draw::scatter::MOST_NAMED;
use crate::page::tables::{Field, Reading, Rows};

/// Annotations of all images of the collection.
pub(crate) struct Annotations(Rows<Annotation>);

impl Deref for Annotations {
    type Target = [Annotation];

    fn deref(&self) -> &[Annotation] {
        &self.0
    }
}

impl Field for Annotations {
    type Row = Annotation;

    const READING: Reading = Reading::Whole;

    fn of(_: &'static str, rows: Rows<Annotation>) -> Result<Self, ReportError> {
        Ok(Self(rows))
    }
}

/// Indices of the classes, by which they are colored.
pub(crate) struct ClassIndices(Classes);

impl ClassIndices {
    /// Index of `label`; that of an unknown label is above all others.
    pub(crate) fn of(&self, label: &str) -> u32 {
        let index = self.0.index(label).unwrap_or(self.0.len());
        u32::try_from(index).unwrap_or(u32::MAX)
    }
}

/// A top-`k` accuracy.
#[derive(Clone, Copy)]
pub(crate) struct TopK {
    /// Number of guesses among which the true class counts as right.
    pub(crate) k: usize,
    /// Name in tables.
    pub(crate) metric: &'static str,
    /// Name in text.
    pub(crate) name: &'static str,
}

const TOP_1: TopK = TopK {
    k: 1,
    metric: "top1",
    name: "top-1",
};

const TOP_2: TopK = TopK {
    k: 2,
    metric: "top2",
    name: "top-2",
};

impl Annotations {
    /// The classes.
    pub(crate) fn labels(&self) -> Classes {
        Classes::of(self.iter().map(|row| row.label.as_str()))
    }

    /// Indices of the classes.
    pub(crate) fn class_indices(&self) -> ClassIndices {
        ClassIndices(self.labels())
    }

    /// Annotations by path.
    pub(crate) fn by_path(&self) -> BTreeMap<&str, &Annotation> {
        self.iter().map(|row| (row.path.as_str(), row)).collect()
    }

    /// Headline metric: top-2, or top-1 for two classes, where top-2 is always 1.
    pub(crate) fn headline_metric(&self) -> TopK {
        match self.labels().len() {
            0..=2 => TOP_1,
            _ => TOP_2,
        }
    }

    /// Top-`k` accuracies that can differ between models: those of fewer guesses than classes.
    pub(crate) fn top_ks(&self) -> Vec<TopK> {
        let n_classes = self.labels().len();
        let top_ks = [TOP_1, TOP_2].into_iter();
        top_ks.filter(|top| top.k < n_classes.max(2)).collect()
    }

    /// Returns whether `metric` can differ between models: all but a top-`k` accuracy of as many guesses as classes.
    pub(crate) fn is_informative(&self, metric: &str) -> bool {
        !metric.starts_with("top") || self.top_ks().iter().any(|top| top.metric == metric)
    }

    /// Top-`k` accuracy of random guesses: `k` over the number of classes.
    pub(crate) fn chance(&self, k: usize) -> f64 {
        let n_classes = self.labels().len().max(1);
        (k as f64 / n_classes as f64).min(1.0)
    }

    /// Sentence on colors that stand for several classes.
    pub(crate) fn color_note(&self) -> &'static str {
        match self.labels().len() {
            0..=N_SERIES => "",
            n if n <= MOST_NAMED => {
                " The classes after the eighth have the colors of the first, and other shapes."
            }
            _ => " Colors repeat with other shapes, and the largest classes alone are named.",
        }
    }

    /// Returns whether an author is known of any image.
    pub(crate) fn has_authors(&self) -> bool {
        self.iter().any(|row| row.author.is_some())
    }

    /// Number of images without a known author.
    pub(crate) fn n_without_author(&self) -> usize {
        self.iter().filter(|row| row.author.is_none()).count()
    }

    /// Sampling units of the bootstrap.
    pub(crate) fn units(&self) -> &'static str {
        match self.has_authors() {
            false => "images",
            true if self.iter().all(|row| row.author.is_some()) => "authors",
            true => "authors, and single images where none is known",
        }
    }
}

/// Author and title of an image, without the dashes of file names.
pub(crate) fn name(annotation: &Annotation) -> String {
    let title = annotation.title.replace(['-', '_'], " ");
    match &annotation.author {
        Some(author) => format!("{}: {title}", author.replace(['-', '_'], " ")),
        None => title,
    }
}
