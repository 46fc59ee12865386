//! Authors and near-duplicates that a split separates.

use std::collections::{BTreeMap, BTreeSet};

use tables::Assignment;

use crate::Image;

/// Authors whose images have several assignments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedAuthors {
    /// Number of authors.
    pub of: usize,
    /// Number of authors with images of more than one assignment.
    pub authors: usize,
    /// Number of images of those.
    pub images: usize,
}

impl SharedAuthors {
    /// Counts the authors of `images` with their `assignments`.
    pub fn count(images: &[Image], assignments: &[Assignment]) -> Self {
        let assigned = by_author(images, assignments);
        let shared = assigned
            .values()
            .filter(|(assignments, _)| assignments.len() > 1);
        let images: Vec<usize> = shared.map(|(_, images)| *images).collect();
        Self {
            of: assigned.len(),
            authors: images.len(),
            images: images.iter().sum(),
        }
    }

    /// Authors with images of more than one assignment, sorted, with their assignments.
    pub fn names<'a>(
        images: &'a [Image],
        assignments: &[Assignment],
    ) -> Vec<(&'a str, Vec<Assignment>)> {
        let assigned = by_author(images, assignments).into_iter();
        let shared = assigned.filter(|(_, (assignments, _))| assignments.len() > 1);
        shared
            .map(|(name, (assignments, _))| (name, assignments.into_iter().collect()))
            .collect()
    }
}

/// Assignments and number of images by author.
fn by_author<'a>(
    images: &'a [Image],
    assignments: &[Assignment],
) -> BTreeMap<&'a str, (BTreeSet<Assignment>, usize)> {
    let mut assigned: BTreeMap<&str, (BTreeSet<Assignment>, usize)> = BTreeMap::new();
    for (image, assignment) in images.iter().zip(assignments) {
        if let Some(author) = &image.author {
            let (assignments, images) = assigned.entry(author).or_default();
            assignments.insert(*assignment);
            *images += 1;
        }
    }
    assigned
}

/// Path of the first image and assignments, by group of near-duplicates.
fn by_group<'a>(
    images: &'a [Image],
    assignments: &[Assignment],
) -> BTreeMap<u32, (&'a str, BTreeSet<Assignment>)> {
    let mut assigned: BTreeMap<u32, (&str, BTreeSet<Assignment>)> = BTreeMap::new();
    for (image, assignment) in images.iter().zip(assignments) {
        if let Some(group) = image.near_duplicates {
            let (_, assignments) =
                { assigned.entry(group) }.or_insert((&image.path, BTreeSet::new()));
            assignments.insert(*assignment);
        }
    }
    assigned
}

/// Number of groups of near-duplicates, and of those with images of more than one assignment.
pub fn split_groups(images: &[Image], assignments: &[Assignment]) -> (usize, usize) {
    let assigned = by_group(images, assignments);
    let separated = assigned
        .values()
        .filter(|(_, assignments)| assignments.len() > 1);
    (assigned.len(), separated.count())
}

/// Path of the first image of each group of near-duplicates with more than one assignment, with the assignments.
pub fn split_group_paths<'a>(
    images: &'a [Image],
    assignments: &[Assignment],
) -> Vec<(&'a str, Vec<Assignment>)> {
    let assigned = by_group(images, assignments).into_values();
    let separated = assigned.filter(|(_, assignments)| assignments.len() > 1);
    separated
        .map(|(path, assignments)| (path, assignments.into_iter().collect()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(path: &str, author: Option<&str>) -> Image {
        Image {
            path: path.to_owned(),
            label: "a".to_owned(),
            author: author.map(str::to_owned),
            near_duplicates: None,
        }
    }

    #[test]
    fn all_images_of_an_author_of_two_folds_are_shared() {
        let images = [
            image("1", Some("x")),
            image("2", Some("x")),
            image("3", Some("y")),
            image("4", None),
            image("5", None),
        ];
        let [zero, one] = [0, 1].map(Assignment::Fold);
        let shared = SharedAuthors::count(&images, &[zero, one, zero, zero, one]);
        assert_eq!((shared.of, shared.authors, shared.images), (2, 1, 2));
        let names = SharedAuthors::names(&images, &[zero, one, zero, zero, one]);
        assert_eq!(names, [("x", vec![zero, one])]);
        let whole = SharedAuthors::count(&images, &[zero, zero, one, zero, one]);
        assert_eq!((whole.of, whole.authors, whole.images), (2, 0, 0));
    }

    #[test]
    fn a_group_of_two_folds_is_split() {
        let image = |path: &str, group| Image {
            near_duplicates: group,
            ..image(path, None)
        };
        let images = [
            image("1", Some(0)),
            image("2", Some(1)),
            image("3", None),
            image("4", Some(1)),
            image("5", Some(0)),
        ];
        let [zero, one] = [0, 1].map(Assignment::Fold);
        let assignments = [zero, one, one, Assignment::Test, zero];
        assert_eq!(split_groups(&images, &assignments), (2, 1));
        assert_eq!(
            split_group_paths(&images, &assignments),
            [("2", vec![one, Assignment::Test])]
        );
        assert_eq!(split_groups(&images, &[zero, one, zero, one, zero]), (2, 0));
    }
}
