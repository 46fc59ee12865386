//! Use of a split that the collection comes with.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use tables::{Assignment, Subset};

use crate::{Fault, Image, Split, SplitError, SplitParams, Streams, absences, groups, split};

/// Subsets of the existing split of `(path, subset)`, in their order; none if no image has a subset or all are training
/// images.
///
/// # Errors
/// A subset is none of a split's, some images have one and others have none, or there are no training images.
pub fn existing<'a>(
    images: impl IntoIterator<Item = (&'a str, Option<Subset>)>,
) -> Result<Option<Vec<Subset>>, SplitError> {
    let (mut subsets, mut without) = (Vec::new(), Vec::new());
    for (path, subset) in images {
        match subset {
            None => without.push(path),
            Some(subset) if Subset::OF_SPLIT.contains(&subset) => subsets.push(subset),
            Some(subset) => {
                return Err(SplitError::UnknownSubset {
                    path: path.to_owned(),
                    subset,
                });
            }
        }
    }
    if subsets.is_empty() {
        return Ok(None);
    }
    if let Some(first) = without.first() {
        return Err(SplitError::PartialSplit {
            without: without.len(),
            of: subsets.len() + without.len(),
            first: (*first).to_owned(),
        });
    }
    match (subsets.contains(&Subset::Train), subsets.iter().min()) {
        (false, Some(subset)) => Err(SplitError::NothingToTrainOn { subset: *subset }),
        _ if subsets.iter().all(|subset| *subset == Subset::Train) => Ok(None),
        _ => Ok(Some(subsets)),
    }
}

/// Assigns every image by the existing split.
///
/// `test` is held out of everything ([`Assignment::Test`]). With images for validation, these are fold 0 and the
/// training images are [`Assignment::Train`], and `params` must have one fold; without, [`split`] deals the training
/// images into the folds, with no author in two of them. Authors and near-duplicates in several subsets stay there:
/// [`SharedAuthors`](crate::SharedAuthors) and [`split_groups`](crate::split_groups) count them.
///
/// # Errors
/// The number of folds doesn't fit, a class has no training image, or as [`split`] on the training images.
pub fn split_existing(
    images: &[Image],
    subsets: &[Subset],
    params: &SplitParams,
    streams: Streams,
) -> Result<Split, SplitError> {
    groups::by_path(images)?;
    if subsets.contains(&Subset::Validation) {
        if params.folds != 1 {
            return Err(SplitError::ExistingFolds {
                folds: params.folds,
            });
        }
        return predefined(images, subsets);
    }
    let train: Vec<usize> = (0..images.len())
        .filter(|&image| subsets[image] == Subset::Train)
        .collect();
    untrained(images, subsets)?;
    let members: Vec<Image> = train.iter().map(|&image| images[image].clone()).collect();
    let params = SplitParams {
        test: 0.0,
        ..*params
    };
    let mut dealt = split(&members, &params, streams)?;
    let mut assignments = vec![Assignment::Test; images.len()];
    for (image, assignment) in train.into_iter().zip(dealt.assignments) {
        assignments[image] = assignment;
    }
    dealt.assignments = assignments;
    dealt.columns.push(Assignment::Test);
    Ok(dealt)
}

fn predefined(images: &[Image], subsets: &[Subset]) -> Result<Split, SplitError> {
    untrained(images, subsets)?;
    let assignments: Vec<Assignment> = { subsets.iter() }
        .map(|subset| match subset {
            Subset::Train => Assignment::Train,
            Subset::Validation => Assignment::Fold(0),
            Subset::Test | Subset::Unseen => Assignment::Test,
        })
        .collect();
    let mut columns = assignments.clone();
    columns.sort_unstable();
    columns.dedup();
    let groups = groups::Groups::of(images)?;
    Ok(Split {
        warnings: absences(&groups, &assignments, &columns),
        assignments,
        columns,
        start_cost: 0.0,
        cost: 0.0,
    })
}

