//! The classifiers that features are read by.

use forest::{Forest, Shape};
use linear_probe::{LogisticRegression, Strength};
use numeric::Matrix;

/// Rows that are judged at once: their copy in double precision is all that memory holds of them.
const CHUNK: usize = 4096;

/// A way to read classes from features.
pub(crate) enum Classifier {
    /// A linear layer, by how much its errors count.
    Linear(Strength),
    /// A random forest.
    Forest { shape: Shape, seed: u64 },
}

impl Classifier {
    /// As in the column `classifier`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Linear(_) => "linear",
            Self::Forest { .. } => "forest",
        }
    }

    /// As in the column `c`.
    pub(crate) fn c(&self) -> Option<f64> {
        match self {
            Self::Linear(strength) => Some(strength.value()),
            Self::Forest { .. } => None,
        }
    }

    pub(crate) fn fit(
        &self,
        rows: &[&[f32]],
        labels: &[usize],
        n_classes: usize,
    ) -> anyhow::Result<Fitted> {
        Ok(match *self {
            Self::Linear(strength) => {
                let fitted = LogisticRegression::fit(rows, labels, n_classes, strength)?;
                Fitted::Linear(Box::new(fitted))
            }
            Self::Forest { shape, seed } => Fitted::Forest(Forest::fit(
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

/// A classifier that has learned.
pub(crate) enum Fitted {
    Linear(Box<LogisticRegression>),
    Forest(Forest),
}

impl Fitted {
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
