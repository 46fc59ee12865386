//! Splits with leakage, to measure its effect on scores.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use tables::Assignment;

use crate::{Image, SplitError, SplitParams, fold, groups};

/// Images with one assignment: those of an author within a class, or a single one.
type Unit = Vec<usize>;

/// Assignment of each image if classes are split one by one, each by its own authors.
///
/// Images of an author of two classes may have two assignments: this is the leakage. In each class, the test set gets
/// the authors with the fewest images of the class, up to its share; the others are shuffled `n_shuffles` times and cut
/// into folds of as equal numbers of authors as possible, and the shuffle whose folds differ least in images is used.
/// Images without an author are authors of one image. Of `params`, the folds and the share of the test set are used.
///
/// # Errors
/// As [`split`](crate::split) on the images and on `params`.
pub fn split_by_class(
    images: &[Image],
    params: &SplitParams,
    n_shuffles: usize,
    rng: ChaCha8Rng,
) -> Result<Vec<Assignment>, SplitError> {
    deal_classes(images, params, n_shuffles, rng, |image| {
        image.author.as_deref()
    })
}

/// Assignment of each image if authors are ignored: each class's images are shuffled and cut into the test set and
/// folds.
///
/// # Errors
/// As [`split`](crate::split) on the images and on `params`.
pub fn split_at_random(
    images: &[Image],
    params: &SplitParams,
    rng: ChaCha8Rng,
) -> Result<Vec<Assignment>, SplitError> {
    deal_classes(images, params, 1, rng, |_| None)
}

fn deal_classes<'a>(
    images: &'a [Image],
    params: &SplitParams,
    n_shuffles: usize,
    mut rng: ChaCha8Rng,
    author: impl Fn(&'a Image) -> Option<&'a str>,
) -> Result<Vec<Assignment>, SplitError> {
    params.check()?;
    let mut classes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for image in groups::by_path(images)? {
        let class = classes.entry(&images[image].label).or_default();
        class.push(image);
    }
    let mut assignments = vec![Assignment::Test; images.len()];
    for members in classes.values() {
        let mut units = units(members, |image| author(&images[image]));
        units.shuffle(&mut rng);
        // Stable: authors with equally many images stay shuffled.
        units.sort_by_key(Vec::len);
        // Two stay: every fold has training images of the class if it is in two of them.
        let n_held =
            n_held(&units, params.test * members.len() as f64).min(units.len().saturating_sub(2));
        let folds = most_even(&units[n_held..], params.folds, n_shuffles, &mut rng);
        for (number, images) in folds.into_iter().enumerate() {
            for image in images {
                assignments[image] = fold(number);
            }
        }
    }
    Ok(assignments)
}

/// Images of a class by author, sorted by name; each image without one is a unit of its own.
pub(crate) fn units<'a>(members: &[usize], author: impl Fn(usize) -> Option<&'a str>) -> Vec<Unit> {
    let mut by_author: BTreeMap<&str, Unit> = BTreeMap::new();
    let mut alone = Vec::new();
    for &image in members {
        match author(image) {
            Some(author) => by_author.entry(author).or_default().push(image),
            None => alone.push(vec![image]),
        }
    }
    by_author.into_values().chain(alone).collect()
}

/// Number of the first units that have at most `room` images together.
fn n_held(units: &[Unit], room: f64) -> usize {
    let mut taken = 0;
    let fits = |unit: &&Unit| {
        taken += unit.len();
        taken as f64 <= room.round()
    };
    units.iter().take_while(fits).count()
}

