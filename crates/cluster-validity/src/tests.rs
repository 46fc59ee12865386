use approx::assert_abs_diff_eq;
use numeric::Matrix;

use super::*;

fn points(values: &[f32]) -> Matrix {
    Matrix::from_rows(&values.chunks(1).collect::<Vec<_>>()).unwrap()
}

#[test]
fn there_is_a_label_for_each_point() {
    let labels = silhouette(&points(&[1.0, 2.0]), &[0]).unwrap_err();
    assert_eq!(
        labels.to_string(),
        "labels: found 1, expected 2, one for each point"
    );
}

#[test]
fn indices_by_hand() {
    // Two pairs on a line: within a pair 1 apart, the other pair 10 or so away.
    let line = points(&[0.0, 1.0, 10.0, 11.0]);
    let labels = [5, 5, 2, 2];
    let outer = (10.5 - 1.0) / 10.5;
    let inner = (9.5 - 1.0) / 9.5;
    let found = silhouette(&line, &labels).unwrap().unwrap();
    assert_abs_diff_eq!(found, (outer + inner) / 2.0, epsilon = 1e-12);
    let found = davies_bouldin(&line, &labels).unwrap().unwrap();
    assert_abs_diff_eq!(found, (0.5 + 0.5) / 10.0, epsilon = 1e-12);
    let found = calinski_harabasz(&line, &labels).unwrap().unwrap();
    assert_abs_diff_eq!(found, (100.0 / 1.0) / (1.0 / 2.0), epsilon = 1e-9);
    // A point alone in its label counts 0.
    let found = silhouette(&points(&[0.0, 1.0, 10.0]), &[0, 0, 1])
        .unwrap()
        .unwrap();
    assert_abs_diff_eq!(found, (9.0 / 10.0 + 8.0 / 9.0) / 3.0, epsilon = 1e-12);
}

#[test]
fn indices_need_two_labels_and_fewer_than_points() {
    let line = points(&[0.0, 1.0, 10.0]);
    for labels in [[1, 1, 1], [0, 1, 2]] {
        assert_eq!(silhouette(&line, &labels).unwrap(), None);
        assert_eq!(davies_bouldin(&line, &labels).unwrap(), None);
        assert_eq!(calinski_harabasz(&line, &labels).unwrap(), None);
    }
    let none = points(&[]);
    assert_eq!(silhouette(&none, &[]).unwrap(), None);
}

#[test]
fn coinciding_points_have_finite_indices() {
    let pile = points(&[1.0; 6]);
    let labels = [0, 0, 0, 1, 1, 1];
    assert_eq!(silhouette(&pile, &labels).unwrap(), Some(0.0));
    assert_eq!(davies_bouldin(&pile, &labels).unwrap(), Some(0.0));
    assert_eq!(calinski_harabasz(&pile, &labels).unwrap(), Some(1.0));
}

#[test]
fn a_silhouette_does_not_depend_on_scale_or_blocks() {
    // More points than a block holds.
    let value = |i: u16| f32::from(i * 37 % 601) + f32::from(i % 2) * 500.0;
    let values: Vec<f32> = (0..1300).map(value).collect();
    let labels: Vec<usize> = (0..1300).map(|i| i % 2).collect();
    let plain = silhouette(&points(&values), &labels).unwrap().unwrap();
    let doubled: Vec<f32> = values.iter().map(|value| 2.0 * value).collect();
    let doubled = silhouette(&points(&doubled), &labels).unwrap().unwrap();
    assert_abs_diff_eq!(plain, doubled, epsilon = 1e-12);
    assert_abs_diff_eq!(plain, plain_silhouette(&values, &labels), epsilon = 1e-12);
}

#[test]
fn silhouettes_of_partitions_are_those_of_each() {
    let values: Vec<f32> = (0..40_u16).map(|i| f32::from(i * i % 31)).collect();
    let by = |number: usize| -> Vec<usize> { (0..40).map(|i| i % number).collect() };
    let partitions = [by(2), by(1), by(7), by(40), by(3)];
    let partitions: Vec<&[usize]> = partitions.iter().map(Vec::as_slice).collect();
    let expected: Vec<Option<f64>> = { partitions.iter() }
        .map(|labels| silhouette(&points(&values), labels).unwrap())
        .collect();
    assert_eq!(
        silhouettes(&points(&values), &partitions).unwrap(),
        expected
    );
    let defined: Vec<bool> = expected.iter().map(Option::is_some).collect();
    assert_eq!(defined, [true, false, true, false, true]);
    assert!(silhouettes(&points(&values), &[&[0, 1]]).is_err());
}

/// By the definition.
fn plain_silhouette(values: &[f32], labels: &[usize]) -> f64 {
    let mean = |i: usize, label: usize| {
        let others = (0..values.len()).filter(|&j| labels[j] == label);
        let sum: f64 = others
            .clone()
            .map(|j| f64::from((values[i] - values[j]).abs()))
            .sum();
        sum / (others.count() - usize::from(labels[i] == label)) as f64
    };
    let of = |i: usize| {
        let (a, b) = (mean(i, labels[i]), mean(i, 1 - labels[i]));
        (b - a) / a.max(b)
    };
    (0..values.len()).map(of).sum::<f64>() / values.len() as f64
}
