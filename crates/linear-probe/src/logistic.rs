//! Logistic regression for several classes.

use std::cell::RefCell;

use argmin::core::{CostFunction, Error, Executor, Gradient};
use argmin::solver::{linesearch::MoreThuenteLineSearch, quasinewton::LBFGS};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use numeric::log_sum_exp;
use serde::Deserialize;

use crate::ProbeError;
use crate::scaling::{StandardScaler, matrix};

/// Number of steps in the minimizer's history.
const MEMORY: usize = 10;
/// Largest derivative of the mean loss at which the minimizer stops.
const TOLERANCE: f64 = 1e-8;
/// Maximum number of steps; useful features need far fewer.
const MAX_STEPS: u64 = 5000;
/// Largest derivative of a converged classifier, scikit-learn's default `tol`.
const GOOD_ENOUGH: f64 = 1e-4;

/// Inverse regularization strength, scikit-learn's `C`: a finite number greater than 0.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct C(f64);

impl C {
    /// The value.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for C {
    type Error = ProbeError;

    fn try_from(value: f64) -> Result<Self, ProbeError> {
        if value > 0.0 && value.is_finite() {
            Ok(Self(value))
        } else {
            Err(ProbeError::C(value))
        }
    }
}

/// Multinomial logistic regression on standardized features, with an L2 penalty on the weights and every class weighing
/// the same: the minimum of
///
/// `C Σᵢ sᵢ ℓᵢ + ‖W‖² / 2` with `sᵢ = N / (K n)` for a row whose class has `n` rows,
///
/// where `ℓᵢ` is the cross-entropy of the softmax of `W xᵢ + b` and `C` is [`C`]. It is scikit-learn's
/// `LogisticRegression(C=C, class_weight="balanced")` after its `StandardScaler`. For two classes scikit-learn has one
/// row of weights and not two that mirror each other: its `C` is then twice this one.
#[derive(Clone, Debug)]
pub struct LogisticRegression {
    scaler: StandardScaler,
    weights: Array2<f64>, // [classes that occur, F]
    biases: Array1<f64>,  // [classes that occur]
    /// Indices of the classes that occur.
    classes: Vec<usize>,
    n_classes: usize,
    slope: f64,
}

impl LogisticRegression {
    /// Fits to `rows` `[N, F]` and `labels` `[N]`, each below `n_classes`, by L-BFGS (Nocedal and Wright 2006,
    /// algorithm 7.5). A class without rows gets no probability.
    ///
    /// # Errors
    /// Rows differ in length or are not finite, labels don't fit the rows or the classes, or fewer than two classes
    /// occur.
    pub fn fit(
        rows: &[&[f32]],
        labels: &[usize],
        n_classes: usize,
        c: C,
    ) -> Result<Self, ProbeError> {
        let classes = occurring(rows, labels, n_classes)?;
        let features = matrix(rows, rows.first().map_or(0, |row| row.len()))?;
        let scaler = StandardScaler::fit(&features);
        let problem = Problem::new(scaler.apply(features), labels, &classes, c);
        let point = problem.minimum()?;
        let slope = problem.slope(&point);
        let (weights, biases) = problem.parts(&point);
        Ok(Self {
            scaler,
            weights: weights.to_owned(),
            biases: biases.to_owned(),
            classes,
            n_classes,
            slope,
        })
    }

    /// Returns whether the minimum was found: no derivative of the mean loss is beyond 1e-4.
    #[must_use]
    pub fn has_converged(&self) -> bool {
        self.slope <= GOOD_ENOUGH
    }

    /// `[N][K]`, probabilities of the classes for `rows` `[N, F]`; each row sums to 1.
    ///
    /// # Errors
    /// `F` is not that of the rows that it was fitted to, or a feature is not finite.
    pub fn probabilities(&self, rows: &[&[f32]]) -> Result<Vec<Vec<f64>>, ProbeError> {
        let features = self.scaler.apply(matrix(rows, self.scaler.n_features())?);
        let scores = log_softmax(features.dot(&self.weights.t()) + &self.biases);
        let spread = |row: ArrayView1<'_, f64>| {
            let mut probabilities = vec![0.0; self.n_classes];
            for (&class, score) in self.classes.iter().zip(row) {
                probabilities[class] = score.exp();
            }
            probabilities
        };
        Ok(scores.rows().into_iter().map(spread).collect())
    }
}

/// Class indices that occur in `labels`, ascending.
fn occurring(
    rows: &[&[f32]],
    labels: &[usize],
    n_classes: usize,
) -> Result<Vec<usize>, ProbeError> {
    if labels.len() != rows.len() {
        return Err(ProbeError::LabelCount {
            labels: labels.len(),
            rows: rows.len(),
        });
    }
    if let Some(row) = labels.iter().position(|&label| label >= n_classes) {
        return Err(ProbeError::Label {
            row,
            label: labels[row],
            n_classes,
        });
    }
    let mut codes = labels.to_vec();
    codes.sort_unstable();
    codes.dedup();
    if codes.len() < 2 {
        return Err(ProbeError::TooFewClasses(codes.len()));
    }
    Ok(codes)
}

