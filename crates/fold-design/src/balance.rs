//! The balance of a split: authors and pictures by class and part.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{Part, Picture};

/// Authors and pictures of a class in a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Distinct authors; pictures without an author add none.
    pub authors: usize,
    /// Pictures.
    pub pictures: usize,
}

/// Authors and pictures by class and part. Displayed as an aligned table: a row a class, authors of each part, then
/// pictures of each part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The columns.
    pub parts: Vec<Part>,
    /// By class, then by part as in `parts`; zeros included.
    pub classes: BTreeMap<String, Vec<Count>>,
    /// By part; an author of two classes counts once.
    pub all: Vec<Count>,
}

impl Balance {
    /// Counts `pictures`, which stand in `places`, by the columns `parts`; a picture in no column counts nowhere.
    pub fn of(pictures: &[Picture], places: &[Part], parts: Vec<Part>) -> Self {
        let column = |part: &Part| parts.iter().position(|p| p == part);
        let mut classes: BTreeMap<String, Vec<Tally>> = BTreeMap::new();
        let mut all = vec![Tally::default(); parts.len()];
        for (picture, place) in pictures.iter().zip(places) {
            let class = classes
                .entry(picture.label.clone())
                .or_insert_with(|| vec![Tally::default(); parts.len()]);
            if let Some(column) = column(place) {
                class[column].add(picture);
                all[column].add(picture);
            }
        }
        Self {
            classes: classes
                .into_iter()
                .map(|(label, tallies)| (label, tallies.iter().map(Tally::count).collect()))
                .collect(),
            all: all.iter().map(Tally::count).collect(),
            parts,
        }
    }
}

/// A cell while it is counted.
#[derive(Clone, Default)]
struct Tally<'a> {
    authors: BTreeSet<&'a str>,
    pictures: usize,
}

impl<'a> Tally<'a> {
    fn add(&mut self, picture: &'a Picture) {
        self.authors.extend(picture.author.as_deref());
        self.pictures += 1;
    }

    fn count(&self) -> Count {
        Count {
            authors: self.authors.len(),
            pictures: self.pictures,
        }
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = self.classes.keys().map(|label| label.chars().count());
        let width = labels.max().unwrap_or(0).max("class".len());
        let parts = self.parts.len() * COLUMN;
        writeln!(f, "{:width$}  {:parts$}  pictures", "", "authors")?;
        let names: Vec<String> = self.parts.iter().map(Part::to_string).collect();
        row(f, width, "class", &names, &names)?;
        for (label, counts) in self
            .classes
            .iter()
            .map(|(label, counts)| (label.as_str(), counts))
            .chain([("all", &self.all)])
        {
            let authors: Vec<usize> = counts.iter().map(|count| count.authors).collect();
            let pictures: Vec<usize> = counts.iter().map(|count| count.pictures).collect();
            writeln!(f)?;
            row(f, width, label, &authors, &pictures)?;
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
