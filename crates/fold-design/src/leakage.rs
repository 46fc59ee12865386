//! Authors and near-duplicates that a split does not keep together.

use std::collections::{BTreeMap, BTreeSet};

use tables::Assignment;

use crate::Picture;

/// Authors whose images have several assignments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedAuthors {
    /// All authors.
    pub of: usize,
    /// Those with images of more than one assignment.
    pub authors: usize,
    /// The pictures of those.
    pub pictures: usize,
}

impl SharedAuthors {
    /// Counts the authors of `pictures`, which have the `assignments`.
    pub fn count(pictures: &[Picture], assignments: &[Assignment]) -> Self {
        let places = by_author(pictures, assignments);
        let shared = places
            .values()
            .filter(|(assignments, _)| assignments.len() > 1);
        let pictures: Vec<usize> = shared.map(|(_, pictures)| *pictures).collect();
        Self {
            of: places.len(),
            authors: pictures.len(),
            pictures: pictures.iter().sum(),
        }
    }

    /// The authors with images of more than one assignment, sorted, with their assignments.
    pub fn names<'a>(
        pictures: &'a [Picture],
        assignments: &[Assignment],
    ) -> Vec<(&'a str, Vec<Assignment>)> {
        let places = by_author(pictures, assignments).into_iter();
        let shared = places.filter(|(_, (assignments, _))| assignments.len() > 1);
        shared
            .map(|(name, (assignments, _))| (name, assignments.into_iter().collect()))
            .collect()
    }
}

/// Assignments and number of images by author.
fn by_author<'a>(
    pictures: &'a [Picture],
    assignments: &[Assignment],
) -> BTreeMap<&'a str, (BTreeSet<Assignment>, usize)> {
    let mut places: BTreeMap<&str, (BTreeSet<Assignment>, usize)> = BTreeMap::new();
    for (picture, assignment) in pictures.iter().zip(assignments) {
        if let Some(author) = &picture.author {
            let (assignments, pictures) = places.entry(author).or_default();
            assignments.insert(*assignment);
            *pictures += 1;
        }
    }
    places
}

/// First image and assignments by group of near-duplicates.
fn by_group<'a>(
    pictures: &'a [Picture],
    assignments: &[Assignment],
) -> BTreeMap<u32, (&'a str, BTreeSet<Assignment>)> {
    let mut places: BTreeMap<u32, (&str, BTreeSet<Assignment>)> = BTreeMap::new();
    for (picture, assignment) in pictures.iter().zip(assignments) {
        if let Some(group) = picture.near_duplicates {
            let (_, assignments) =
                { places.entry(group) }.or_insert((&picture.path, BTreeSet::new()));
            assignments.insert(*assignment);
        }
    }
    places
}

/// Number of groups of near-duplicates, and of those with images of more than one assignment.
pub fn parted_groups(pictures: &[Picture], assignments: &[Assignment]) -> (usize, usize) {
    let places = by_group(pictures, assignments);
    let parted = places
        .values()
        .filter(|(_, assignments)| assignments.len() > 1);
    (places.len(), parted.count())
}

/// First image of each group of near-duplicates with more than one assignment, with its assignments.
pub fn parted_paths<'a>(
    pictures: &'a [Picture],
    assignments: &[Assignment],
) -> Vec<(&'a str, Vec<Assignment>)> {
    let places = by_group(pictures, assignments).into_values();
    let parted = places.filter(|(_, assignments)| assignments.len() > 1);
    parted
        .map(|(path, assignments)| (path, assignments.into_iter().collect()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(path: &str, author: Option<&str>) -> Picture {
        Picture {
            path: path.to_owned(),
            label: "a".to_owned(),
            author: author.map(str::to_owned),
            near_duplicates: None,
        }
    }

    #[test]
    fn an_author_of_two_folds_is_shared_with_all_pictures() {
        let pictures = [
            picture("1", Some("x")),
            picture("2", Some("x")),
            picture("3", Some("y")),
            picture("4", None),
            picture("5", None),
        ];
        let [zero, one] = [0, 1].map(Assignment::Fold);
        let shared = SharedAuthors::count(&pictures, &[zero, one, zero, zero, one]);
        assert_eq!((shared.of, shared.authors, shared.pictures), (2, 1, 2));
        let names = SharedAuthors::names(&pictures, &[zero, one, zero, zero, one]);
        assert_eq!(names, [("x", vec![zero, one])]);
        let whole = SharedAuthors::count(&pictures, &[zero, zero, one, zero, one]);
        assert_eq!((whole.of, whole.authors, whole.pictures), (2, 0, 0));
    }

    #[test]
    fn a_group_of_two_folds_is_parted() {
        let picture = |path: &str, group| Picture {
            near_duplicates: group,
            ..picture(path, None)
        };
        let pictures = [
            picture("1", Some(0)),
            picture("2", Some(1)),
            picture("3", None),
            picture("4", Some(1)),
            picture("5", Some(0)),
        ];
        let [zero, one] = [0, 1].map(Assignment::Fold);
        let assignments = [zero, one, one, Assignment::Test, zero];
        assert_eq!(parted_groups(&pictures, &assignments), (2, 1));
        assert_eq!(
            parted_paths(&pictures, &assignments),
            [("2", vec![one, Assignment::Test])]
        );
        assert_eq!(
            parted_groups(&pictures, &[zero, one, zero, one, zero]),
            (2, 0)
        );
    }
}
