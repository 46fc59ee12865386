use super::*;

/// Rows on a line: class 0 below 10, class 1 above; the second feature is constant.
fn line(n: usize) -> (Matrix, Vec<usize>) {
    let rows: Vec<[f32; 2]> = (0..n).map(|i| [i as f32 * 20.0 / n as f32, 5.0]).collect();
    let labels = rows.iter().map(|row| usize::from(row[0] >= 10.0)).collect();
    (Matrix::from_rows(&rows).unwrap(), labels)
}

fn forest(features: &Matrix, labels: &[usize], params: &ForestParams) -> Forest {
    Forest::fit(features, labels, 2, params, 1, || ()).unwrap()
}

fn small() -> ForestParams {
    ForestParams {
        n_trees: 40,
        ..ForestParams::default()
    }
}

#[test]
fn trees_agree_within_classes_and_differ_at_the_border() {
    let (features, labels) = line(40);
    let forest = forest(&features, &labels, &small());
    let rows = Matrix::from_rows(&[[1.0, 5.0], [9.75, 5.0], [19.0, 5.0]]).unwrap();
    let found = forest.probabilities(&rows).unwrap();
    assert_eq!((found[0][0], found[2][1]), (1.0, 1.0));
    assert!((0.2..0.8).contains(&found[1][0]), "{found:?}");
    assert!(
        found
            .iter()
            .all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-12)
    );
}

#[test]
fn a_rare_class_weighs_as_much_as_a_common_one() {
    // The classes overlap fully: 95 rows against 5 with the same values.
    let rows: Vec<[f32; 1]> = (0..100).map(|i| [(i % 5) as f32]).collect();
    let labels: Vec<usize> = (0..100).map(|i| usize::from(i >= 95)).collect();
    let forest = forest(&Matrix::from_rows(&rows).unwrap(), &labels, &small());
    let found = forest
        .probabilities(&Matrix::from_rows(&rows).unwrap())
        .unwrap();
    let mean = found.iter().map(|row| row[1]).sum::<f64>() / 100.0;
    assert!((0.35..0.65).contains(&mean), "{mean}");
}

#[test]
fn a_class_that_does_not_occur_has_probability_0() {
    let (features, labels) = line(20);
    let labels: Vec<usize> = labels.into_iter().map(|label| 2 * label).collect();
    let forest = Forest::fit(&features, &labels, 4, &small(), 1, || ()).unwrap();
    let found = forest.probabilities(&features).unwrap();
    assert!(
        found
            .iter()
            .all(|row| row.len() == 4 && row[1] + row[3] < 1e-12)
    );
}

#[test]
fn depth_is_the_number_of_splits() {
    // Class 1 in the middle: one split cannot separate it, two can. All trees have the same rows, otherwise one split
    // at either border would do together what one tree cannot.
    let rows: Vec<[f32; 1]> = (0..30).map(|i| [i as f32]).collect();
    let labels: Vec<usize> = (0..30).map(|i| usize::from(i / 10 == 1)).collect();
    let features = Matrix::from_rows(&rows).unwrap();
    let right = |max_depth| {
        let forest = forest(
            &features,
            &labels,
            &ForestParams {
                max_depth,
                bootstrap: false,
                ..small()
            },
        );
        let found = forest.probabilities(&features).unwrap();
        // The exact border of the classes depends on the rows drawn: the test keeps away from it.
        let inner = (0..30).filter(|row| (2..8).contains(&(row % 10)));
        inner.filter(|&row| found[row][labels[row]] > 0.5).count()
    };
    assert!(right(Some(1)) < 18);
    assert_eq!((right(Some(2)), right(None)), (18, 18));
}

#[test]
fn trees_differ_by_their_rows_alone_where_all_features_are_drawn() {
    let (features, labels) = line(40);
    let border = |bootstrap| {
        let params = ForestParams {
            bootstrap,
            max_features: Some(2),
            ..small()
        };
        let forest = forest(&features, &labels, &params);
        let rows = Matrix::from_rows(&[[9.72, 5.0]]).unwrap();
        forest.probabilities(&rows).unwrap()[0][0]
    };
    assert!((0.2..0.8).contains(&border(true)), "{}", border(true));
    assert!((border(false) - 1.0).abs() < 1e-12);
}

#[test]
fn results_depend_on_the_seed_and_not_on_threads() {
    let rows: Vec<[f32; 3]> = (0..60)
        .map(|i| [(i * i % 17) as f32, (i * 7 % 13) as f32, (i % 11) as f32])
        .collect();
    let labels: Vec<usize> = (0..60).map(|i| i * i * 3 % 7 % 2).collect();
    let features = Matrix::from_rows(&rows).unwrap();
    let run = |seed, threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let forest = Forest::fit(
                &features,
                &labels,
                2,
                &ForestParams {
                    n_trees: 9,
                    ..small()
                },
                seed,
                || (),
            );
            forest.unwrap().probabilities(&features).unwrap()
        })
    };
    assert_eq!(run(1, 1), run(1, 3));
    assert_ne!(run(1, 1), run(2, 1));
}

#[test]
fn the_callback_runs_once_a_tree() {
    let (features, labels) = line(10);
    let count = std::sync::atomic::AtomicUsize::new(0);
    let fitted = || {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    };
    Forest::fit(&features, &labels, 2, &small(), 1, fitted).unwrap();
    assert_eq!(count.into_inner(), 40);
}

#[test]
fn invalid_rows_labels_and_parameters_are_refused() {
    let (features, labels) = line(10);
    let message = |features: &Matrix, labels: &[usize], params: &ForestParams| {
        Forest::fit(features, labels, 2, params, 1, || ())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        message(&features, &labels[1..], &small()),
        "found 9 labels for 10 rows, expected one each"
    );
    assert_eq!(
        message(&features, &[2; 10], &small()),
        "row 0 has label 2, expected one below the 2 classes"
    );
    assert_eq!(
        message(&features, &[1; 10], &small()),
        "cannot fit a forest to rows of 1 classes: expected at least 2"
    );
    let constant = Matrix::from_rows(&[[1.0, 2.0]; 10]).unwrap();
    assert_eq!(
        message(&constant, &labels, &small()),
        "cannot fit a forest: none of the 2 features varies"
    );
    let none = ForestParams {
        n_trees: 0,
        ..small()
    };
    assert_eq!(
        message(&features, &labels, &none),
        "`n_trees` is 0, expected at least 1"
    );
    let flat = ForestParams {
        max_depth: Some(0),
        ..small()
    };
    assert_eq!(
        message(&features, &labels, &flat),
        "`max_depth` is 0, expected at least 1"
    );
    let ragged = Matrix::from_rows(&[vec![1.0, 2.0], vec![1.0]]).unwrap_err();
    assert_eq!(ragged.to_string(), "row 1 has 1 values, expected 2");
    let narrow =
        forest(&features, &labels, &small()).probabilities(&Matrix::from_rows(&[[1.0]]).unwrap());
    assert_eq!(
        narrow.unwrap_err().to_string(),
        "row 0 has 1 features, expected 2"
    );
    let empty: [[f32; 2]; 0] = [];
    assert!(
        forest(&features, &labels, &small())
            .probabilities(&Matrix::from_rows(&empty).unwrap())
            .unwrap()
            .is_empty()
    );
}
