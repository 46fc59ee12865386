use numeric::MatrixError;
use thiserror::Error;

/// Errors of clustering and UMAP.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// Fewer clusters than one, or more than there are distinct points.
    #[error("cannot make {k} clusters of {distinct} distinct points: expected 1 to {distinct}")]
    ClusterCount {
        /// Number of clusters.
        k: usize,
        /// Number of distinct points.
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
    /// No points, or not one row of coordinates for each.
    #[error(
        "found {coordinates} rows of coordinates for {points} points: expected one a point and at least one point"
    )]
    Coordinates {
        /// Rows of the embedding.
        coordinates: usize,
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
    /// The library of numerical methods failed.
    #[error("cannot compute the {quantity}")]
    Numeric {
        /// Name of the quantity.
        quantity: &'static str,
        /// Error of the library.
        #[source]
        source: smartcore::error::Failed,
    },
    /// The silhouette of a partition cannot be computed.
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
