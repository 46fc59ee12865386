//! Calibrators that are evaluated on images that they were not fitted to.

use std::collections::{BTreeMap, BTreeSet};

use crate::MetricError;

/// Calibrators by group, and the probabilities of all images.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossFitted<C> {
    /// A calibrator for each group, fitted to the images of all other groups, by ascending group.
    pub calibrators: Vec<C>,
    /// `[N, K]`, each image's by the calibrator of its group.
    pub probabilities: Vec<Vec<f64>>,
}

impl<C> CrossFitted<C> {
    /// Fits a calibrator for each of the `groups` `[N]`: `fit` gets the images of the other groups, by ascending number,
    /// `apply` a calibrator and an image of its group. scikit-learn's `cross_val_predict` with `PredefinedSplit`.
    ///
    /// # Errors
    /// There are fewer than two groups; or `fit` or `apply` fails.
    pub fn of(
        groups: &[usize],
        fit: impl Fn(&[usize]) -> Result<C, MetricError>,
        apply: impl Fn(&C, usize) -> Result<Vec<f64>, MetricError>,
    ) -> Result<Self, MetricError> {
        let distinct: BTreeSet<usize> = groups.iter().copied().collect();
        if distinct.len() < 2 {
            return Err(MetricError::Groups(distinct.len()));
        }
        let images = |is_fitted: &dyn Fn(usize) -> bool| -> Vec<usize> {
            let images = 0..groups.len();
            images.filter(|&image| is_fitted(groups[image])).collect()
        };
        let mut calibrators = Vec::with_capacity(distinct.len());
        let mut probabilities = vec![Vec::new(); groups.len()];
        for group in distinct {
            let calibrator = fit(&images(&|other| other != group))?;
            for image in images(&|other| other == group) {
                probabilities[image] = apply(&calibrator, image)?;
            }
            calibrators.push(calibrator);
        }
        Ok(Self {
            calibrators,
            probabilities,
        })
    }
}

/// Group of each image `[N]`, at most `n_groups` of them: images of one unit are in one group, and the classes are spread
/// evenly, as far as units allow.
///
/// Units with the most uneven classes come first, each into the group that leaves the classes' shares of images in the
/// groups most alike: scikit-learn's `StratifiedGroupKFold` without shuffling (1.9).
///
/// # Errors
/// `units` is not as long as `actual`, the classes.
pub fn author_groups(
    actual: &[usize],
    units: &[usize],
    n_groups: usize,
) -> Result<Vec<usize>, MetricError> {
    if units.len() != actual.len() {
        return Err(MetricError::Length {
            list: "units",
            found: units.len(),
            expected: actual.len(),
        });
    }
    let classes: BTreeSet<usize> = actual.iter().copied().collect();
    let classes: BTreeMap<usize, usize> = classes.into_iter().zip(0..).collect();
    let mut totals = vec![0.0; classes.len()];
    let mut counts: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for (class, &unit) in actual.iter().map(|class| classes[class]).zip(units) {
        totals[class] += 1.0;
        counts.entry(unit).or_insert_with(|| vec![0; classes.len()])[class] += 1;
    }
    let mut order: Vec<(usize, &Vec<u64>)> = counts.iter().map(|(&unit, n)| (unit, n)).collect();
    // The sort is stable: equals stay in the order of their numbers.
    order.sort_by_key(|(_, counts)| std::cmp::Reverse(unevenness(counts)));
    let mut groups = vec![vec![0.0; classes.len()]; n_groups.max(1)];
    let mut group_of: BTreeMap<usize, usize> = BTreeMap::new();
    for (unit, counts) in order {
        let best = best_group(&mut groups, counts, &totals);
        add(&mut groups[best], counts, 1.0);
        group_of.insert(unit, best);
    }
    Ok(units.iter().map(|unit| group_of[unit]).collect())
}

/// Variance of a unit's counts by class, times the square of the number of classes.
fn unevenness(counts: &[u64]) -> u64 {
    let (sum, squares) = counts
        .iter()
        .fold((0, 0), |(sum, squares), n| (sum + n, squares + n * n));
    counts.len() as u64 * squares - sum * sum
}

