//! Classifiers on features.

use forest::{Forest, Shape};
use linear_probe::{C, LogisticRegression};
use numeric::Matrix;

/// Rows predicted at once, which bounds the memory of their copy in double precision.
const CHUNK: usize = 4096;

/// A classifier on features.
pub(crate) enum Classifier {
    /// A linear layer, by its `C`.
    Linear(C),
    /// A random forest.
    Forest { shape: Shape, seed: u64 },
}

impl Classifier {
    /// Name, as in the column `classifier`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Linear(_) => "linear",
            Self::Forest { .. } => "forest",
        }
    }

    /// `C` of a linear layer.
    pub(crate) fn c(&self) -> Option<f64> {
        match self {
            Self::Linear(c) => Some(c.value()),
            Self::Forest { .. } => None,
        }
    }

    pub(crate) fn fit(
        &self,
        rows: &[&[f32]],
        labels: &[usize],
        n_classes: usize,
    ) -> anyhow::Result<FittedClassifier> {
        Ok(match *self {
            Self::Linear(c) => {
                let fitted = LogisticRegression::fit(rows, labels, n_classes, c)?;
                FittedClassifier::Linear(Box::new(fitted))
            }
            Self::Forest { shape, seed } => FittedClassifier::Forest(Forest::fit(
                &Matrix::from_rows(rows)?,
                labels,
                n_classes,
                &shape.into(),
                seed,
                || (),
            )?),
        })
    }
}

/// A fitted classifier.
pub(crate) enum FittedClassifier {
    Linear(Box<LogisticRegression>),
    Forest(Forest),
}

impl FittedClassifier {
    pub(crate) fn has_converged(&self) -> bool {
        match self {
            Self::Linear(fitted) => fitted.has_converged(),
            Self::Forest(_) => true,
        }
    }

    /// `[N][K]`, probabilities of the classes.
    pub(crate) fn probabilities(&self, rows: &[&[f32]]) -> anyhow::Result<Vec<Vec<f64>>> {
        let mut probabilities = Vec::with_capacity(rows.len());
        for rows in rows.chunks(CHUNK) {
            probabilities.extend(match self {
                Self::Linear(fitted) => fitted.probabilities(rows)?,
                Self::Forest(fitted) => fitted.probabilities(&Matrix::from_rows(rows)?)?,
            });
        }
        Ok(probabilities)
    }
}