/// The logarithms of the softmax of each row of `scores` `[N, K]`.
fn log_softmax(mut scores: Array2<f64>) -> Array2<f64> {
    for mut row in scores.rows_mut() {
        let total = log_sum_exp(row.iter().copied());
        row -= total;
    }
    scores
}

/// The mean loss by weights and biases; `K` counts the classes that occur. A point is the rows of the weights `[K, F]`,
/// then the biases `[K]`.
struct Problem {
    features: Array2<f64>, // [N, F]
    /// Class of each row, as a position among those that occur.
    labels: Vec<usize>,
    /// Weight of each row; they sum to 1.
    shares: Vec<f64>,
    n_classes: usize,
    /// Factor of half the squared weights.
    penalty: f64,
}

impl Problem {
    fn new(features: Array2<f64>, labels: &[usize], classes: &[usize], c: C) -> Self {
        let place = |label: &usize| classes.partition_point(|class| class < label);
        let labels: Vec<usize> = labels.iter().map(place).collect();
        let mut counts = vec![0_usize; classes.len()];
        labels.iter().for_each(|&class| counts[class] += 1);
        let share = |&class: &usize| 1.0 / (classes.len() * counts[class]) as f64;
        Self {
            shares: labels.iter().map(share).collect(),
            n_classes: classes.len(),
            penalty: 1.0 / (c.value() * labels.len() as f64),
            features,
            labels,
        }
    }

    /// Point of the least loss.
    fn minimum(&self) -> Result<Vec<f64>, ProbeError> {
        let failed = |error: Error| ProbeError::Minimizer(error.to_string());
        let start = vec![0.0; self.n_classes * (self.features.ncols() + 1)];
        let search = MoreThuenteLineSearch::new();
        let solver = LBFGS::new(search, MEMORY)
            .with_tolerance_grad(TOLERANCE)
            .map_err(failed)?;
        let result = Executor::new(CachedEvaluation::new(self), solver)
            .configure(|state| state.param(start).max_iters(MAX_STEPS))
            .timer(false)
            .run()
            .map_err(failed)?;
        let best = result.state.best_param;
        best.ok_or_else(|| ProbeError::Minimizer("no step was taken".to_owned()))
    }

    /// Weights `[K, F]` and biases `[K]` of a point.
    fn parts<'a>(&self, point: &'a [f64]) -> (ArrayView2<'a, f64>, ArrayView1<'a, f64>) {
        let n_features = self.features.ncols();
        let (weights, biases) = point.split_at(self.n_classes * n_features);
        let weights = ArrayView2::from_shape((self.n_classes, n_features), weights)
            .expect("a point has K rows of F weights");
        (weights, ArrayView1::from(biases))
    }

    /// The logarithms of the probabilities, `[N, K]`.
    fn log_probabilities(&self, point: &[f64]) -> Array2<f64> {
        let (weights, biases) = self.parts(point);
        log_softmax(self.features.dot(&weights.t()) + biases)
    }

    /// The loss at a point and its derivatives.
    fn evaluate(&self, point: &[f64]) -> (f64, Vec<f64>) {
        let log_probabilities = self.log_probabilities(point);
        let loss = self.loss(point, &log_probabilities);
        (loss, self.derivatives(point, log_probabilities))
    }

    fn loss(&self, point: &[f64], log_probabilities: &Array2<f64>) -> f64 {
        let rows = self.labels.iter().zip(&self.shares).enumerate();
        let loss: f64 = rows
            .map(|(i, (&label, share))| -share * log_probabilities[[i, label]])
            .sum();
        let (weights, _) = self.parts(point);
        let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
        loss + self.penalty * squares / 2.0
    }

    fn derivatives(&self, point: &[f64], log_probabilities: Array2<f64>) -> Vec<f64> {
        let mut errors = log_probabilities.mapv_into(f64::exp);
        let rows = errors.rows_mut().into_iter();
        for ((mut row, &label), &share) in rows.zip(&self.labels).zip(&self.shares) {
            row[label] -= 1.0;
            row *= share;
        }
        let (weights, _) = self.parts(point);
        let by_weights = errors.t().dot(&self.features) + &weights * self.penalty;
        let by_biases = errors.sum_axis(Axis(0));
        by_weights.into_iter().chain(by_biases).collect()
    }

    /// The largest derivative.
    fn slope(&self, point: &[f64]) -> f64 {
        let (_, derivatives) = self.evaluate(point);
        derivatives.into_iter().map(f64::abs).fold(0.0, f64::max)
    }
}

/// Cache of the last evaluation: the minimizer requests loss and derivatives separately, and of the same point again.
struct CachedEvaluation<'a> {
    problem: &'a Problem,
    /// The last point, its loss and its derivatives.
    last: RefCell<(Vec<f64>, f64, Vec<f64>)>,
}

impl<'a> CachedEvaluation<'a> {
    fn new(problem: &'a Problem) -> Self {
        Self {
            problem,
            last: RefCell::default(),
        }
    }

