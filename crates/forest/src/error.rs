use thiserror::Error;

/// Errors of forests.
#[derive(Debug, Error)]
pub enum ForestError {
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
    #[error("cannot fit a forest to rows of {0} classes: expected at least 2")]
    TooFewClasses(usize),
    /// No feature differs between rows.
    #[error("cannot fit a forest: none of the {0} features varies")]
    Constant(usize),
    /// A row with another number of features than the forest was fitted to.
    #[error("row {row} has {found} features, expected {expected}")]
    Width {
        /// Index of the row.
        row: usize,
        /// Its features.
        found: usize,
        /// Those expected.
        expected: usize,
    },
    /// A parameter is out of its range.
    #[error("`{name}` is {found}, expected {expected}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// Its value.
        found: usize,
        /// Its range.
        expected: &'static str,
    },
}
