//! What can be wrong with predictions.

/// Why predictions cannot be scored.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MetricError {
    /// No classes to choose from.
    #[error("a prediction has no scores; expected one for each class")]
    NoScores,
    /// A class beyond the scores.
    #[error("the true class has code {code}, but the prediction has {classes} scores")]
    UnknownClass {
        /// The code.
        code: usize,
        /// `K`.
        classes: usize,
    },
    /// NaN or infinity among the scores.
    #[error("the score of class {class} is {value}, expected a finite number")]
    NotFinite {
        /// Its class.
        class: usize,
        /// The score.
        value: f32,
    },
    /// Points of different dimensions.
    #[error("point {point} has {found} dimensions, the first has {expected}")]
    Dimensions {
        /// Its index.
        point: usize,
        /// Its dimensions.
        found: usize,
        /// The first one's.
        expected: usize,
    },
    /// Queries and references of different dimensions.
    #[error("the queries have {found} dimensions, the references {expected}")]
    SetDimensions {
        /// The queries'.
        found: usize,
        /// The references'.
        expected: usize,
    },
    /// NaN or infinity among the coordinates.
    #[error("point {point} has the coordinate {value}, expected a finite number")]
    Coordinate {
        /// Its index.
        point: usize,
        /// The coordinate.
        value: f32,
    },
    /// Labels or units that don't match in number.
    #[error("{what}: found {found}, expected {expected}, one for each picture")]
    Length {
        /// What was counted.
        what: &'static str,
        /// Its number.
        found: usize,
        /// `N`.
        expected: usize,
    },
}
