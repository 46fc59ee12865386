//! Comparison with scikit-learn; `golden/make.py` documents how the values were made, and the tolerances.

use std::collections::BTreeMap;

use forest::{Criterion, Forest, ForestParams};
use numeric::{Matrix, argmax};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    first_row: Vec<f32>,
    cases: BTreeMap<String, Figures<Spread>>,
}

#[derive(Debug, Deserialize)]
struct Figures<T> {
    accuracy: T,
    balanced_accuracy: T,
    log_loss: T,
}

#[derive(Debug, Deserialize)]
struct Spread {
    mean: f64,
}

/// Knuth's 64-bit linear congruential generator, as in `make.py`.
struct Lcg(u64);

impl Lcg {
    fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / f64::from(1 << 24)
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

struct Dataset {
    rows: Vec<Vec<f32>>,
    labels: Vec<usize>,
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "features have single precision"
)]
fn dataset(lcg: &mut Lcg, centers: &[Vec<f64>], counts: [u32; 5]) -> Dataset {
    let mut dataset = Dataset {
        rows: Vec::new(),
        labels: Vec::new(),
    };
    for ((label, center), count) in (0..).zip(centers).zip(counts) {
        for _ in 0..count {
            dataset
                .rows
                .push(center.iter().map(|c| (c + lcg.normal()) as f32).collect());
            dataset.labels.push(label);
        }
    }
    dataset
}

fn datasets() -> (Dataset, Dataset) {
    let mut lcg = Lcg(2);
    let centers: Vec<Vec<f64>> = (0..5)
        .map(|_| (0..16).map(|_| 2.2 * lcg.unit()).collect())
        .collect();
    let train = dataset(&mut lcg, &centers, [200, 120, 80, 40, 20]);
    (train, dataset(&mut lcg, &centers, [100, 60, 40, 20, 20]))
}

fn figures(params: &ForestParams, seed: u64) -> Figures<f64> {
    let (train, test) = datasets();
    let forest = Forest::fit(
        &Matrix::from_rows(&train.rows).expect("rows are even"),
        &train.labels,
        5,
        params,
        seed,
        || (),
    )
    .expect("the rows have five classes");
    let probabilities = forest
        .probabilities(&Matrix::from_rows(&test.rows).expect("rows are even"))
        .expect("the rows are as wide as those of the forest");
    let (mut right, mut counts, mut log_loss) = ([0.0; 5], [0.0; 5], 0.0);
    for (row, &label) in probabilities.iter().zip(&test.labels) {
        let own = row[label];
        right[label] += f64::from(u8::from(argmax(row) == Some(label)));
        counts[label] += 1.0;
        log_loss -= own.clamp(0.001, 1.0).ln();
    }
    let n = test.labels.len() as f64;
    Figures {
        accuracy: right.iter().sum::<f64>() / n,
        balanced_accuracy: right
            .iter()
            .zip(counts)
            .map(|(right, count)| right / count)
            .sum::<f64>()
            / 5.0,
        log_loss: log_loss / n,
    }
}

fn params(case: &str) -> ForestParams {
    let default = ForestParams {
        n_trees: 300,
        ..ForestParams::default()
    };
    let large_leaves = ForestParams {
        min_samples_leaf: 5,
        min_samples_split: 16,
        ..default
    };
    match case {
        "default" => default,
        "entropy, 4 deep" => ForestParams {
            criterion: Criterion::Entropy,
            max_depth: Some(4),
            ..default
        },
        "8 features a split" => ForestParams {
            max_features: Some(8),
            ..default
        },
        "no bootstrap" => ForestParams {
            bootstrap: false,
            ..default
        },
        "large leaves" => large_leaves,
        "large leaves, no bootstrap" => ForestParams {
            bootstrap: false,
            ..large_leaves
        },
        other => panic!("no parameters for `{other}`"),
    }
}

/// The mean of a figure over seeds.
fn mean(figures: &[Figures<f64>], figure: fn(&Figures<f64>) -> f64) -> f64 {
    figures.iter().map(figure).sum::<f64>() / figures.len() as f64
}

#[test]
fn forests_are_as_good_as_those_of_scikit_learn() {
    let golden: Golden = serde_json::from_str(include_str!("golden/golden.json")).unwrap();
    assert_eq!(datasets().0.rows[0], golden.first_row);
    for (case, expected) in golden.cases {
        let params = params(&case);
        let found: Vec<_> = (0..3).map(|seed| figures(&params, seed)).collect();
        let accuracy = mean(&found, |f| f.accuracy) - expected.accuracy.mean;
        let balanced_accuracy =
            mean(&found, |f| f.balanced_accuracy) - expected.balanced_accuracy.mean;
        let log_loss = mean(&found, |f| f.log_loss) - expected.log_loss.mean;
        assert!(accuracy.abs() < 0.03, "{case}: accuracy {accuracy:+}");
        assert!(
            balanced_accuracy.abs() < 0.03,
            "{case}: balanced accuracy {balanced_accuracy:+}"
        );
        assert!(log_loss.abs() < 0.03, "{case}: log-loss {log_loss:+}");
    }
}
