//! Author-disjoint, balanced folds.
//!
//! [`split`] assigns every image to a fold (`0`, `1`, …) or to the test set. **All images of an author have one
//! assignment**, those of all classes, and so have near-duplicates: the unit of a split, a group, is a connected
//! component of the two ties. An image without any tie is a group of its own.
//!
//! 1. The *test set* consists of the authors with the fewest images, so of as many authors as possible, up to a share
//!    of every class.
//! 2. The other authors are dealt greedily, largest first, and then *annealed*: authors move between folds and swap
//!    places while every class's images and authors even out. The best folds found are kept, and the greedy ones if none
//!    are better.
//! 3. Images without an author fill the folds, one by one.
//!
//! The result depends on the images and the seeds alone, not on the order of the input.
//!
//! [`split_existing`] uses the split that a collection comes with. [`split_by_class`], [`split_at_random`] and
//! [`shuffled_like`] separate images of one author; [`SharedAuthors`] and [`split_groups`] count what a split leaks.

mod anneal;
mod balance;
mod deal;
mod error;
mod existing;
mod groups;
mod held_out;
mod leakage;
mod leaky;
mod objective;
pub mod streams;
mod warning;

use rand_chacha::ChaCha8Rng;
use tables::Assignment;

pub use balance::{Balance, Count};
pub use error::{Fault, SplitError};
pub use existing::{existing, shuffled_like, split_existing};
pub use leakage::{SharedAuthors, split_group_paths, split_groups};
pub use leaky::{split_at_random, split_by_class};
pub use warning::Warning;

use groups::Groups;
use objective::Objective;

/// An image to be assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Path, unique.
    pub path: String,
    /// Class.
    pub label: String,
    /// Author, if known.
    pub author: Option<String>,
    /// Number of its group of near-duplicates, if it has any.
    pub near_duplicates: Option<u32>,
}

/// Parameters of a split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitParams {
    /// Number of folds, at least 2.
    pub folds: usize,
    /// Share of every class's images that go to the test set, in `[0, 0.5]`; 0 for none.
    pub test: f64,
    /// Weight of evenness in authors relative to evenness in images, at least 0; 1 for equal weights.
    pub author_weight: f64,
    /// Steps of the annealing; 0 keeps the greedy start.
    pub steps: u64,
    /// Largest share of the images of all folds that one of them may have, in `(0, 1]`.
    pub max_share: f64,
}

/// Random generators, each with its own seed, so that a draw added to one shifts no other.
#[derive(Clone, Debug)]
pub struct Streams {
    /// Breaks ties between authors with equally many images when the test set is chosen.
    pub test: ChaCha8Rng,
    /// Shuffles the images without an author.
    pub deal: ChaCha8Rng,
    /// Proposes the moves of the annealing.
    pub moves: ChaCha8Rng,
    /// Accepts or rejects them.
    pub acceptance: ChaCha8Rng,
}

/// Assignment to the fold of this number.
fn fold(number: usize) -> Assignment {
    Assignment::Fold(u32::try_from(number).expect("there are fewer folds than 2^32"))
}

/// Assignments of the images.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Assignment of each image, in the order of the input.
    pub assignments: Vec<Assignment>,
    /// All assignments of the split, sorted, whether or not they have images.
    pub columns: Vec<Assignment>,
    /// Unevenness of the greedy start: the mean over the folds of the squared relative deviations, summed over the
    /// classes. 0 is perfect.
    pub start_cost: f64,
    /// Unevenness after the annealing, at most `start_cost`.
    pub cost: f64,
    /// Warnings about the folds.
    pub warnings: Vec<Warning>,
}