/// Fails if a class has no training image.
fn untrained(images: &[Image], subsets: &[Subset]) -> Result<(), SplitError> {
    let mut counts: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (image, subset) in images.iter().zip(subsets) {
        counts.entry(&image.label).or_default()[usize::from(*subset == Subset::Train)] += 1;
    }
    let untrained = counts.into_iter().filter(|(_, [_, train])| *train == 0);
    let faults: Vec<Fault> = untrained
        .map(|(label, [others, _])| Fault::Untrained {
            label: label.to_owned(),
            others,
        })
        .collect();
    SplitError::of(faults)
}

/// Assignment of each image in a split with as many images of each class and assignment as `assignments`, in which
/// authors are kept together within a class alone (`by_author`) or not at all.
///
/// Authors are shuffled `n_shuffles` times, and the shuffle with the most similar numbers of images is used. Every
/// class is in two folds, or in [`Assignment::Train`], if it is in `assignments`, so that each fold trains on it.
///
/// # Errors
/// There are no images, or two with the same path.
pub fn shuffled_like(
    images: &[Image],
    assignments: &[Assignment],
    by_author: bool,
    n_shuffles: usize,
    mut rng: ChaCha8Rng,
) -> Result<Vec<Assignment>, SplitError> {
    let mut classes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for image in groups::by_path(images)? {
        classes.entry(&images[image].label).or_default().push(image);
    }
    let mut shuffled = assignments.to_vec();
    for members in classes.values() {
        let mut room: BTreeMap<Assignment, isize> = BTreeMap::new();
        for &image in members {
            *room.entry(assignments[image]).or_default() += 1;
        }
        let author = |image: usize| images[image].author.as_deref().filter(|_| by_author);
        let mut units = crate::leaky::units(members, author);
        let tries = (0..n_shuffles.max(1)).map(|_| {
            units.shuffle(&mut rng);
            fill(&units, &room)
        });
        let best = tries.min_by_key(|(unevenness, _)| *unevenness);
        for (assignment, unit) in best.into_iter().flat_map(|(_, assigned)| assigned) {
            unit.into_iter()
                .for_each(|image| shuffled[image] = assignment);
        }
    }
    Ok(shuffled)
}

/// Units by assignment.
type UnitsByAssignment = Vec<(Assignment, Vec<usize>)>;

/// Assigns the largest unit first, each to the assignment with the most room; also returns the sum of the squares of
/// the room left.
fn fill(units: &[Vec<usize>], room: &BTreeMap<Assignment, isize>) -> (isize, UnitsByAssignment) {
    let mut room = room.clone();
    // Stable: units of one size stay shuffled.
    let mut order: Vec<&Vec<usize>> = units.iter().collect();
    order.sort_by_key(|unit| std::cmp::Reverse(unit.len()));
    let mut assigned: UnitsByAssignment = Vec::new();
    for unit in order {
        let roomiest = room.iter_mut().rev().max_by_key(|(_, room)| **room);
        let (assignment, room) = roomiest.expect("a class has images");
        *room -= unit.len().cast_signed();
        assigned.push((*assignment, unit.clone()));
    }
    train_everywhere(&mut assigned, &room);
    let left = room.values().map(|room| room * room);
    (left.sum(), assigned)
}

/// Moves small units to where a fold would otherwise have no training image of the class.
fn train_everywhere(assigned: &mut UnitsByAssignment, room: &BTreeMap<Assignment, isize>) {
    let free = |assigned: &UnitsByAssignment| {
        let used =
            |assignment: Assignment| assigned.iter().filter(|(p, _)| *p == assignment).count();
        let mut folds = room
            .keys()
            .copied()
            .filter(|&assignment| assignment != Assignment::Test);
        let n_used = folds
            .clone()
            .filter(|&assignment| used(assignment) > 0)
            .count();
        if n_used > 1 || used(Assignment::Train) > 0 {
            return None;
        }
        let free = folds.find(|&assignment| used(assignment) == 0)?;
        let spare = |(assignment, _): &(Assignment, _)| {
            *assignment == Assignment::Test || used(*assignment) > 1
        };
        Some((assigned.iter().rposition(spare)?, free))
    };
    while let Some((unit, assignment)) = free(assigned) {
        assigned[unit].0 = assignment;
    }
}

#[cfg(test)]
mod tests;
