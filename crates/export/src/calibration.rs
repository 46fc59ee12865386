//! What the export takes of the file of calibrators.

use serde::Deserialize;

/// The network's part of `calibrators.json`, by stage `calibrate`. Its type there is `metrics::calibration::Calibrators`;
/// with crate `metrics` in the key of stage `export`, each change of a score would convert the model again.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Calibration {
    /// `[K]`, in the order of the logits.
    pub labels: Vec<String>,
    /// Calibration of the network.
    pub network: NetworkCalibration,
}

/// Calibration of the network.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct NetworkCalibration {
    /// Divisor of the logits before the softmax.
    pub temperature: f64,
}
