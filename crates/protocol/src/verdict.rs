//! The result of the device check.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Whether an accelerator can be used. `D` is an object of what the program adds for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict<D = Map<String, Value>> {
    /// Why the accelerator cannot be used; none if it can.
    pub refusal: Option<String>,
    /// Further fields of the same object.
    #[serde(flatten)]
    pub details: D,
}
