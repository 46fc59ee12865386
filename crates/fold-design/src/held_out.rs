//! Choice of the test set, which is held out of all folds.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::{Design, groups::Groups};

/// The test set.
pub(crate) struct Held {
    /// A flag for each of `groups.authors`.
    pub(crate) authors: Vec<bool>,
    /// By label: how many of the images without an author.
    pub(crate) loose: Vec<usize>,
}

/// Chooses the test set.
///
/// Authors are offered in ascending order of all their images, ties in an order drawn from `rng`, and taken while in
/// every class that they worked in
/// - the test set doesn't exceed its share of the authored images, rounded to the nearest, and
/// - as many groups are left as there are folds.
///
/// A class that gets nobody in this way, its smallest author being above the share, gets that author all the same if
/// enough groups are left, so that the test set has every class where possible. Of the images without an author it
/// gets the same share.
pub(crate) fn choose(groups: &Groups, design: &Design, mut rng: ChaCha8Rng) -> Held {
    let mut order: Vec<usize> = (0..groups.authors.len()).collect();
    order.shuffle(&mut rng);
    order.sort_by_key(|&author| groups.authors[author].images.len());
    let counts = |author: usize| groups.authors[author].counts.as_slice();

    let mut room = Room::new(groups, design);
    let mut authors = vec![false; groups.authors.len()];
    for &author in &order {
        if room.fits(counts(author)) && room.leaves_enough(counts(author)) {
            room.take(counts(author));
            authors[author] = true;
        }
    }
    for label in (0..groups.labels.len()).filter(|&label| groups.loose[label].is_empty()) {
        if design.test == 0.0 || room.taken[label] > 0 {
            continue;
        }
        let smallest = order.iter().copied().find(|&author| {
            let of_label = counts(author).iter().any(|(l, _)| *l == label);
            of_label && !authors[author] && room.leaves_enough(counts(author))
        });
        if let Some(author) = smallest {
            room.take(counts(author));
            authors[author] = true;
        }
    }
    let loose = groups.loose.iter().enumerate();
    let loose = loose.map(|(label, loose)| room.loose(label, loose.len(), design.test));
    Held {
        loose: loose.collect(),
        authors,
    }
}

/// Room left in the test set, by label.
struct Room {
    /// Authored images that it should have; a fraction.
    share: Vec<f64>,
    /// Authored images that it has.
    taken: Vec<usize>,
    /// Groups left for the folds.
    left: Vec<usize>,
    folds: usize,
}

impl Room {
    fn new(groups: &Groups, design: &Design) -> Self {
        let authored = groups
            .images_per_label()
            .into_iter()
            .zip(&groups.loose)
            .map(|(images, loose)| (images - loose.len()) as f64);
        Self {
            share: authored.map(|n| n * design.test).collect(),
            taken: vec![0; groups.labels.len()],
            left: groups.per_label(),
            folds: design.folds,
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

    /// How many of a label's `n` images without an author: their share, at least one in a label that has nothing yet.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of at most a half of a count"
    )]
    fn loose(&self, label: usize, n: usize, test: f64) -> usize {
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
