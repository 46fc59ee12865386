//! What moves as a whole: authors with their pictures, and single pictures without an author.

use std::collections::BTreeMap;

use crate::{Picture, SplitError};

/// An author's pictures.
pub(crate) struct Author {
    /// Indices into the input, sorted by path.
    pub(crate) pictures: Vec<usize>,
    /// `(label, pictures)` for each class that the author worked in, sorted.
    pub(crate) counts: Vec<(usize, usize)>,
}

/// The collection by label and author.
pub(crate) struct Groups {
    /// Sorted; a label's number is its index here.
    pub(crate) labels: Vec<String>,
    /// Sorted by name.
    pub(crate) authors: Vec<Author>,
    /// By label: the pictures without an author, sorted by path.
    pub(crate) loose: Vec<Vec<usize>>,
    /// The label of each picture, in the order of the input.
    pub(crate) label_of: Vec<usize>,
    /// By label: the first author's name and the first path, for messages.
    firsts: Vec<(Option<String>, String)>,
}

impl Groups {
    /// Sorts out `pictures`; their order changes nothing but the indices.
    pub(crate) fn of(pictures: &[Picture]) -> Result<Self, SplitError> {
        let order = by_path(pictures)?;
        let mut labels: Vec<String> = pictures.iter().map(|p| p.label.clone()).collect();
        labels.sort_unstable();
        labels.dedup();
        let label_of: Vec<usize> = pictures
            .iter()
            .map(|picture| labels.partition_point(|label| *label < picture.label))
            .collect();
        let mut by_author: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut loose = vec![Vec::new(); labels.len()];
        let mut firsts = vec![None; labels.len()];
        for &picture in &order {
            let Picture { path, author, .. } = &pictures[picture];
            firsts[label_of[picture]].get_or_insert_with(|| (author.clone(), path.clone()));
            match author {
                Some(author) => by_author.entry(author).or_default().push(picture),
                None => loose[label_of[picture]].push(picture),
            }
        }
        let authors = by_author
            .into_values()
            .map(|pictures| Author::new(pictures, &label_of))
            .collect();
        let firsts = firsts.into_iter().flatten().collect();
        Ok(Self {
            labels,
            authors,
            loose,
            label_of,
            firsts,
        })
    }

    /// By label: authors and pictures without one.
    pub(crate) fn per_label(&self) -> Vec<usize> {
        let mut n_groups: Vec<usize> = self.loose.iter().map(Vec::len).collect();
        for (label, _) in self.authors.iter().flat_map(|author| &author.counts) {
            n_groups[*label] += 1;
        }
        n_groups
    }

    /// By label: pictures.
    pub(crate) fn pictures_per_label(&self) -> Vec<usize> {
        let mut n_pictures = vec![0; self.labels.len()];
        for &label in &self.label_of {
            n_pictures[label] += 1;
        }
        n_pictures
    }

    /// Whether the groups can be split at all.
    pub(crate) fn check(&self, folds: usize) -> Result<(), SplitError> {
        let pictures = self.pictures_per_label();
        for (label, &groups) in self.per_label().iter().enumerate() {
            if groups > 1 {
                continue;
            }
            let (author, path) = self.firsts[label].clone();
            let name = self.labels[label].clone();
            return Err(match author {
                Some(author) => SplitError::OneAuthor {
                    label: name,
                    author,
                    pictures: pictures[label],
                },
                None => SplitError::OnePicture { label: name, path },
            });
        }
        let groups = self.authors.len() + self.loose.iter().map(Vec::len).sum::<usize>();
        if groups < folds {
            return Err(SplitError::TooFewGroups { groups, folds });
        }
        Ok(())
    }
}

impl Author {
    fn new(pictures: Vec<usize>, label_of: &[usize]) -> Self {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for &picture in &pictures {
            *counts.entry(label_of[picture]).or_default() += 1;
        }
        Self {
            pictures,
            counts: counts.into_iter().collect(),
        }
    }
}

/// The pictures' indices in the order of their paths.
pub(crate) fn by_path(pictures: &[Picture]) -> Result<Vec<usize>, SplitError> {
    if pictures.is_empty() {
        return Err(SplitError::NoPictures);
    }
    let mut order: Vec<usize> = (0..pictures.len()).collect();
    order.sort_by(|&a, &b| pictures[a].path.cmp(&pictures[b].path));
    match order
        .windows(2)
        .find(|pair| pictures[pair[0]].path == pictures[pair[1]].path)
    {
        None => Ok(order),
        Some(pair) => Err(SplitError::Duplicate {
            path: pictures[pair[0]].path.clone(),
        }),
    }
}
