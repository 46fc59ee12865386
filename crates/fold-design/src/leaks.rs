//! What the parts of a split share.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Part, Picture};

/// Authors who stand in two parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedAuthors {
    /// All authors.
    pub of: usize,
    /// Those with pictures in more than one part.
    pub authors: usize,
    /// The pictures of those.
    pub pictures: usize,
}

impl SharedAuthors {
    /// Counts the authors of `pictures`, which stand in `parts`.
    pub fn count(pictures: &[Picture], parts: &[Part]) -> Self {
        let places = by_author(pictures, parts);
        let shared = places.values().filter(|(parts, _)| parts.len() > 1);
        let pictures: Vec<usize> = shared.map(|(_, pictures)| *pictures).collect();
        Self {
            of: places.len(),
            authors: pictures.len(),
            pictures: pictures.iter().sum(),
        }
    }

    /// The authors with pictures in more than one part, sorted, with those parts.
    pub fn names<'a>(pictures: &'a [Picture], parts: &[Part]) -> Vec<(&'a str, Vec<Part>)> {
        let places = by_author(pictures, parts).into_iter();
        let shared = places.filter(|(_, (parts, _))| parts.len() > 1);
        shared
            .map(|(name, (parts, _))| (name, parts.into_iter().collect()))
            .collect()
    }
}

/// By author: the parts with pictures, and the number of these.
fn by_author<'a>(
    pictures: &'a [Picture],
    parts: &[Part],
) -> BTreeMap<&'a str, (BTreeSet<Part>, usize)> {
    let mut places: BTreeMap<&str, (BTreeSet<Part>, usize)> = BTreeMap::new();
    for (picture, part) in pictures.iter().zip(parts) {
        if let Some(author) = &picture.author {
            let (parts, pictures) = places.entry(author).or_default();
            parts.insert(*part);
            *pictures += 1;
        }
    }
    places
}

/// By group of near-duplicates: the first picture, and the parts.
fn by_group<'a>(
    pictures: &'a [Picture],
    parts: &[Part],
) -> BTreeMap<u32, (&'a str, BTreeSet<Part>)> {
    let mut places: BTreeMap<u32, (&str, BTreeSet<Part>)> = BTreeMap::new();
    for (picture, part) in pictures.iter().zip(parts) {
        if let Some(group) = picture.near_duplicates {
            let (_, parts) = { places.entry(group) }.or_insert((&picture.path, BTreeSet::new()));
            parts.insert(*part);
        }
    }
    places
}

/// Groups of near-duplicates, and how many of them have pictures in more than one part.
pub fn parted_groups(pictures: &[Picture], parts: &[Part]) -> (usize, usize) {
    let places = by_group(pictures, parts);
    let parted = places.values().filter(|(_, parts)| parts.len() > 1);
    (places.len(), parted.count())
}

/// The first picture of each group of near-duplicates in more than one part, with those parts.
pub fn parted_paths<'a>(pictures: &'a [Picture], parts: &[Part]) -> Vec<(&'a str, Vec<Part>)> {
    let places = by_group(pictures, parts).into_values();
    let parted = places.filter(|(_, parts)| parts.len() > 1);
    parted
        .map(|(path, parts)| (path, parts.into_iter().collect()))
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
    fn an_author_in_two_parts_is_shared_with_all_pictures() {
        let pictures = [
            picture("1", Some("x")),
            picture("2", Some("x")),
            picture("3", Some("y")),
            picture("4", None),
            picture("5", None),
        ];
        let [zero, one] = [0, 1].map(Part::Fold);
        let shared = SharedAuthors::count(&pictures, &[zero, one, zero, zero, one]);
        assert_eq!((shared.of, shared.authors, shared.pictures), (2, 1, 2));
        let names = SharedAuthors::names(&pictures, &[zero, one, zero, zero, one]);
        assert_eq!(names, [("x", vec![zero, one])]);
        let whole = SharedAuthors::count(&pictures, &[zero, zero, one, zero, one]);
        assert_eq!((whole.of, whole.authors, whole.pictures), (2, 0, 0));
    }

    #[test]
    fn a_group_in_two_parts_is_parted() {
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
        let [zero, one] = [0, 1].map(Part::Fold);
        let parts = [zero, one, one, Part::Validation, zero];
        assert_eq!(parted_groups(&pictures, &parts), (2, 1));
        assert_eq!(
            parted_paths(&pictures, &parts),
            [("2", vec![one, Part::Validation])]
        );
        assert_eq!(
            parted_groups(&pictures, &[zero, one, zero, one, zero]),
            (2, 0)
        );
    }
}
