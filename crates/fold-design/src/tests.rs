use std::collections::BTreeMap;

use rand::{Rng, SeedableRng, seq::SliceRandom};

use super::*;

const PARAMS: SplitParams = SplitParams {
    folds: 4,
    test: 0.05,
    author_weight: 0.5,
    steps: 5_000,
    max_share: 1.0,
};

fn streams(seed: u64) -> Streams {
    let rng = |stream| random::numbered(seed, stream);
    Streams {
        test: rng(0),
        deal: rng(1),
        moves: rng(2),
        acceptance: rng(3),
    }
}

/// `(label, author, images)`; an empty author is none.
fn collection(entries: &[(&str, &str, usize)]) -> Vec<Image> {
    let image = |label: &str, author: &str, i: usize| Image {
        path: format!("{label}/{author}_{i}.jpg"),
        label: label.to_owned(),
        author: (!author.is_empty()).then(|| author.to_owned()),
        near_duplicates: None,
    };
    entries
        .iter()
        .flat_map(|&(label, author, n)| (0..n).map(move |i| image(label, author, i)))
        .collect()
}

/// Styles of many authors with a few prolific ones, some authors in two styles, and a style without authors.
fn random_collection(seed: u64, authors: usize) -> Vec<Image> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut entries = Vec::new();
    let styles = ["cubism", "impressionism", "rococo"];
    for author in 0..authors {
        let name = format!("author-{author:04}");
        let images = 1 + rng.random_range(0..6) * rng.random_range(0..6);
        entries.push((styles[author % 3], name.clone(), images));
        if rng.random_bool(0.1) {
            entries.push((styles[(author + 1) % 3], name, 2));
        }
    }
    entries.push(("photo", String::new(), 61));
    let entries: Vec<_> = entries
        .iter()
        .map(|(l, a, n)| (*l, a.as_str(), *n))
        .collect();
    collection(&entries)
}

fn assignments_by_path(images: &[Image], split: &Split) -> BTreeMap<String, Assignment> {
    let paths = images.iter().map(|image| image.path.clone());
    paths.zip(split.assignments.iter().copied()).collect()
}

fn images_of(balance: &Balance, label: &str) -> Vec<usize> {
    balance.classes[label]
        .iter()
        .map(|count| count.images)
        .collect()
}

#[test]
fn all_images_of_an_author_have_one_assignment() {
    for seed in 0..20 {
        let images = random_collection(seed, 60);
        let split = split(&images, &PARAMS, streams(seed)).unwrap();
        assert_eq!(split.assignments.len(), images.len());
        let mut assignment_of: BTreeMap<&str, Assignment> = BTreeMap::new();
        for (image, &assignment) in images.iter().zip(&split.assignments) {
            if let Some(author) = &image.author {
                assert_eq!(
                    *assignment_of.entry(author).or_insert(assignment),
                    assignment,
                    "{author}"
                );
            }
        }
        assert!(split.cost <= split.start_cost);
    }
}

#[test]
fn the_order_of_the_input_has_no_effect() {
    let mut images = random_collection(7, 60);
    let straight = split(&images, &PARAMS, streams(1)).unwrap();
    let expected = assignments_by_path(&images, &straight);
    images.shuffle(&mut ChaCha8Rng::seed_from_u64(2));
    let shuffled = split(&images, &PARAMS, streams(1)).unwrap();
    assert_eq!(assignments_by_path(&images, &shuffled), expected);
    assert_eq!(shuffled.cost.to_bits(), straight.cost.to_bits());
}

#[test]
fn seeds_give_different_splits() {
    let images = random_collection(3, 60);
    let one = split(&images, &PARAMS, streams(1)).unwrap();
    assert_eq!(split(&images, &PARAMS, streams(1)).unwrap(), one);
    assert_ne!(
        split(&images, &PARAMS, streams(2)).unwrap().assignments,
        one.assignments
    );
}

#[test]
fn test_set_is_a_twentieth_of_every_class_by_the_smallest_authors() {
    let images = random_collection(11, 120);
    let split = split(&images, &PARAMS, streams(1)).unwrap();
    let balance = Balance::of(&images, &split.assignments, PARAMS.assignments());
    for (label, counts) in &balance.classes {
        let total: usize = counts.iter().map(|count| count.images).sum();
        let share = counts[4].images as f64 / total as f64;
        assert!((0.03..0.06).contains(&share), "{label}: {share}");
    }
    let sizes = |wanted: fn(&Assignment) -> bool| {
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        for (image, assignment) in images.iter().zip(&split.assignments) {
            if let (Some(author), true) = (&image.author, wanted(assignment)) {
                *sizes.entry(author).or_default() += 1;
            }
        }
        sizes.values().sum::<usize>() as f64 / sizes.len() as f64
    };
    let test_set = sizes(|assignment| *assignment == Assignment::Test);
    assert!(test_set < 0.5 * sizes(|assignment| *assignment != Assignment::Test));
}

