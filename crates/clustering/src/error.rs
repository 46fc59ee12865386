use numeric::MatrixError;
use thiserror::Error;

/// What keeps points from being clustered or mapped.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// Fewer clusters than one, or more than there are distinct points.
    #[error("cannot make {k} clusters of {distinct} distinct points: expected 1 to {distinct}")]
    ClusterCount {
        /// Clusters asked for.
        k: usize,
        /// Distinct points found.
        distinct: usize,
    },
    /// A coordinate is infinite or not a number.
    #[error("point {row} has a coordinate that is not finite")]
    NotFinite {
        /// Index of the point.
        row: usize,
    },
    /// The points differ in their number of dimensions.
    #[error("point {row} has {found} dimensions, expected {expected} as the first point has")]
    Ragged {
        /// Index of the point.
        row: usize,
        /// Its number of dimensions.
        found: usize,
        /// That of the first point.
        expected: usize,
    },
    /// New points and fitted ones differ in their number of dimensions.
    #[error(
        "the new points have {found} dimensions, expected {expected} as the fitted points have"
    )]
    Dimensions {
        /// Dimensions of the new points.
        found: usize,
        /// Those of the fitted ones.
        expected: usize,
    },
    /// A map without points, or not one place a point.
    #[error(
        "found {places} places of {points} points: expected one place a point and at least one point"
    )]
    Places {
        /// Rows of the layout.
        places: usize,
        /// Rows of the points.
        points: usize,
    },
    /// More points than an index of 32 bits can count.
    #[error("cannot handle {0} points: expected fewer than 2^32")]
    TooManyPoints(usize),
    /// A parameter is out of its range.
    #[error("`{name}` is {found}, expected {expected}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// Its value.
        found: String,
        /// Its range.
        expected: &'static str,
    },
    /// The library of numerical methods gave up.
    #[error("cannot compute the {what}")]
    Numeric {
        /// What was being computed.
        what: &'static str,
        /// The library's own words.
        #[source]
        source: smartcore::error::Failed,
    },
    /// The validity of a partition cannot be judged.
    #[error("cannot compute the silhouette")]
    Validity(#[from] cluster_validity::LabelCountError),
}

impl From<MatrixError> for ClusterError {
    fn from(error: MatrixError) -> Self {
        match error {
            MatrixError::Width {
                row,
                found,
                expected,
            } => Self::Ragged {
                row,
                found,
                expected,
            },
            MatrixError::NotFinite { row, .. } => Self::NotFinite { row },
        }
    }
}
