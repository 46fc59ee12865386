//! Probabilities with the true classes, validated once.

use crate::MetricError;

/// Tolerance of the sum of an image's probabilities, which may come from 32 bits.
const TOLERANCE: f64 = 1e-3;

/// A model's probabilities `[N, K]` for images whose true classes `[N]` are known; neither `N` nor `K` is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecasts {
    /// `[N, K]`, row by row.
    probabilities: Vec<f64>,
    n_classes: usize,
    actual: Vec<usize>,
}

impl Forecasts {
    /// Forecasts of images, each with probabilities `[K]` and the index of the true class.
    ///
    /// # Errors
    /// There are no images; they differ in `K`; an image's probabilities are no numbers from 0 to 1 that sum to 1; or a
    /// class index is not below `K`.
    pub fn of(rows: impl IntoIterator<Item = (Vec<f64>, usize)>) -> Result<Self, MetricError> {
        let (mut probabilities, mut actual) = (Vec::new(), Vec::new());
        let mut n_classes = None;
        for (row, class_index) in rows {
            let expected = *n_classes.get_or_insert(row.len());
            check(&row, class_index, expected)?;
            probabilities.extend(row);
            actual.push(class_index);
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

    /// The true classes `[N]`.
    pub(crate) fn actual(&self) -> &[usize] {
        &self.actual
    }

    /// An image's probabilities `[K]` and true class.
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

fn check(row: &[f64], class_index: usize, n_classes: usize) -> Result<(), MetricError> {
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
    if class_index >= n_classes {
        return Err(MetricError::UnknownClass {
            class_index,
            classes: n_classes,
        });
    }
    Ok(())
}
