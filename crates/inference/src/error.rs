//! Errors of inference.

use thiserror::Error;
use trainer::TrainError;

/// An error of this crate.
#[derive(Debug, Error)]
pub enum InferenceError {
    /// A feature of an image is infinite or not a number.
    #[error("`{backbone}` has a feature of `{path}` that is not finite")]
    FeatureNotFinite {
        /// The network.
        backbone: String,
        /// The image.
        path: String,
    },
    /// No fold has a best epoch.
    #[error("the histories have no best epoch: expected one of each fold")]
    NoBestEpoch,
    /// The network failed.
    #[error(transparent)]
    Model(#[from] model::ModelError),
    /// The device failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// An image cannot be read, or the device failed.
    #[error(transparent)]
    Train(#[from] TrainError),
}