/// Folds of the shuffle whose numbers of images vary least.
fn most_even(
    units: &[Unit],
    n_folds: usize,
    n_shuffles: usize,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<usize>> {
    let mut shuffled: Vec<&Unit> = units.iter().collect();
    let tries = (0..n_shuffles.max(1)).map(|_| {
        shuffled.shuffle(rng);
        cut(&shuffled, n_folds)
    });
    let unevenness = |folds: &Vec<Vec<usize>>| -> usize {
        // The sum of the sizes is constant, so the least sum of squares has the least variance.
        folds.iter().map(|fold| fold.len().pow(2)).sum()
    };
    tries.min_by_key(unevenness).unwrap_or_default()
}

/// `n_folds` runs of units; the first ones are longer by one where the division has a remainder.
fn cut(units: &[&Unit], n_folds: usize) -> Vec<Vec<usize>> {
    let (size, longer) = (units.len() / n_folds, units.len() % n_folds);
    let mut rest = units;
    (0..n_folds)
        .map(|fold| {
            let (run, behind) = rest.split_at(size + usize::from(fold < longer));
            rest = behind;
            run.iter().copied().flatten().copied().collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const PARAMS: SplitParams = SplitParams {
        folds: 2,
        test: 0.1,
        author_weight: 0.0,
        steps: 0,
        max_share: 1.0,
    };

    /// `(label, author, images)`.
    fn collection(groups: &[(&str, Option<&str>, usize)]) -> Vec<Image> {
        let images = groups
            .iter()
            .enumerate()
            .flat_map(|(group, (label, author, n))| {
                (0..*n).map(move |number| Image {
                    path: format!("{label}/{group:02}-{number:02}.jpg"),
                    label: (*label).to_owned(),
                    author: author.map(str::to_owned),
                    near_duplicates: None,
                })
            });
        images.collect()
    }

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(5)
    }

    /// Number of images in fold 0, in fold 1, in the test set.
    fn counts(assignments: &[Assignment]) -> [usize; 3] {
        [Assignment::Fold(0), Assignment::Fold(1), Assignment::Test]
            .map(|assignment| assignments.iter().filter(|p| **p == assignment).count())
    }

    #[test]
    fn the_smallest_authors_of_a_class_are_the_test_set() {
        let images = collection(&[
            ("a", Some("one"), 1),
            ("a", Some("two"), 1),
            ("a", Some("nine"), 9),
            ("a", Some("other nine"), 9),
        ]);
        let assignments = split_by_class(&images, &PARAMS, 20, rng()).unwrap();
        assert_eq!(counts(&assignments), [9, 9, 2]);
        assert_eq!(&assignments[..2], [Assignment::Test; 2]);
    }

    #[test]
    fn the_most_even_shuffle_is_used() {
        let sizes = [8, 1, 7, 2, 6, 3, 5, 4];
        let names: Vec<String> = sizes.iter().map(|n| format!("author {n}")).collect();
        let groups: Vec<_> = { sizes.iter().zip(&names) }
            .map(|(n, name)| ("a", Some(name.as_str()), *n))
            .collect();
        let params = SplitParams {
            test: 0.0,
            ..PARAMS
        };
        let assignments = split_by_class(&collection(&groups), &params, 100, rng()).unwrap();
        assert_eq!(counts(&assignments), [18, 18, 0]);
    }

    #[test]
    fn two_authors_of_a_class_stay_in_the_folds() {
        let images = collection(&[("a", Some("one"), 1), ("a", Some("nine"), 9)]);
        let assignments = split_by_class(&images, &PARAMS, 20, rng()).unwrap();
        let mut counts = counts(&assignments);
        counts.sort_unstable();
        assert_eq!(counts, [0, 1, 9]);
        assert!(!assignments.contains(&Assignment::Test));
    }

    #[test]
    fn a_random_split_ignores_authors() {
        let images = collection(&[("a", Some("one"), 20), ("b", None, 20)]);
        let assignments = split_at_random(&images, &PARAMS, rng()).unwrap();
        assert_eq!(counts(&assignments), [18, 18, 4]);
        assert_eq!(counts(&assignments[..20]), [9, 9, 2]);
    }

    #[test]
    fn the_order_of_the_images_has_no_effect() {
        let mut images = collection(&[
            ("a", Some("one"), 3),
            ("a", Some("two"), 4),
            ("b", None, 5),
            ("b", Some("one"), 2),
        ]);
        let there = split_by_class(&images, &PARAMS, 10, rng()).unwrap();
        images.reverse();
        let mut back = split_by_class(&images, &PARAMS, 10, rng()).unwrap();
        back.reverse();
        assert_eq!(there, back);
    }
}
