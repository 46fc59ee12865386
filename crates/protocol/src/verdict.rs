//! The result of the device check.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Verdict on an accelerator. `D` is an object of further fields for diagnosis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict<D = Map<String, Value>> {
    /// Reason why the accelerator cannot be used; none if it can.
    pub refusal: Option<String>,
    /// Measurements and the like, in the same object.
    #[serde(flatten)]
    pub details: D,
}