#[test]
fn images_without_an_author_are_dealt_evenly() {
    let images = collection(&[("photo", "", 139), ("cartoon", "", 75)]);
    let split = split(&images, &PARAMS, streams(5)).unwrap();
    let balance = Balance::of(&images, &split.assignments, PARAMS.assignments());
    assert_eq!(images_of(&balance, "photo"), [33, 33, 33, 33, 7]);
    let mut cartoon = images_of(&balance, "cartoon");
    assert_eq!(cartoon.pop(), Some(4));
    cartoon.sort_unstable();
    assert_eq!(cartoon, [17, 18, 18, 18]);
}

#[test]
fn annealing_improves_on_a_bad_greedy_start() {
    // Largest first gives 8 + 5 + 4 and 7 + 6; the even halves are 8 + 7 and 6 + 5 + 4.
    let images = collection(&[
        ("a", "h", 8),
        ("a", "g", 7),
        ("a", "f", 6),
        ("a", "e", 5),
        ("a", "d", 4),
    ]);
    let params = SplitParams {
        folds: 2,
        test: 0.0,
        author_weight: 0.0,
        steps: 2_000,
        max_share: 1.0,
    };
    let split = split(&images, &params, streams(0)).unwrap();
    let balance = Balance::of(&images, &split.assignments, params.assignments());
    assert_eq!(images_of(&balance, "a"), [15, 15]);
    assert!(split.cost < split.start_cost);
}

#[test]
fn the_running_cost_agrees_with_the_counts() {
    let images = random_collection(4, 80);
    let groups = Groups::of(&images).unwrap();
    let test_set = vec![false; groups.authors.len()];
    let objective = Objective::new(&groups, &test_set, &PARAMS);
    let mut assignment = objective.greedy();
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for _ in 0..2_000 {
        let member = rng.random_range(0..objective.members.len());
        objective.shift(&mut assignment, member, rng.random_range(0..PARAMS.folds));
    }
    assert!((assignment.cost - objective.cost(&assignment)).abs() < 1e-9);
}

#[test]
fn a_class_with_few_authors_has_a_warning() {
    let images = collection(&[
        ("a", "x", 5),
        ("a", "y", 4),
        ("b", "", 40),
        ("c", "z", 2),
        ("c", "", 38),
    ]);
    let split = split(&images, &PARAMS, streams(0)).unwrap();
    let warnings: Vec<String> = split.warnings.iter().map(Warning::to_string).collect();
    let [absent, dominant] = &warnings[..] else {
        panic!("one class has few authors: {warnings:?}");
    };
    assert!(
        absent.starts_with("class `a` has 9 images in 2 groups"),
        "{absent}"
    );
    assert!(absent.contains("annotate.leave_out = [\"a\"]"), "{absent}");
    assert!(
        dominant.starts_with("author `x` has 5 of the 9 images of class `a` (56 %)"),
        "{dominant}"
    );
    assert!(
        dominant.contains("annotate.no_author = [\"x\"]"),
        "{dominant}"
    );
}

fn error(entries: &[(&str, &str, usize)], params: &SplitParams) -> String {
    split(&collection(entries), params, streams(0))
        .unwrap_err()
        .to_string()
}

#[test]
fn collections_that_cannot_be_split_are_refused() {
    let plenty = [("a", "x", 5), ("a", "y", 4), ("b", "", 40)];
    let one_author = error(&[("a", "x", 5), ("b", "", 40)], &PARAMS);
    assert!(one_author.contains("class `a`") && one_author.contains("by one author, `x`"));
    let one_image = error(&[("a", "", 1), ("b", "", 40)], &PARAMS);
    assert!(one_image.contains("one image, `a/_0.jpg`"));
    // A fault in each of two classes: both are listed.
    let both = error(&[("a", "x", 5), ("b", "", 1), ("c", "", 40)], &PARAMS);
    assert!(
        both.starts_with("the collection cannot be split, for 2 reasons:"),
        "{both}"
    );
    assert!(both.contains("class `a`") && both.contains("annotate.leave_out = [\"b\"]"));
    let few = error(&[("a", "x", 5), ("a", "y", 4)], &PARAMS);
    assert!(few.starts_with("cannot split 2 groups"));
    assert!(
        error(&plenty, &SplitParams { folds: 1, ..PARAMS })
            .starts_with("cannot split into 1 folds")
    );
    let share = SplitParams {
        test: 0.7,
        ..PARAMS
    };
    assert!(error(&plenty, &share).contains("0.7"));
    let weight = SplitParams {
        author_weight: f64::NAN,
        ..PARAMS
    };
    assert!(error(&plenty, &weight).contains("NaN"));
    assert_eq!(error(&[], &PARAMS), "there are no images to split");
    assert!(
        error(&[("a", "x", 1), ("a", "x", 1), ("a", "y", 1)], &PARAMS)
            .contains("`a/x_0.jpg` occurs twice")
    );
}

