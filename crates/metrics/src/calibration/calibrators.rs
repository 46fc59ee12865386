//! Fitted calibrators, as one value.

use serde::{Deserialize, Serialize};

use super::{Isotonic, OneAgainstRest, Sigmoid, Temperature};

/// Calibrators of the models, fitted to all validation images: parameters that a prediction of a new image needs besides the models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibrators {
    /// Names of the classes in the order of their indices, which is that of all logits and probabilities.
    pub labels: Vec<String>,
    /// For the network's logits.
    pub network: NetworkCalibrators,
    /// For the forest's votes, where there is a forest.
    pub forest: Option<ForestCalibrators>,
}

/// Calibrators of a network's logits. The networks of all folds, the selected one among them, and their ensemble share
/// them: a fold's validation images are too few for calibrators of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkCalibrators {
    /// Divisor of the logits.
    pub temperature: Temperature,
    /// Names of the classes of which no image was among those fitted to.
    pub unseen_classes: Vec<String>,
}

/// Calibrators of a forest's votes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForestCalibrators {
    /// Names of the classes of which no image was among those fitted to.
    pub unseen_classes: Vec<String>,
    /// A sigmoid a class.
    pub platt: OneAgainstRest<Sigmoid>,
    /// A rising curve a class.
    pub isotonic: OneAgainstRest<Isotonic>,
}
