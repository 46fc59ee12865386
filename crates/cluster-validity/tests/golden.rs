//! Agreement of partitions against scikit-learn: `golden/make.py` documents how the values were made.

use approx::assert_abs_diff_eq;
use cluster_validity::{adjusted_rand_index, normalized_mutual_information};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    case: [usize; 4],
    ari: f64,
    nmi: f64,
}

/// As in `make.py`.
fn noise(i: usize, salt: usize) -> usize {
    (i * 7919 + salt * 1_299_709 + i * i * 31) % 65_521
}

fn partitions([n, n_first, n_second, agree]: [usize; 4]) -> (Vec<usize>, Vec<usize>) {
    let first: Vec<usize> = (0..n).map(|i| noise(i, 1) % n_first).collect();
    let second = |i: usize| {
        if noise(i, 2) % 16 < agree {
            first[i] % n_second
        } else {
            noise(i, 3) % n_second
        }
    };
    let second = (0..n).map(second).collect();
    (first, second)
}

#[test]
fn agreements_are_those_of_scikit_learn() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden/golden.json")).unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let (first, second) = partitions(case.case);
        let ari = adjusted_rand_index(&first, &second).unwrap().unwrap();
        assert_abs_diff_eq!(ari, case.ari, epsilon = 1e-12);
        let nmi = normalized_mutual_information(&first, &second).unwrap();
        assert_abs_diff_eq!(nmi.unwrap(), case.nmi, epsilon = 1e-12);
    }
}
