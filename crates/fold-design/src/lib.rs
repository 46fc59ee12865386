//! Author-disjoint, balanced folds.
//!
//! [`split`] gives every picture one part: a fold (`0`, `1`, …) or validation. **An author stands in one part only**,
//! with all pictures of all classes; a picture without an author is a group of its own.
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
//! [`split_by_class`] and [`split_at_random`] let authors stand in two parts; [`SharedAuthors`] and [`near_pairs`] say
//! how much a split leaks.

mod anneal;
mod balance;
mod deal;
mod error;
mod groups;
mod leaks;
mod leaky;
mod objective;
mod validation;

use std::{collections::BTreeSet, fmt};

use rand_chacha::ChaCha8Rng;

pub use balance::{Balance, Count};
pub use error::SplitError;
pub use leaks::{Pair, SharedAuthors, near_pairs};
pub use leaky::{split_at_random, split_by_class};

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
    /// The fold's number, from 0.
    Fold(usize),
    /// Trained on and tested on by no fold.
    Validation,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fold(fold) => write!(f, "{fold}"),
            Self::Validation => f.write_str("val"),
        }
    }
}

/// Where the pictures stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The part of each picture, in the order of the input.
    pub parts: Vec<Part>,
    /// Unevenness of the greedy start: the mean over the folds of the squared relative deviations, summed over the
    /// classes. 0 is perfect.
    pub start_cost: f64,
    /// Unevenness after the annealing, at most `start_cost`.
    pub cost: f64,
    /// What a person should know about the folds.
    pub warnings: Vec<Warning>,
}

/// A class that some part has none of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The class.
    pub label: String,
    /// Its authors and pictures without an author.
    pub groups: usize,
    /// Its pictures.
    pub pictures: usize,
    /// The parts without a picture of it, sorted.
    pub absent: Vec<Part>,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let absent: Vec<String> = self.absent.iter().map(Part::to_string).collect();
        write!(
            f,
            "class `{}` has {} pictures by {} authors, too few for every part: none of it stands in {}, \
             where it cannot be scored",
            self.label,
            self.pictures,
            self.groups,
            absent.join(", ")
        )
    }
}

/// Places every picture.
///
/// # Errors
/// `design` is out of its ranges; there are no pictures, or two with the same path; there are fewer groups (authors and
/// pictures without one) than folds; all pictures of a class are by one author, or came to stand in one fold, so that
/// no fold could both train on the class and test on it. A class with fewer groups than parts is only a warning.
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
    let warnings = absences(&groups, &parts, design)?;
    Ok(Split {
        parts,
        start_cost,
        cost,
        warnings,
    })
}

/// The classes that some part has none of; an error if a class stands in one fold alone.
fn absences(groups: &Groups, parts: &[Part], design: &Design) -> Result<Vec<Warning>, SplitError> {
    let mut present = vec![BTreeSet::new(); groups.labels.len()];
    for (&label, &part) in groups.label_of.iter().zip(parts) {
        present[label].insert(part);
    }
    let per_label = groups.per_label().into_iter();
    let counts = per_label.zip(groups.pictures_per_label());
    let mut warnings = Vec::new();
    for ((label, present), (groups, pictures)) in groups.labels.iter().zip(&present).zip(counts) {
        let mut folds = present.iter().filter_map(|part| match part {
            Part::Fold(fold) => Some(*fold),
            Part::Validation => None,
        });
        if let (Some(fold), None) = (folds.next(), folds.next()) {
            return Err(SplitError::OneFold {
                label: label.clone(),
                groups,
                fold,
            });
        }
        let mut absent = design.parts();
        absent.retain(|part| !present.contains(part));
        if !absent.is_empty() {
            warnings.push(Warning {
                label: label.clone(),
                groups,
                pictures,
                absent,
            });
        }
    }
    Ok(warnings)
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