/// The group that a unit of these `counts` joins; of equals the one with fewer images, then the first.
fn best_group(groups: &mut [Vec<f64>], counts: &[u64], totals: &[f64]) -> usize {
    let (mut best, mut least, mut fewest) = (0, f64::INFINITY, f64::INFINITY);
    for group in 0..groups.len() {
        add(&mut groups[group], counts, 1.0);
        let unlike = spread(groups, totals);
        add(&mut groups[group], counts, -1.0);
        let n_images: f64 = groups[group].iter().sum();
        // Tolerances of numpy's `isclose`.
        let is_close = least.is_finite() && (unlike - least).abs() <= 1e-8 + 1e-5 * least;
        if unlike < least || is_close && n_images < fewest {
            (best, least, fewest) = (group, unlike, n_images);
        }
    }
    best
}

fn add(group: &mut [f64], counts: &[u64], sign: f64) {
    for (sum, &n) in group.iter_mut().zip(counts) {
        *sum += sign * n as f64;
    }
}

/// Mean over the classes of the standard deviation of a class's shares in the groups.
fn spread(groups: &[Vec<f64>], totals: &[f64]) -> f64 {
    let n_groups = groups.len() as f64;
    let of_class = |(class, total): (usize, &f64)| {
        let shares = || groups.iter().map(|group| group[class] / total);
        let mean = shares().sum::<f64>() / n_groups;
        let squares = shares().map(|share| (share - mean).powi(2)).sum::<f64>();
        (squares / n_groups).sqrt()
    };
    totals.iter().enumerate().map(of_class).sum::<f64>() / totals.len() as f64
}

/// Indices of the classes, below `n_classes`, of which no image is among `actual`.
pub fn unseen_classes(n_classes: usize, actual: &[usize]) -> Vec<usize> {
    let seen: BTreeSet<usize> = actual.iter().copied().collect();
    let classes = 0..n_classes;
    classes.filter(|class| !seen.contains(class)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_calibrated_by_the_images_of_other_groups() {
        let groups = [3, 0, 3, 7, 0, 7, 7];
        let fitted = CrossFitted::of(
            &groups,
            |images| Ok(images.to_vec()),
            |images, image| {
                // All of the other groups, none of its own.
                let expected = (0..groups.len()).filter(|&other| groups[other] != groups[image]);
                assert_eq!(*images, expected.collect::<Vec<_>>());
                Ok(vec![image as f64])
            },
        )
        .unwrap();
        assert_eq!(fitted.calibrators.len(), 3);
        let expected: Vec<Vec<f64>> = (0..7_u32).map(|image| vec![f64::from(image)]).collect();
        assert_eq!(fitted.probabilities, expected);
        let single = CrossFitted::of(&[1, 1], |_| Ok(()), |(), _| Ok(Vec::new()));
        assert_eq!(
            single.unwrap_err().to_string(),
            "found images of 1 groups, expected at least 2: a calibrator is fitted to the images of the other groups"
        );
    }

    #[test]
    fn authors_stay_together_and_classes_are_spread() {
        // Two classes of ten authors each, with two images an author; author 20 has an image of both.
        let mut units: Vec<usize> = (0..20).flat_map(|author| [author; 2]).collect();
        let mut actual: Vec<usize> = units.iter().map(|author| author / 10).collect();
        units.extend([20, 20]);
        actual.extend([0, 1]);
        let groups = author_groups(&actual, &units, 5).unwrap();
        let of_unit: BTreeSet<(usize, usize)> =
            units.iter().copied().zip(groups.iter().copied()).collect();
        assert_eq!(of_unit.len(), 21);
        for group in 0..5 {
            for class in 0..2 {
                let n = (0..groups.len())
                    .filter(|&image| (groups[image], actual[image]) == (group, class))
                    .count();
                assert!((4..=5).contains(&n), "{group} {class}: {n}");
            }
        }
        let single = author_groups(&[0, 1], &[4, 4], 5).unwrap();
        assert_eq!(single[0], single[1]);
    }

    #[test]
    fn a_class_without_images_is_unseen() {
        assert_eq!(unseen_classes(4, &[2, 0, 2]), [1, 3]);
        assert_eq!(unseen_classes(2, &[0, 1]), [0; 0]);
    }
}
