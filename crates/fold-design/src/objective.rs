//! Unevenness of folds, updated move by move.
//!
//! With `n_lf` the number of images and `a_lf` that of authors of label `l` in fold `f`, `F` folds and an author weight
//! `w`, the cost is the mean over the folds of the squared relative deviations, summed over the labels:
//!
//! `Σ_l 1/F Σ_f ((n_lf F / n_l − 1)² + w (a_lf F / a_l − 1)²)`
//!
//! One more "label" has all images, so that the folds are also of one size. A label whose images are all in one fold
//! costs `(1 + w)(F − 1)`; even ones cost 0. Since `1/F Σ_f (n_lf F / n_l − 1)² = F / n_l² Σ_f n_lf² − 1`, a move
//! changes the cost by differences of squares of whole numbers.

use tables::Assignment;

use crate::{SplitParams, fold, groups::Groups};

/// Authors to assign, with the cost of their placement.
pub(crate) struct Objective {
    pub(crate) folds: usize,
    /// The authors outside of the test set.
    pub(crate) members: Vec<Member>,
    /// By label, the last one being all images: the members that have it.
    pub(crate) by_label: Vec<Vec<usize>>,
    /// By label: `F / n_l²` and `w F / a_l²`; 0 for a label without authors.
    scales: Vec<(f64, f64)>,
    author_weight: f64,
}

/// An author to assign.
pub(crate) struct Member {
    /// Index into `Groups::authors`.
    author: usize,
    /// `(label, images)`, with a last entry for all images.
    counts: Vec<(usize, usize)>,
}

/// Folds for all members, with their counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placement {
    /// By member.
    pub(crate) fold_of: Vec<usize>,
    /// By label and fold: images and authors.
    filled: Vec<(usize, usize)>,
    /// The cost, a running sum of moves.
    pub(crate) cost: f64,
}

impl Objective {
    pub(crate) fn new(groups: &Groups, test_set: &[bool], params: &SplitParams) -> Self {
        let everything = groups.labels.len();
        let members: Vec<Member> = groups
            .authors
            .iter()
            .enumerate()
            .filter(|(author, _)| !test_set[*author])
            .map(|(author, group)| Member {
                author,
                counts: group
                    .counts
                    .iter()
                    .copied()
                    .chain([(everything, group.images.len())])
                    .collect(),
            })
            .collect();
        let mut by_label = vec![Vec::new(); everything + 1];
        let mut images = vec![0; everything + 1];
        for (m, member) in members.iter().enumerate() {
            for &(label, n) in &member.counts {
                by_label[label].push(m);
                images[label] += n;
            }
        }
        let scales = images
            .iter()
            .zip(&by_label)
            .map(|(&n, members)| {
                (
                    scale(params.folds, n),
                    params.author_weight * scale(params.folds, members.len()),
                )
            })
            .collect();
        Self {
            folds: params.folds,
            members,
            by_label,
            scales,
            author_weight: params.author_weight,
        }
    }

    /// Placement of the largest author first, each into the fold of the least cost; ties to the first fold.
    pub(crate) fn greedy(&self) -> Placement {
        let mut order: Vec<usize> = (0..self.members.len()).collect();
        order.sort_by_key(|&m| std::cmp::Reverse(self.members[m].size()));
        let mut placement = Placement {
            fold_of: vec![0; self.members.len()],
            filled: vec![(0, 0); self.by_label.len() * self.folds],
            cost: 0.0,
        };
        for m in order {
            let fold = (0..self.folds)
                .min_by(|&a, &b| {
                    self.put_change(&placement, m, a)
                        .total_cmp(&self.put_change(&placement, m, b))
                })
                .expect("there are at least two folds");
            self.put(&mut placement, m, fold);
        }
        placement.cost = self.cost(&placement);
        placement
    }

    /// The cost by the counts, without the rounding of many moves.
    pub(crate) fn cost(&self, placement: &Placement) -> f64 {
        let even: f64 = self
            .scales
            .iter()
            .filter(|scale| scale.0 > 0.0)
            .map(|_| 1.0 + self.author_weight)
            .sum();
        let filled = placement.filled.chunks(self.folds).zip(&self.scales);
        let uneven: f64 = filled
            .map(|(folds, scale)| {
                let images: usize = folds.iter().map(|(n, _)| n * n).sum();
                let authors: usize = folds.iter().map(|(_, a)| a * a).sum();
                scale.0 * images as f64 + scale.1 * authors as f64
            })
            .sum();
        uneven - even
    }

    /// Assignment of each of `groups.authors`; those that are no members are in the test set.
    pub(crate) fn assignments(&self, groups: &Groups, placement: &Placement) -> Vec<Assignment> {
        let mut assignments = vec![Assignment::Test; groups.authors.len()];
        for (member, &number) in self.members.iter().zip(&placement.fold_of) {
            assignments[member.author] = fold(number);
        }
        assignments
    }

    /// Moves member `m` to `fold`, with counts and cost.
    pub(crate) fn shift(&self, placement: &mut Placement, m: usize, fold: usize) {
        let from = placement.fold_of[m];
        for &(label, n) in &self.members[m].counts {
            let cell = &mut placement.filled[label * self.folds + from];
            let (images, authors) = *cell;
            *cell = (images - n, authors - 1);
            placement.cost -= self.growth(label, *cell, n);
        }
        placement.cost += self.put_change(placement, m, fold);
        self.put(placement, m, fold);
    }

    /// Change of cost by assigning `m`, which has no fold, to `fold`.
    fn put_change(&self, placement: &Placement, m: usize, fold: usize) -> f64 {
        let counts = self.members[m].counts.iter();
        counts
            .map(|&(label, n)| self.growth(label, placement.filled[label * self.folds + fold], n))
            .sum()
    }

    fn put(&self, placement: &mut Placement, m: usize, fold: usize) {
        for &(label, n) in &self.members[m].counts {
            let cell = &mut placement.filled[label * self.folds + fold];
            *cell = (cell.0 + n, cell.1 + 1);
        }
        placement.fold_of[m] = fold;
    }

    /// Growth of a cell's cost by one more author of `n` images: `(x + n)² − x² = n (2 x + n)`.
    fn growth(&self, label: usize, (images, authors): (usize, usize), n: usize) -> f64 {
        let (by_images, by_authors) = self.scales[label];
        by_images * (n * (2 * images + n)) as f64 + by_authors * (2 * authors + 1) as f64
    }
}

impl Member {
    /// Index of the label of all images.
    fn size(&self) -> usize {
        self.counts.last().map_or(0, |(_, n)| *n)
    }

    /// The labels, that of all images included.
    pub(crate) fn labels(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.counts.iter().map(|(label, _)| *label)
    }
}

/// `F / total²`, or 0 for a total of 0.
fn scale(folds: usize, total: usize) -> f64 {
    if total == 0 {
        return 0.0;
    }
    folds as f64 / (total * total) as f64
}
