//! Classes and authors of the images.

use std::collections::{BTreeMap, BTreeSet};

use numeric::Classes;

use crate::MetricError;

/// Classes and authors of a collection of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    classes: Classes,
    /// Class index and author by path.
    units: BTreeMap<String, usize>,
}

impl Collection {
    /// The collection of images given as `(path, label, author)`.
    pub fn of<'a>(images: impl IntoIterator<Item = (&'a str, &'a str, Option<&'a str>)>) -> Self {
        let (mut labels, mut units) = (Vec::new(), BTreeMap::new());
        // An author has the number of the first image, which is then no other unit's.
        let mut authors: BTreeMap<&str, usize> = BTreeMap::new();
        for (number, (path, label, author)) in images.into_iter().enumerate() {
            let unit = author.map_or(number, |author| *authors.entry(author).or_insert(number));
            units.insert(path.to_owned(), unit);
            labels.push(label);
        }
        Self {
            classes: Classes::of(labels),
            units,
        }
    }

    /// Names of the classes, sorted: a class index is a place among them.
    pub fn labels(&self) -> &[String] {
        self.classes.names()
    }

    /// Class index of `label`.
    ///
    /// # Errors
    /// No image is of this class.
    pub fn class_index(&self, label: &str) -> Result<usize, MetricError> {
        let code = self.classes.index(label);
        code.ok_or_else(|| MetricError::UnknownLabel {
            label: label.to_owned(),
            known: self.classes.names().join(", "),
        })
    }

    /// Unit by which the bootstrap draws the image: the number of its author, or its own where there is none.
    ///
    /// # Errors
    /// There is no such image.
    pub fn unit(&self, path: &str) -> Result<usize, MetricError> {
        let unit = self.units.get(path).copied();
        unit.ok_or_else(|| MetricError::UnknownImage(path.to_owned()))
    }
}

/// Number of authors of images with these `units`, as [`Collection::unit`] numbers them; an image without a known author
/// counts as one.
pub fn n_authors(units: impl IntoIterator<Item = usize>) -> usize {
    units.into_iter().collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authors_are_units_and_so_are_images_without_one() {
        let collection = Collection::of([
            ("b/1", "b", Some("Ada")),
            ("a/1", "a", None),
            ("a/2", "a", Some("Ada")),
            ("a/3", "a", None),
        ]);
        let units = ["b/1", "a/1", "a/2", "a/3"].map(|path| collection.unit(path).unwrap());
        assert_eq!(units, [0, 1, 0, 3]);
        assert_eq!(n_authors(units), 3);
        assert_eq!(collection.labels(), ["a", "b"]);
        assert_eq!(collection.class_index("b"), Ok(1));
        assert_eq!(
            collection.class_index("c").unwrap_err().to_string(),
            "the class `c` is not in the collection, which has a, b"
        );
        assert_eq!(
            collection.unit("c/1").unwrap_err().to_string(),
            "the image `c/1` is not in the collection"
        );
    }
}
