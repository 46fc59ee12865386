use rand::SeedableRng;

use super::*;
use crate::SharedAuthors;

const PARAMS: SplitParams = SplitParams {
    folds: 1,
    test: 0.05,
    author_weight: 0.5,
    steps: 1_000,
    max_share: 1.0,
};

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn streams() -> Streams {
    Streams {
        test: rng(0),
        deal: rng(1),
        moves: rng(2),
        acceptance: rng(3),
    }
}

/// `(label, author, subset, images)`.
fn collection(rows: &[(&str, &str, Subset, usize)]) -> (Vec<Image>, Vec<Subset>) {
    let rows = rows
        .iter()
        .enumerate()
        .flat_map(|(row, &(label, author, subset, n))| {
            (0..n).map(move |number| {
                let image = Image {
                    path: format!("{label}/{row:02}-{number:02}.jpg"),
                    label: label.to_owned(),
                    author: Some(author.to_owned()),
                    near_duplicates: None,
                };
                (image, subset)
            })
        });
    rows.unzip()
}

fn three_subsets() -> (Vec<Image>, Vec<Subset>) {
    collection(&[
        ("a", "x", Subset::Train, 5),
        ("a", "y", Subset::Validation, 2),
        ("a", "x", Subset::Test, 1),
        ("b", "z", Subset::Train, 6),
        ("b", "w", Subset::Validation, 1),
        ("b", "v", Subset::Test, 3),
    ])
}

fn count(assignments: &[Assignment], assignment: Assignment) -> usize {
    assignments.iter().filter(|p| **p == assignment).count()
}

#[test]
fn an_existing_split_is_used_unchanged() {
    let (images, subsets) = three_subsets();
    let split = split_existing(&images, &subsets, &PARAMS, streams()).unwrap();
    assert_eq!(
        split.columns,
        [Assignment::Train, Assignment::Fold(0), Assignment::Test]
    );
    let counts = split
        .columns
        .iter()
        .map(|assignment| count(&split.assignments, *assignment));
    assert_eq!(counts.collect::<Vec<_>>(), [11, 3, 4]);
    assert_eq!(SharedAuthors::count(&images, &split.assignments).authors, 1);
    assert_eq!(split.warnings, []);
}

#[test]
fn training_images_without_validation_are_dealt_into_folds() {
    let authors: Vec<String> = (0..8).map(|number| format!("author {number}")).collect();
    let mut rows: Vec<_> = { authors.iter() }
        .flat_map(|author| ["a", "b"].map(|label| (label, author.as_str(), Subset::Train, 3)))
        .collect();
    rows.push(("a", "author 0", Subset::Test, 4));
    let (images, subsets) = collection(&rows);
    let params = SplitParams { folds: 4, ..PARAMS };
    let split = split_existing(&images, &subsets, &params, streams()).unwrap();
    assert_eq!(count(&split.assignments, Assignment::Test), 4);
    for fold in 0..4 {
        assert_eq!(count(&split.assignments, Assignment::Fold(fold)), 12);
    }
    // The author with images in the test set, too, and no other.
    assert_eq!(SharedAuthors::count(&images, &split.assignments).authors, 1);
}

fn error(rows: &[(&str, &str, Subset, usize)], folds: usize) -> String {
    let (images, subsets) = collection(rows);
    let params = SplitParams { folds, ..PARAMS };
    let found = split_existing(&images, &subsets, &params, streams());
    found.unwrap_err().to_string()
}

#[test]
fn mismatched_settings_are_named() {
    let rows = [
        ("a", "x", Subset::Train, 2),
        ("a", "y", Subset::Validation, 2),
    ];
    assert!(error(&rows, 4).contains("set `split.folds = 1`"));
    let rows = [rows[0], rows[1], ("b", "x", Subset::Test, 3)];
    let found = error(&rows, 1);
    assert!(
        found.starts_with("class `b` has 3 images in the existing split, none of them in `train`")
    );
}

#[test]
fn an_existing_split_needs_valid_subsets() {
    let read = |rows: &[(&'static str, Option<Subset>)]| existing(rows.iter().copied());
    assert_eq!(read(&[("1", None), ("2", None)]).unwrap(), None);
    assert_eq!(read(&[("1", Some(Subset::Train))]).unwrap(), None);
    assert_eq!(
        read(&[("1", Some(Subset::Train)), ("2", Some(Subset::Test))]).unwrap(),
        Some(vec![Subset::Train, Subset::Test])
    );
    let message = |rows| read(rows).unwrap_err().to_string();
    assert!(
        message(&[("1", Some(Subset::Train)), ("2", None)])
            .starts_with("1 of 2 images have no subset")
    );
    assert!(message(&[("1", Some(Subset::Unseen))]).contains("`unseen`"));
    assert!(message(&[("1", Some(Subset::Test))]).contains("no image in `train`, only in `test`"));
}

#[test]
fn a_shuffled_split_has_the_same_sizes() {
    let (images, subsets) = three_subsets();
    let assignments = split_existing(&images, &subsets, &PARAMS, streams())
        .unwrap()
        .assignments;
    let shuffled = shuffled_like(&images, &assignments, false, 1, rng(5)).unwrap();
    assert_ne!(shuffled, assignments);
    for label in ["a", "b"] {
        for assignment in [Assignment::Train, Assignment::Fold(0), Assignment::Test] {
            let n = |assignments: &[Assignment]| {
                let placed = images.iter().zip(assignments);
                placed
                    .filter(|(p, at)| p.label == label && **at == assignment)
                    .count()
            };
            assert_eq!(n(&shuffled), n(&assignments));
        }
    }
}

#[test]
fn shuffled_authors_stay_whole_within_a_class_and_every_fold_trains_on_it() {
    let (images, _) = collection(&[
        ("a", "x", Subset::Train, 5),
        ("a", "y", Subset::Train, 5),
        ("b", "x", Subset::Train, 1),
        ("b", "y", Subset::Train, 9),
    ]);
    let at = |number| {
        if number == 9 || number == 10 {
            Assignment::Fold(1)
        } else {
            Assignment::Fold(0)
        }
    };
    let assignments: Vec<Assignment> = (0..images.len()).map(at).collect();
    let shuffled = shuffled_like(&images, &assignments, true, 10, rng(5)).unwrap();
    for unit in [0..5, 5..10, 10..11, 11..20] {
        assert_eq!(
            shuffled[unit.clone()],
            vec![shuffled[unit.start]; unit.len()]
        );
    }
    assert_ne!(shuffled[0], shuffled[5]);
    assert_ne!(shuffled[10], shuffled[11]);
}
