//! Groups, the units of a split: images tied by an author or as near-duplicates, and single images.

use std::collections::{BTreeMap, BTreeSet};

use tables::Assignment;

use crate::{Fault, Image, SplitError, Warning};

/// Share of a class's images in one group from which on there is a warning.
const DOMINANT: f64 = 0.5;

/// A group of images tied by authors or near-duplicates.
pub(crate) struct Author {
    /// Indices into the input, sorted by path.
    pub(crate) images: Vec<usize>,
    /// `(label, images)` for each class that the group has images of, sorted.
    pub(crate) counts: Vec<(usize, usize)>,
    /// Name of the author, or of the first of several that near-duplicates tie together; none if near-duplicates are
    /// the only tie.
    name: Option<String>,
    /// Number of authors.
    n_authors: usize,
}

/// Images by label and group.
pub(crate) struct Groups {
    /// Labels, sorted; a label's index is its place.
    pub(crate) labels: Vec<String>,
    /// Groups of several images or with an author, sorted by name, those without a name last.
    pub(crate) authors: Vec<Author>,
    /// By label: images without author and near-duplicates, sorted by path.
    pub(crate) ungrouped: Vec<Vec<usize>>,
    /// Label index of each image, in the order of the input.
    pub(crate) label_of: Vec<usize>,
    /// By label: the first path, for messages.
    firsts: Vec<String>,
}

impl Groups {
    /// Groups `images`; their order affects the indices alone.
    pub(crate) fn of(images: &[Image]) -> Result<Self, SplitError> {
        let order = by_path(images)?;
        let mut labels: Vec<String> = images.iter().map(|p| p.label.clone()).collect();
        labels.sort_unstable();
        labels.dedup();
        let label_of: Vec<usize> = images
            .iter()
            .map(|image| labels.partition_point(|label| *label < image.label))
            .collect();
        let mut ungrouped = vec![Vec::new(); labels.len()];
        let mut firsts = vec![String::new(); labels.len()];
        for &image in order.iter().rev() {
            firsts[label_of[image]].clone_from(&images[image].path);
        }
        let mut authors = Vec::new();
        for members in components(images, &order) {
            match members[..] {
                [image] if images[image].author.is_none() => {
                    ungrouped[label_of[image]].push(image);
                }
                _ => authors.push(Author::new(members, images, &label_of)),
            }
        }
        // Stable: groups without a name stay in the order of their first paths.
        authors.sort_by(|a, b| (a.name.is_none(), &a.name).cmp(&(b.name.is_none(), &b.name)));
        Ok(Self {
            labels,
            authors,
            ungrouped,
            label_of,
            firsts,
        })
    }

    /// By label: number of groups, single images included.
    pub(crate) fn per_label(&self) -> Vec<usize> {
        let mut n_groups: Vec<usize> = self.ungrouped.iter().map(Vec::len).collect();
        for (label, _) in self.authors.iter().flat_map(|author| &author.counts) {
            n_groups[*label] += 1;
        }
        n_groups
    }

    /// By label: number of images.
    pub(crate) fn images_per_label(&self) -> Vec<usize> {
        let mut n_images = vec![0; self.labels.len()];
        for &label in &self.label_of {
            n_images[label] += 1;
        }
        n_images
    }

    /// By label: assignments of its images.
    pub(crate) fn assignments_per_label(
        &self,
        assignments: &[Assignment],
    ) -> Vec<BTreeSet<Assignment>> {
        let mut present = vec![BTreeSet::new(); self.labels.len()];
        for (&label, &assignment) in self.label_of.iter().zip(assignments) {
            present[label].insert(assignment);
        }
        present
    }

    /// Fails if the groups cannot be split; lists all classes at fault.
    pub(crate) fn check(&self, folds: usize) -> Result<(), SplitError> {
        let images = self.images_per_label();
        let per_label = self.per_label().into_iter().enumerate();
        let alone = per_label.filter(|(_, groups)| *groups == 1);
        let faults: Vec<Fault> = alone
            .map(|(label, _)| self.one_group(label, images[label]))
            .collect();
        SplitError::of(self.summarized(faults))?;
        let groups = self.authors.len() + self.ungrouped.iter().map(Vec::len).sum::<usize>();
        if groups < folds {
            return Err(SplitError::TooFewGroups { groups, folds });
        }
        Ok(())
    }

    /// Fault of a class that is one group.
    fn one_group(&self, label: usize, images: usize) -> Fault {
        let name = self.labels[label].clone();
        let mut groups = self.authors.iter();
        let group = groups.find(|group| group.counts.iter().any(|(l, _)| *l == label));
        match group {
            _ if images == 1 => Fault::OneImage {
                label: name,
                path: self.firsts[label].clone(),
            },
            Some(Author {
                name: Some(author),
                n_authors: 1,
                ..
            }) => Fault::OneAuthor {
                label: name,
                author: author.clone(),
                images,
            },
            _ => Fault::OneGroup {
                label: name,
                images,
            },
        }
    }

