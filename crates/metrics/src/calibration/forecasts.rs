//! Probabilities against the truth: checked once, at the edge.

use crate::MetricError;

/// How far the sum of a image's probabilities may be from 1: they may come from 32 bits.
const TOLERANCE: f64 = 1e-3;

/// A model's probabilities `[N, K]` for images whose true classes `[N]` are known; neither `N` nor `K` is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecasts {
    /// Row by row.
    probabilities: Vec<f64>,
    n_classes: usize,
    actual: Vec<usize>,
}

impl Forecasts {
    /// Of images' probabilities `[K]`, each with the code of the true class.
    ///
    /// # Errors
    /// There are no images; they differ in `K`; a image's probabilities are no numbers from 0 to 1 that sum to 1;
    /// or a code is not below `K`.
    pub fn of(rows: impl IntoIterator<Item = (Vec<f64>, usize)>) -> Result<Self, MetricError> {
        let (mut probabilities, mut actual) = (Vec::new(), Vec::new());
        let mut n_classes = None;
        for (row, code) in rows {
            let expected = *n_classes.get_or_insert(row.len());
            check(&row, code, expected)?;
            probabilities.extend(row);
            actual.push(code);
        }
        Ok(Self {
            probabilities,
            n_classes: n_classes.ok_or(MetricError::NoImages)?,
            actual,
        })
    }

    /// `N`.
    pub fn n_images(&self) -> usize {
        self.actual.len()
    }

    /// `K`.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// A image's probabilities `[K]` and true class.
    pub(crate) fn image(&self, image: usize) -> (&[f64], usize) {
        let start = image * self.n_classes;
        let row = &self.probabilities[start..start + self.n_classes];
        (row, self.actual[image])
    }

    /// All images' probabilities of a class `[N]`, and whether they are of it.
    pub(crate) fn class(&self, class: usize) -> (Vec<f64>, Vec<bool>) {
        let rows = self.probabilities.chunks(self.n_classes);
        let values = rows.map(|row| row[class]).collect();
        let is_class = self.actual.iter().map(|&actual| actual == class).collect();
        (values, is_class)
    }
}

fn check(row: &[f64], code: usize, n_classes: usize) -> Result<(), MetricError> {
    if row.is_empty() {
        return Err(MetricError::NoScores);
    }
    if row.len() != n_classes {
        return Err(MetricError::Classes {
            found: row.len(),
            expected: n_classes,
        });
    }
    let is_probability = |p: &f64| (-TOLERANCE..=1.0 + TOLERANCE).contains(p);
    let off = (row.iter().sum::<f64>() - 1.0).abs();
    if !row.iter().all(is_probability) || off > TOLERANCE {
        return Err(MetricError::NoProbabilities(row.to_vec()));
    }
    if code >= n_classes {
        return Err(MetricError::UnknownClass {
            code,
            classes: n_classes,
        });
    }
    Ok(())
}
