use approx::assert_abs_diff_eq;

use super::*;

fn line(values: &[f32]) -> Matrix {
    Matrix::from_rows(&values.chunks(1).collect::<Vec<_>>()).unwrap()
}

fn plane(values: &[f32]) -> Matrix {
    Matrix::from_rows(&values.chunks(2).collect::<Vec<_>>()).unwrap()
}

/// Numbers without order, some of which occur twice, in two dimensions, with 7 labels.
fn many() -> (Matrix, Vec<usize>) {
    let value = |i: u32| ((i * i * 31 + i * 7919) % 1009) as f32;
    let values: Vec<f32> = (0..1400).map(value).collect();
    let labels = (0..700_usize).map(|i| i * i % 11 % 7).collect();
    (plane(&values), labels)
}

#[test]
fn three_points_by_hand() {
    let points = line(&[0.0, 1.0, 3.0, 7.0]);
    let labels = [0, 1, 0, 0];
    let found = retrieval(&points, &labels, Distance::Euclidean)
        .unwrap()
        .unwrap();
    // Each has two others of its label and so two neighbors count. From 0: 1 (wrong), 3 (right at 2 of 2); from 3: 1
    // (wrong), 0 (right); from 7: 3 (right at 1), 1 (wrong). The point of label 1 has no other: it doesn't count.
    let expected = Retrieval {
        recall_at_1: 1.0 / 3.0,
        map_at_r: (0.5 / 2.0 + 0.5 / 2.0 + 1.0 / 2.0) / 3.0,
        n_queries: 3,
    };
    assert_abs_diff_eq!(found.recall_at_1, expected.recall_at_1);
    assert_abs_diff_eq!(found.map_at_r, expected.map_at_r, epsilon = 1e-15);
    assert_eq!(found.n_queries, expected.n_queries);
}

#[test]
fn of_equally_far_references_the_earlier_is_first() {
    let points = line(&[0.0, 1.0, -1.0]);
    let recall = |labels| {
        let found = retrieval(&points, labels, Distance::Euclidean);
        found.unwrap().unwrap().recall_at_1
    };
    // The middle point's nearest is the second point.
    assert_abs_diff_eq!(recall(&[0, 0, 1]), 1.0);
    assert_abs_diff_eq!(recall(&[0, 1, 0]), 0.5);
}

#[test]
fn angles_are_independent_of_lengths() {
    let points = plane(&[1.0, 0.0, 100.0, 1.0, 0.0, 1.0, 1.0, 90.0, 0.0, 0.0]);
    let labels = [0, 0, 1, 1, 2];
    let found = |distance| retrieval(&points, &labels, distance).unwrap().unwrap();
    assert_abs_diff_eq!(found(Distance::Cosine).map_at_r, 1.0);
    assert!(found(Distance::Euclidean).map_at_r < 1.0);
    assert_eq!(found(Distance::Cosine).n_queries, 4);
}

#[test]
fn queries_are_compared_with_references() {
    let (queries, references) = (line(&[0.0, 10.0, 5.0]), line(&[1.0, 9.0, 2.0]));
    let queries = Labeled::new(&queries, &[4, 7, 9]).unwrap();
    let references = Labeled::new(&references, &[4, 7, 4]).unwrap();
    let found = retrieval_from(queries, references, Distance::Euclidean).unwrap();
    // The third query's label is not among the references.
    let expected = Retrieval {
        recall_at_1: 1.0,
        map_at_r: 1.0,
        n_queries: 2,
    };
    assert_eq!(found, Some(expected));
}

#[test]
fn mismatched_points_labels_and_dimensions_are_refused() {
    let (points, none) = (line(&[0.0, 1.0]), line(&[]));
    let found = |points, labels: &[usize]| retrieval(points, labels, Distance::Cosine);
    assert_eq!(found(&points, &[0, 1]).unwrap(), None);
    assert_eq!(found(&none, &[]).unwrap(), None);
    assert_eq!(
        found(&points, &[0]).unwrap_err().to_string(),
        "labels: found 1, expected 2, one for each image"
    );
    let flat = plane(&[0.0, 1.0]);
    let queries = Labeled::new(&flat, &[0]).unwrap();
    let references = Labeled::new(&points, &[0, 0]).unwrap();
    assert_eq!(
        retrieval_from(queries, references, Distance::Euclidean)
            .unwrap_err()
            .to_string(),
        "the queries have 2 dimensions, the references 1"
    );
}

#[test]
fn scores_depend_on_no_scale_and_no_number_of_threads() {
    let (points, labels) = many();
    let doubled: Vec<f32> = (0..points.n_rows())
        .flat_map(|point| points.row(point).to_vec())
        .map(|value| 2.0 * value)
        .collect();
    let with = |threads, points: &Matrix, distance| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| retrieval(points, &labels, distance).unwrap())
    };
    for distance in [Distance::Euclidean, Distance::Cosine] {
        let one = with(1, &points, distance);
        assert_eq!(one, with(3, &points, distance));
        assert_eq!(one, with(2, &plane(&doubled), distance));
    }
}

#[test]
fn a_copy_of_the_queries_retrieves_every_query() {
    let (points, labels) = many();
    let set = Labeled::new(&points, &labels).unwrap();
    let found = retrieval_from(set, set, Distance::Euclidean)
        .unwrap()
        .unwrap();
    let alone = retrieval(&points, &labels, Distance::Euclidean)
        .unwrap()
        .unwrap();
    // Points that occur twice with two labels find the other.
    assert!(found.recall_at_1 > 0.9 && found.recall_at_1 > alone.recall_at_1);
}
