//! The balance of a split: authors and images by class and fold.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use tables::Assignment;

use crate::Image;

/// Authors and images of a class with one assignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Number of distinct authors; images without an author add none.
    pub authors: usize,
    /// Images.
    pub images: usize,
}

/// Authors and images by class and assignment. `Display` prints an aligned table: a row a class, authors by assignment,
/// then images by assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Assignments of the columns.
    pub columns: Vec<Assignment>,
    /// Counts by class, then as in `columns`; zeros included.
    pub classes: BTreeMap<String, Vec<Count>>,
    /// Counts of all classes, as in `columns`; an author of two classes counts once.
    pub all: Vec<Count>,
}

impl Balance {
    /// Counts `images` with their `assignments`; those of no column are left out.
    pub fn of(images: &[Image], assignments: &[Assignment], columns: Vec<Assignment>) -> Self {
        let mut classes: BTreeMap<String, Vec<CellCounter>> = BTreeMap::new();
        let mut all = vec![CellCounter::default(); columns.len()];
        for (image, assignment) in images.iter().zip(assignments) {
            let class = classes
                .entry(image.label.clone())
                .or_insert_with(|| vec![CellCounter::default(); columns.len()]);
            if let Some(column) = columns.iter().position(|column| column == assignment) {
                class[column].add(image);
                all[column].add(image);
            }
        }
        Self {
            classes: classes
                .into_iter()
                .map(|(label, cells)| (label, cells.iter().map(CellCounter::count).collect()))
                .collect(),
            all: all.iter().map(CellCounter::count).collect(),
            columns,
        }
    }
}

/// Authors and images of a cell while it is counted.
#[derive(Clone, Default)]
struct CellCounter<'a> {
    authors: BTreeSet<&'a str>,
    images: usize,
}

impl<'a> CellCounter<'a> {
    fn add(&mut self, image: &'a Image) {
        self.authors.extend(image.author.as_deref());
        self.images += 1;
    }

    fn count(&self) -> Count {
        Count {
            authors: self.authors.len(),
            images: self.images,
        }
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = self.classes.keys().map(|label| label.chars().count());
        let width = labels.max().unwrap_or(0).max("class".len());
        let width_of_all = self.columns.len() * COLUMN;
        writeln!(f, "{:width$}  {:width_of_all$}  images", "", "authors")?;
        let names: Vec<String> = self.columns.iter().map(Assignment::to_string).collect();
        row(f, width, "class", &names, &names)?;
        for (label, counts) in self
            .classes
            .iter()
            .map(|(label, counts)| (label.as_str(), counts))
            .chain([("all", &self.all)])
        {
            let authors: Vec<usize> = counts.iter().map(|count| count.authors).collect();
            let images: Vec<usize> = counts.iter().map(|count| count.images).collect();
            writeln!(f)?;
            row(f, width, label, &authors, &images)?;
        }
        Ok(())
    }
}

/// Width of a column of numbers.
const COLUMN: usize = 6;

fn row<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    width: usize,
    name: &str,
    left: &[T],
    right: &[T],
) -> fmt::Result {
    write!(f, "{name:width$}  ")?;
    for cell in left {
        write!(f, "{cell:>COLUMN$}")?;
    }
    write!(f, "  ")?;
    for cell in right {
        write!(f, "{cell:>COLUMN$}")?;
    }
    Ok(())
}
