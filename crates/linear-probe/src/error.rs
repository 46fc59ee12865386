use numeric::MatrixError;
use thiserror::Error;

/// Errors of fit and prediction.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// Rows and labels don't pair up.
    #[error("found {labels} labels for {rows} rows, expected one each")]
    LabelCount {
        /// Labels given.
        labels: usize,
        /// Rows given.
        rows: usize,
    },
    /// A label is no class.
    #[error("row {row} has label {label}, expected one below the {n_classes} classes")]
    Label {
        /// Index of the row.
        row: usize,
        /// Its label.
        label: usize,
        /// Number of classes.
        n_classes: usize,
    },
    /// The rows have fewer than two classes.
    #[error("cannot fit a classifier to rows of {0} classes: expected at least 2")]
    TooFewClasses(usize),
    /// A row has another number of features than expected.
    #[error("row {row} has {found} features, expected {expected}")]
    Width {
        /// Index of the row.
        row: usize,
        /// Its features.
        found: usize,
        /// Those expected.
        expected: usize,
    },
    /// A feature is infinite or not a number.
    #[error("row {row} has a feature that is not finite")]
    NotFinite {
        /// Index of the row.
        row: usize,
    },
    /// `C` is out of its range.
    #[error("`C` is {0}, expected a finite number greater than 0")]
    C(f64),
    /// The minimizer failed.
    #[error("cannot find the least loss: {0}")]
    Minimizer(String),
}

impl From<MatrixError> for ProbeError {
    fn from(error: MatrixError) -> Self {
        match error {
            MatrixError::Width {
                row,
                found,
                expected,
            } => Self::Width {
                row,
                found,
                expected,
            },
            MatrixError::NotFinite { row, .. } => Self::NotFinite { row },
        }
    }
}
