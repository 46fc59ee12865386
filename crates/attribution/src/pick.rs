//! Selection of the images to attribute.

use numeric::{Classes, in_turns, rank};
use rand::seq::SliceRandom;
use random::Stream;
use table_predictions::Prediction;
use tables::Subset;

/// Outcomes: right by the highest score, right by the second, wrong.
const OUTCOMES: usize = 3;

/// Number of images.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum of a class.
    pub per_class: usize,
    /// Maximum of all together: time grows with their number, and classes may be many.
    pub total: usize,
}

/// Images within `limits`, as rows of `predictions`, in ascending order.
///
/// With fewer than all images in `limits.total`, each class has one before any has two, and so on; classes that share
/// the last ones are drawn by `stream`.
///
/// They are of subsets that the network was not fitted to, drawn by `stream`. A class's images are those right by the
/// highest score, right by the second and wrong, in turns, so that a few show all three outcomes. `classes` are those
/// of the network: each prediction has a logit for every one.
#[must_use]
pub fn pick(
    predictions: &[Prediction],
    classes: &Classes,
    limits: Limits,
    stream: &Stream,
) -> Vec<usize> {
    let mut groups = vec![vec![Vec::new(); OUTCOMES]; classes.len()];
    for (row, prediction) in predictions.iter().enumerate() {
        let class = classes.index(&prediction.label);
        let Some(class) = class.filter(|_| prediction.subset != Subset::Train) else {
            continue;
        };
        let outcome = rank(&prediction.logits, class).min(OUTCOMES - 1);
        groups[class][outcome].push(row);
    }
    for (class, outcomes) in groups.iter_mut().enumerate() {
        for (outcome, rows) in outcomes.iter_mut().enumerate() {
            rows.shuffle(&mut stream.at(class as u64, outcome as u64));
        }
    }
    let classes = groups.iter();
    let mut classes: Vec<Vec<usize>> = classes
        .map(|outcomes| in_turns(outcomes, limits.per_class))
        .collect();
    // No group has the number of a class beyond all others.
    let mut rng = stream.at(classes.len() as u64, 0);
    classes.shuffle(&mut rng);
    let mut picked = in_turns(&classes, limits.total);
    picked.sort_unstable();
    picked
}

#[cfg(test)]
mod tests {
    use random::Seed;

    use super::*;

    const CLASSES: [&str; 3] = ["a", "b", "c"];

    /// An image of class `label` with the classes in the order of `ranking`.
    fn prediction(label: &str, subset: Subset, ranking: [usize; 3]) -> Prediction {
        let mut logits = vec![0.0; 3];
        for (class, logit) in ranking.into_iter().zip([3.0, 2.0, 1.0]) {
            logits[class] = logit;
        }
        Prediction {
            path: String::new(),
            label: label.to_owned(),
            subset,
            probabilities: logits.clone(),
            logits,
            embedding: Vec::new(),
            predicted: CLASSES[ranking[0]].to_owned(),
        }
    }

    fn predictions() -> Vec<Prediction> {
        vec![
            prediction("a", Subset::Train, [0, 1, 2]),
            prediction("a", Subset::Validation, [0, 1, 2]),
            prediction("a", Subset::Test, [0, 2, 1]),
            prediction("a", Subset::Validation, [1, 0, 2]),
            prediction("a", Subset::Test, [1, 2, 0]),
            prediction("b", Subset::Validation, [0, 2, 1]),
        ]
    }

    fn picked(per_class: usize, seed: u64) -> Vec<usize> {
        within(per_class, usize::MAX, seed)
    }

    fn within(per_class: usize, total: usize, seed: u64) -> Vec<usize> {
        let stream = Seed::new(seed).stream(crate::streams::ATTRIBUTION);
        let limits = Limits { per_class, total };
        pick(&predictions(), &Classes::of(CLASSES), limits, &stream)
    }

    #[test]
    fn a_total_is_spread_over_the_classes() {
        // Class `a` has rows 1 to 4, `b` row 5: with two in all, one of each.
        for seed in 0..10 {
            assert!(within(9, 2, seed).ends_with(&[5]), "{seed}");
            assert_eq!(within(9, 4, seed).len(), 4);
            assert_eq!(within(9, 0, seed), [0; 0]);
        }
        let firsts: std::collections::BTreeSet<bool> =
            (0..20).map(|seed| within(1, 1, seed) == [5]).collect();
        assert_eq!(firsts.len(), 2, "either class may have the only one");
    }

    #[test]
    fn outcomes_take_turns() {
        for seed in 0..10 {
            let three = picked(3, seed);
            assert!(three == [1, 3, 4, 5] || three == [2, 3, 4, 5], "{three:?}");
            assert!(picked(1, seed).ends_with(&[5]));
            assert_eq!(picked(9, seed), [1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn the_seed_draws() {
        assert_eq!(picked(3, 1), picked(3, 1));
        let firsts: std::collections::BTreeSet<_> =
            (0..20).map(|seed| picked(1, seed)[0]).collect();
        assert_eq!(firsts.into_iter().collect::<Vec<_>>(), [1, 2]);
    }
}
