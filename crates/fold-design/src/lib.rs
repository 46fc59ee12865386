//! Author-disjoint, balanced folds.
//!
//! [`split`] gives every picture one part: a fold (`0`, `1`, …) or validation. **An author stands in one part only**,
//! with all pictures of all classes, and so does a group of near-duplicates: what moves as a whole is a connected
//! component of the two ties. A picture without any is a group of its own.
//!
//! 1. *Validation* is made of the authors with the fewest pictures, so of as many authors as possible, up to a share of
//!    every class.
//! 2. The other authors are dealt greedily, largest first, and then *annealed*: authors move between folds and swap
//!    places while every class's pictures and authors even out. The best folds seen are kept, and the greedy ones if
//!    nothing better was.
//! 3. Pictures without an author fill the folds up, one by one.
//!
//! The result depends on the pictures and the seeds alone, not on the order of the input.
//!
//! [`split_existing`] uses the split that a collection comes with. [`split_by_class`], [`split_at_random`] and
//! [`shuffled_like`] let authors stand in two parts; [`SharedAuthors`] and [`parted_groups`] count what a split leaks.

mod anneal;
mod balance;
mod deal;
mod error;
mod existing;
mod groups;
mod leaks;
mod leaky;
mod objective;
mod validation;
mod warning;

use std::{fmt, str::FromStr};

use rand_chacha::ChaCha8Rng;

pub use balance::{Balance, Count};
pub use error::{Fault, SplitError};
pub use existing::{Subset, existing, shuffled_like, split_existing};
pub use leaks::{SharedAuthors, parted_groups, parted_paths};
pub use leaky::{split_at_random, split_by_class};
pub use warning::Warning;

use groups::Groups;
use objective::Objective;

/// A picture to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Unique.
    pub path: String,
    /// The class.
    pub label: String,
    /// Who made it, if known.
    pub author: Option<String>,
    /// Its group of near-duplicates, if it has any.
    pub near_duplicates: Option<u32>,
}

/// What the folds should be like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Design {
    /// Number of folds, at least 2.
    pub folds: usize,
    /// Share of every class's pictures that go to validation, in `[0, 0.5]`; 0 for none.
    pub validation: f64,
    /// What evenness in authors counts against evenness in pictures, at least 0; 1 for the same.
    pub author_weight: f64,
    /// Steps of the annealing; 0 keeps the greedy start.
    pub steps: u64,
    /// Largest share of the pictures of all folds that one of them may have, in `(0, 1]`.
    pub max_share: f64,
}

/// The sources of chance, each with its own seed, so that a draw added to one shifts no other.
#[derive(Clone, Debug)]
pub struct Streams {
    /// Breaks ties between authors with equally many pictures when validation is chosen.
    pub validation: ChaCha8Rng,
    /// Shuffles the pictures without an author.
    pub deal: ChaCha8Rng,
    /// Proposes the moves of the annealing.
    pub moves: ChaCha8Rng,
    /// Accepts or rejects them.
    pub acceptance: ChaCha8Rng,
}

/// Where a picture stands. Folds sort before validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Trained on by every fold: the training images of an existing split that has images for validation.
    Train,
    /// The fold's number, from 0.
    Fold(usize),
    /// Trained on and tested on by no fold.
    Validation,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Train => f.write_str("train"),
            Self::Fold(fold) => write!(f, "{fold}"),
            Self::Validation => f.write_str("val"),
        }
    }
}

impl FromStr for Part {
    type Err = SplitError;

    fn from_str(text: &str) -> Result<Self, SplitError> {
        match text {
            "train" => Ok(Self::Train),
            "val" => Ok(Self::Validation),
            number => { number.parse().map(Self::Fold) }.map_err(|_| SplitError::UnknownPart {
                part: text.to_owned(),
            }),
        }
    }
}

/// Where the pictures stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The part of each picture, in the order of the input.
    pub parts: Vec<Part>,
    /// The parts of the design, sorted, whether or not they have pictures.
    pub columns: Vec<Part>,
    /// Unevenness of the greedy start: the mean over the folds of the squared relative deviations, summed over the
    /// classes. 0 is perfect.
    pub start_cost: f64,
    /// Unevenness after the annealing, at most `start_cost`.
    pub cost: f64,
    /// What a person should know about the folds.
    pub warnings: Vec<Warning>,
}