    /// Joins the faults into one, where every class is by an author of its own, or tied by near-duplicates.
    fn summarized(&self, faults: Vec<Fault>) -> Vec<Fault> {
        let is_tied = |fault: &Fault| matches!(fault, Fault::OneGroup { .. });
        if faults.len() == self.labels.len() && faults.len() > 1 && faults.iter().all(is_tied) {
            return vec![Fault::AllTied {
                classes: self.labels.len(),
                images: self.label_of.len(),
            }];
        }
        let authors = faults.iter().filter_map(|fault| match fault {
            Fault::OneAuthor { label, author, .. } => Some((label, author)),
            _ => None,
        });
        match authors.clone().next() {
            Some((label, author))
                if authors.count() == self.labels.len() && self.labels.len() > 1 =>
            {
                vec![Fault::AuthorIsClass {
                    classes: self.labels.len(),
                    label: label.clone(),
                    author: author.clone(),
                }]
            }
            _ => faults,
        }
    }

    /// Warnings for groups with most of a class's images.
    pub(crate) fn dominant(&self, assignments: &[Assignment]) -> Vec<Warning> {
        let images = self.images_per_label();
        let counts = self.authors.iter().flat_map(|group| {
            group
                .counts
                .iter()
                .map(move |&(label, n)| (group, label, n))
        });
        let dominant = counts.filter(|&(_, label, n)| n as f64 > DOMINANT * images[label] as f64);
        dominant
            .map(|(group, label, n)| Warning::Dominant {
                label: self.labels[label].clone(),
                group: group.describe(),
                author: group.name.clone(),
                of_group: n,
                images: images[label],
                assignment: assignments[group.images[0]],
            })
            .collect()
    }
}

impl Author {
    fn new(members: Vec<usize>, images: &[Image], label_of: &[usize]) -> Self {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for &image in &members {
            *counts.entry(label_of[image]).or_default() += 1;
            names.extend(images[image].author.as_deref());
        }
        Self {
            counts: counts.into_iter().collect(),
            name: names.first().map(|name| (*name).to_owned()),
            n_authors: names.len(),
            images: members,
        }
    }

    /// Description of the group for messages.
    fn describe(&self) -> String {
        match (&self.name, self.n_authors) {
            (None, _) => "a group of near-duplicates".to_owned(),
            (Some(name), 1) => format!("author `{name}`"),
            (Some(name), n) => {
                format!("a group of {n} authors with the same images, `{name}` the first,")
            }
        }
    }
}

/// Connected components of images by author and near-duplicates, each in the order of paths, by first path.
fn components(images: &[Image], order: &[usize]) -> Vec<Vec<usize>> {
    let mut roots: Vec<usize> = (0..order.len()).collect();
    let mut by_author: BTreeMap<&str, usize> = BTreeMap::new();
    let mut by_group: BTreeMap<u32, usize> = BTreeMap::new();
    for (at, &image) in order.iter().enumerate() {
        let Image {
            author,
            near_duplicates,
            ..
        } = &images[image];
        let first_of_author =
            { author.as_deref() }.map(|name| *by_author.entry(name).or_insert(at));
        let first_of_group = near_duplicates.map(|group| *by_group.entry(group).or_insert(at));
        for first in first_of_author.into_iter().chain(first_of_group) {
            let (one, other) = (root(&mut roots, first), root(&mut roots, at));
            roots[one.max(other)] = one.min(other);
        }
    }
    let mut components: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, &image) in order.iter().enumerate() {
        components
            .entry(root(&mut roots, at))
            .or_default()
            .push(image);
    }
    components.into_values().collect()
}

/// The root of `at`: the least member of its set, as every join keeps the lesser root.
fn root(roots: &mut [usize], mut at: usize) -> usize {
    while roots[at] != at {
        roots[at] = roots[roots[at]];
        at = roots[at];
    }
    at
}

/// Indices of the images in the order of their paths.
pub(crate) fn by_path(images: &[Image]) -> Result<Vec<usize>, SplitError> {
    if images.is_empty() {
        return Err(SplitError::NoImages);
    }
    let mut order: Vec<usize> = (0..images.len()).collect();
    order.sort_by(|&a, &b| images[a].path.cmp(&images[b].path));
    match order
        .windows(2)
        .find(|pair| images[pair[0]].path == images[pair[1]].path)
    {
        None => Ok(order),
        Some(pair) => Err(SplitError::Duplicate {
            path: images[pair[0]].path.clone(),
        }),
    }
}