/// Assigns every image.
///
/// # Errors
/// `params` are out of their ranges; there are no images, or two with the same path; there are fewer groups than folds;
/// a class is one group, or came to be in one fold, so that no fold could both train on the class and validate on it;
/// one fold has more than its share of the images. All classes at fault are listed. A class with fewer groups than
/// assignments is only a warning.
pub fn split(
    images: &[Image],
    params: &SplitParams,
    streams: Streams,
) -> Result<Split, SplitError> {
    params.check()?;
    let groups = Groups::of(images)?;
    groups.check(params.folds)?;
    let test_set = held_out::select(&groups, params, streams.test);
    let objective = Objective::new(&groups, &test_set.authors, params);
    let start = objective.greedy();
    let start_cost = objective.cost(&start);
    let best = anneal::improve(
        &objective,
        start,
        params.steps,
        streams.moves,
        streams.acceptance,
    )?;
    let cost = objective.cost(&best);
    let authors = objective.assignments(&groups, &best);
    let assignments = deal::assign(&groups, &authors, &test_set.ungrouped, params, streams.deal);
    let columns = params.assignments();
    check_folds(&groups, &assignments, params)?;
    let mut warnings = absences(&groups, &assignments, &columns);
    warnings.extend(groups.dominant(&assignments));
    Ok(Split {
        warnings,
        assignments,
        columns,
        start_cost,
        cost,
    })
}

/// Warnings for classes without an image in some of the assignments `columns`.
fn absences(groups: &Groups, assignments: &[Assignment], columns: &[Assignment]) -> Vec<Warning> {
    let present = groups.assignments_per_label(assignments);
    let counts = { groups.per_label().into_iter() }.zip(groups.images_per_label());
    let mut warnings = Vec::new();
    for ((label, present), (groups, images)) in groups.labels.iter().zip(&present).zip(counts) {
        let mut absent = columns.to_vec();
        absent.retain(|assignment| !present.contains(assignment));
        if !absent.is_empty() {
            warnings.push(Warning::Absent {
                label: label.clone(),
                groups,
                images,
                absent,
            });
        }
    }
    warnings
}

/// Fails if a class is in one fold alone, or a fold has more than its share of the images.
fn check_folds(
    groups: &Groups,
    assignments: &[Assignment],
    params: &SplitParams,
) -> Result<(), SplitError> {
    let mut faults = Vec::new();
    let per_label = groups.per_label();
    for (label, present) in groups.assignments_per_label(assignments).iter().enumerate() {
        let mut folds = present.iter().filter_map(|assignment| match assignment {
            Assignment::Fold(fold) => Some(*fold),
            Assignment::Train | Assignment::Test => None,
        });
        if let (Some(fold), None) = (folds.next(), folds.next()) {
            faults.push(Fault::OneFold {
                label: groups.labels[label].clone(),
                groups: per_label[label],
                fold,
            });
        }
    }
    let mut sizes = vec![0_usize; params.folds];
    for assignment in assignments {
        if let Assignment::Fold(fold) = assignment {
            sizes[*fold as usize] += 1;
        }
    }
    let (largest, all) = (sizes.iter().copied().max(), sizes.iter().sum::<usize>());
    if let Some(largest) = largest.filter(|&n| n as f64 > params.max_share * all as f64) {
        faults.push(Fault::LargeFold {
            sizes,
            largest,
            all,
            max_share: params.max_share,
            dominant: groups.dominant(assignments),
        });
    }
    SplitError::of(faults)
}

impl SplitParams {
    /// All assignments in their order; the test set only if it has a share.
    pub fn assignments(&self) -> Vec<Assignment> {
        let folds = (0..self.folds).map(fold);
        folds
            .chain((self.test > 0.0).then_some(Assignment::Test))
            .collect()
    }

    fn check(&self) -> Result<(), SplitError> {
        if self.folds < 2 {
            return Err(SplitError::Folds { folds: self.folds });
        }
        if !(0.0..=0.5).contains(&self.test) {
            return Err(SplitError::Test { share: self.test });
        }
        if !(self.max_share > 0.0 && self.max_share <= 1.0) {
            return Err(SplitError::MaxShare {
                share: self.max_share,
            });
        }
        if !(self.author_weight.is_finite() && self.author_weight >= 0.0) {
            return Err(SplitError::AuthorWeight {
                weight: self.author_weight,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