/// Places every picture.
///
/// # Errors
/// `design` is out of its ranges; there are no pictures, or two with the same path; there are fewer groups than folds;
/// a class is one group, or came to stand in one fold, so that no fold could both train on the class and test on it; one
/// fold has more than its share of the pictures. All classes at fault are listed. A class with fewer groups than parts
/// is only a warning.
pub fn split(pictures: &[Picture], design: &Design, streams: Streams) -> Result<Split, SplitError> {
    design.check()?;
    let groups = Groups::of(pictures)?;
    groups.check(design.folds)?;
    let held = validation::choose(&groups, design, streams.validation);
    let objective = Objective::new(&groups, &held.authors, design);
    let start = objective.greedy();
    let start_cost = objective.cost(&start);
    let best = anneal::improve(
        &objective,
        start,
        design.steps,
        streams.moves,
        streams.acceptance,
    )?;
    let cost = objective.cost(&best);
    let authors = objective.parts(&groups, &best);
    let parts = deal::place(&groups, &authors, &held.loose, design, streams.deal);
    let columns = design.parts();
    check_folds(&groups, &parts, design)?;
    let mut warnings = absences(&groups, &parts, &columns);
    warnings.extend(groups.dominant(&parts));
    Ok(Split {
        warnings,
        parts,
        columns,
        start_cost,
        cost,
    })
}

/// The classes that some of the parts `columns` has none of.
fn absences(groups: &Groups, parts: &[Part], columns: &[Part]) -> Vec<Warning> {
    let present = groups.parts_per_label(parts);
    let counts = { groups.per_label().into_iter() }.zip(groups.pictures_per_label());
    let mut warnings = Vec::new();
    for ((label, present), (groups, pictures)) in groups.labels.iter().zip(&present).zip(counts) {
        let mut absent = columns.to_vec();
        absent.retain(|part| !present.contains(part));
        if !absent.is_empty() {
            warnings.push(Warning::Absent {
                label: label.clone(),
                groups,
                pictures,
                absent,
            });
        }
    }
    warnings
}

/// An error if a class stands in one fold alone, or a fold has more than its share of the pictures.
fn check_folds(groups: &Groups, parts: &[Part], design: &Design) -> Result<(), SplitError> {
    let mut faults = Vec::new();
    let per_label = groups.per_label();
    for (label, present) in groups.parts_per_label(parts).iter().enumerate() {
        let mut folds = present.iter().filter_map(|part| match part {
            Part::Fold(fold) => Some(*fold),
            Part::Train | Part::Validation => None,
        });
        if let (Some(fold), None) = (folds.next(), folds.next()) {
            faults.push(Fault::OneFold {
                label: groups.labels[label].clone(),
                groups: per_label[label],
                fold,
            });
        }
    }
    let mut sizes = vec![0_usize; design.folds];
    for part in parts {
        if let Part::Fold(fold) = part {
            sizes[*fold] += 1;
        }
    }
    let (largest, all) = (sizes.iter().copied().max(), sizes.iter().sum::<usize>());
    if let Some(largest) = largest.filter(|&n| n as f64 > design.max_share * all as f64) {
        faults.push(Fault::LargeFold {
            sizes,
            largest,
            all,
            max_share: design.max_share,
            dominant: groups.dominant(parts),
        });
    }
    SplitError::of(faults)
}

impl Design {
    /// All parts in their order; validation only if it has a share.
    pub fn parts(&self) -> Vec<Part> {
        let folds = (0..self.folds).map(Part::Fold);
        folds
            .chain((self.validation > 0.0).then_some(Part::Validation))
            .collect()
    }

    fn check(&self) -> Result<(), SplitError> {
        if self.folds < 2 {
            return Err(SplitError::Folds { folds: self.folds });
        }
        if !(0.0..=0.5).contains(&self.validation) {
            return Err(SplitError::Validation {
                share: self.validation,
            });
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