    fn evaluate(&self, point: &[f64]) {
        let mut last = self.last.borrow_mut();
        if last.0 != point {
            let (loss, derivatives) = self.problem.evaluate(point);
            *last = (point.to_vec(), loss, derivatives);
        }
    }
}

impl CostFunction for CachedEvaluation<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, point: &Vec<f64>) -> Result<f64, Error> {
        self.evaluate(point);
        Ok(self.last.borrow().1)
    }
}

impl Gradient for CachedEvaluation<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, point: &Vec<f64>) -> Result<Vec<f64>, Error> {
        self.evaluate(point);
        Ok(self.last.borrow().2.clone())
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    const ROWS: [[f32; 2]; 6] = [
        [0.0, 1.0],
        [1.0, 0.0],
        [0.0, 2.0],
        [3.0, 1.0],
        [4.0, 0.0],
        [0.0, 9.0],
    ];
    const LABELS: [usize; 6] = [0, 0, 0, 2, 2, 3];

    fn fit(rows: &[[f32; 2]], labels: &[usize], c: f64) -> LogisticRegression {
        let rows: Vec<&[f32]> = rows.iter().map(<[f32; 2]>::as_slice).collect();
        let c = C::try_from(c).unwrap();
        LogisticRegression::fit(&rows, labels, 4, c).unwrap()
    }

    fn probabilities(fitted: &LogisticRegression) -> Vec<Vec<f64>> {
        let rows: Vec<&[f32]> = ROWS.iter().map(<[f32; 2]>::as_slice).collect();
        fitted.probabilities(&rows).unwrap()
    }

    #[test]
    fn probabilities_sum_to_one_and_a_class_without_rows_has_none() {
        let fitted = fit(&ROWS, &LABELS, 100.0);
        assert!(fitted.has_converged());
        for (row, label) in probabilities(&fitted).iter().zip(LABELS) {
            assert_abs_diff_eq!(row.iter().sum::<f64>(), 1.0, epsilon = 1e-12);
            assert!(row[1] == 0.0 && row[label] > 0.8, "{row:?}");
        }
    }

    #[test]
    fn a_low_c_gives_even_odds() {
        // The biases are free, but classes weigh the same: only chance is left.
        let fitted = fit(&ROWS, &LABELS, 1e-9);
        for row in probabilities(&fitted) {
            assert_abs_diff_eq!(row[0], 1.0 / 3.0, epsilon = 1e-4);
        }
    }

    #[test]
    fn neither_order_nor_scale_has_an_effect() {
        let fitted = fit(&ROWS, &LABELS, 1.0);
        let (mut rows, mut labels) = (ROWS, LABELS);
        rows.reverse();
        labels.reverse();
        let turned = fit(&rows, &labels, 1.0);
        let scaled = fit(&ROWS.map(|[a, b]| [8.0 * a - 3.0, b / 4.0]), &LABELS, 1.0);
        let rows = ROWS.map(|[a, b]| [8.0 * a - 3.0, b / 4.0]);
        let rows: Vec<&[f32]> = rows.iter().map(<[f32; 2]>::as_slice).collect();
        let scaled = scaled.probabilities(&rows).unwrap();
        let expected = probabilities(&fitted);
        for found in [probabilities(&turned), scaled] {
            for (found, expected) in found.concat().iter().zip(expected.concat()) {
                assert_abs_diff_eq!(*found, expected, epsilon = 1e-5);
            }
        }
    }

    #[test]
    fn derivatives_are_those_of_the_loss() {
        let features = Array2::from_shape_fn((6, 2), |(i, j)| f64::from(ROWS[i][j]));
        let c = C::try_from(0.5).unwrap();
        let problem = Problem::new(features, &LABELS, &[0, 2, 3], c);
        let point: Vec<f64> = (0..9).map(|i| f64::from(i % 4) / 4.0 - 0.3).collect();
        let (_, found) = problem.evaluate(&point);
        for (i, found) in found.into_iter().enumerate() {
            let moved = |by: f64| {
                let mut point = point.clone();
                point[i] += by;
                problem.evaluate(&point).0
            };
            let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert_abs_diff_eq!(found, expected, epsilon = 1e-8);
        }
    }

    #[test]
    fn mismatched_rows_labels_and_parameters_are_refused() {
        let c = C::try_from(1.0).unwrap();
        let error = |labels: &[usize]| {
            let rows: [&[f32]; 2] = [&[0.0], &[1.0]];
            let fitted = LogisticRegression::fit(&rows, labels, 2, c);
            fitted.unwrap_err().to_string()
        };
        assert_eq!(error(&[0]), "found 1 labels for 2 rows, expected one each");
        assert_eq!(
            error(&[0, 2]),
            "row 1 has label 2, expected one below the 2 classes"
        );
        assert_eq!(
            error(&[1, 1]),
            "cannot fit a classifier to rows of 1 classes: expected at least 2"
        );
        assert_eq!(
            C::try_from(0.0).unwrap_err().to_string(),
            "`C` is 0, expected a finite number greater than 0"
        );
    }
}