#[test]
fn the_balance_prints_as_a_table() {
    let images = collection(&[("a", "x", 2), ("b", "x", 1), ("b", "", 1)]);
    let places = [
        Assignment::Fold(0),
        Assignment::Fold(0),
        Assignment::Fold(0),
        Assignment::Test,
    ];
    let assignments = vec![Assignment::Fold(0), Assignment::Fold(1), Assignment::Test];
    let table = Balance::of(&images, &places, assignments).to_string();
    let expected = [
        "       authors             images",
        "class       0     1  test       0     1  test",
        "a           1     0     0       2     0     0",
        "b           1     0     0       1     0     1",
        "all         1     0     0       3     0     1",
    ];
    assert_eq!(table.lines().collect::<Vec<_>>(), expected);
}

/// The same images with groups of near-duplicates for some of them, by path.
fn tied(mut images: Vec<Image>, ties: &[(&str, u32)]) -> Vec<Image> {
    for (path, group) in ties {
        let image = images.iter_mut().find(|image| image.path == *path);
        image.unwrap().near_duplicates = Some(*group);
    }
    images
}

#[test]
fn near_duplicates_and_their_authors_have_one_assignment() {
    for seed in 0..10 {
        let mut images = random_collection(seed, 60);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for group in 0..12 {
            for _ in 0..3 {
                let image = rng.random_range(0..images.len());
                images[image].near_duplicates = Some(group);
            }
        }
        let split = split(&images, &PARAMS, streams(seed)).unwrap();
        assert_eq!(split_groups(&images, &split.assignments).1, 0);
        assert_eq!(SharedAuthors::count(&images, &split.assignments).authors, 0);
    }
}

#[test]
fn ties_join_authors_and_images_without_one() {
    let images = tied(
        collection(&[("a", "x", 2), ("a", "y", 2), ("a", "", 3)]),
        &[
            ("a/x_0.jpg", 4),
            ("a/y_1.jpg", 4),
            ("a/_0.jpg", 7),
            ("a/_2.jpg", 7),
        ],
    );
    let groups = Groups::of(&images).unwrap();
    let sizes: Vec<usize> = groups
        .authors
        .iter()
        .map(|group| group.images.len())
        .collect();
    assert_eq!(sizes, [4, 2]);
    assert_eq!(groups.ungrouped, [vec![5]]);
}

#[test]
fn a_class_of_near_duplicates_cannot_be_validated() {
    let entries = [("a", "", 3), ("b", "", 40)];
    let ties = [("a/_0.jpg", 0), ("a/_1.jpg", 0), ("a/_2.jpg", 0)];
    let found = split(&tied(collection(&entries), &ties), &PARAMS, streams(0)).unwrap_err();
    let found = found.to_string();
    assert!(
        found.contains("class `a`") && found.contains("split.near_duplicates"),
        "{found}"
    );
}

#[test]
fn classes_of_near_duplicates_are_one_fault() {
    let mut images = collection(&[("a", "", 6), ("b", "", 5), ("c", "", 4)]);
    images
        .iter_mut()
        .for_each(|image| image.near_duplicates = Some(0));
    let found = split(&images, &PARAMS, streams(0)).unwrap_err().to_string();
    assert!(
        found.starts_with("in each of the 3 classes all images (15 together) are near-duplicates"),
        "{found}"
    );
    assert!(
        found.contains("split.near_duplicates = \"ignore\""),
        "{found}"
    );
}

#[test]
fn authors_named_after_classes_are_recognized() {
    let found = error(
        &[("n01", "n01", 12), ("n02", "n02", 12), ("n03", "n03", 12)],
        &PARAMS,
    );
    assert!(found.starts_with("in each of the 3 classes"), "{found}");
    assert!(found.contains("annotate.author_pattern = \"\""), "{found}");
}

#[test]
fn a_fold_with_nearly_all_images_is_refused() {
    let entries: Vec<(&str, &str, usize)> = ["cat", "dog", "owl"]
        .into_iter()
        .flat_map(|class| {
            let small = ["ada", "bob", "cyd", "dan"].map(|author| (class, author, 3));
            small.into_iter().chain([(class, "unknown", 40)])
        })
        .collect();
    let params = SplitParams {
        max_share: 0.75,
        ..PARAMS
    };
    let found = error(&entries, &params);
    assert!(found.contains("120 of"), "{found}");
    assert!(
        found.contains("author `unknown` has 40 of the 52 images of class `owl` (77 %)"),
        "{found}"
    );
    assert!(
        found.contains("annotate.no_author = [\"unknown\"]"),
        "{found}"
    );
    assert!(split(&collection(&entries), &PARAMS, streams(0)).is_ok());
}
