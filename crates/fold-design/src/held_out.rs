//! Selection of the test set, which is held out of all folds.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::{SplitParams, groups::Groups};

/// The test set.
pub(crate) struct TestSet {
    /// Membership of each of `groups.authors`.
    pub(crate) authors: Vec<bool>,
    /// By label: number of test images without an author.
    pub(crate) ungrouped: Vec<usize>,
}

/// Selects the test set.
///
/// Authors are considered in ascending order of all their images, ties in an order drawn from `rng`, and added while in
/// every class of theirs
/// - the test set doesn't exceed its share of the images with an author, rounded to the nearest, and
/// - as many groups are left as there are folds.
///
/// A class without an author by this rule, its smallest author being above the share, gets that author all the same if
/// enough groups are left, so that the test set has every class where possible. Of the images without an author it gets
/// the same share.
pub(crate) fn select(groups: &Groups, params: &SplitParams, mut rng: ChaCha8Rng) -> TestSet {
    let mut order: Vec<usize> = (0..groups.authors.len()).collect();
    order.shuffle(&mut rng);
    order.sort_by_key(|&author| groups.authors[author].images.len());
    let counts = |author: usize| groups.authors[author].counts.as_slice();

    let mut capacity = Capacity::new(groups, params);
    let mut authors = vec![false; groups.authors.len()];
    for &author in &order {
        if capacity.fits(counts(author)) && capacity.leaves_enough(counts(author)) {
            capacity.take(counts(author));
            authors[author] = true;
        }
    }
    for label in (0..groups.labels.len()).filter(|&label| groups.ungrouped[label].is_empty()) {
        if params.test == 0.0 || capacity.taken[label] > 0 {
            continue;
        }
        let smallest = order.iter().copied().find(|&author| {
            let of_label = counts(author).iter().any(|(l, _)| *l == label);
            of_label && !authors[author] && capacity.leaves_enough(counts(author))
        });
        if let Some(author) = smallest {
            capacity.take(counts(author));
            authors[author] = true;
        }
    }
    let ungrouped = groups.ungrouped.iter().enumerate();
    let ungrouped =
        ungrouped.map(|(label, ungrouped)| capacity.ungrouped(label, ungrouped.len(), params.test));
    TestSet {
        ungrouped: ungrouped.collect(),
        authors,
    }
}

/// Capacity of the test set, by label.
struct Capacity {
    /// Target number of images with an author; a fraction.
    share: Vec<f64>,
    /// Number of images with an author so far.
    taken: Vec<usize>,
    /// Number of groups left for the folds.
    left: Vec<usize>,
    folds: usize,
}

impl Capacity {
    fn new(groups: &Groups, params: &SplitParams) -> Self {
        let authored = groups
            .images_per_label()
            .into_iter()
            .zip(&groups.ungrouped)
            .map(|(images, ungrouped)| (images - ungrouped.len()) as f64);
        Self {
            share: authored.map(|n| n * params.test).collect(),
            taken: vec![0; groups.labels.len()],
            left: groups.per_label(),
            folds: params.folds,
        }
    }

    fn fits(&self, counts: &[(usize, usize)]) -> bool {
        counts
            .iter()
            .all(|&(label, n)| (self.taken[label] + n) as f64 <= self.share[label].round())
    }

    fn leaves_enough(&self, counts: &[(usize, usize)]) -> bool {
        counts
            .iter()
            .all(|&(label, _)| self.left[label] > self.folds)
    }

    /// Number of test images of a label's `n` images without an author: their share, at least one in a label that has
    /// none yet.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of at most a half of a count"
    )]
    fn ungrouped(&self, label: usize, n: usize, test: f64) -> usize {
        if n == 0 || test == 0.0 {
            return 0;
        }
        let share = (n as f64 * test).round() as usize;
        let wanted = share.max(usize::from(self.taken[label] == 0));
        wanted.min(self.left[label].saturating_sub(self.folds))
    }

    fn take(&mut self, counts: &[(usize, usize)]) {
        for &(label, n) in counts {
            self.taken[label] += n;
            self.left[label] -= 1;
        }
    }
}
