//! Checks of numbers: weights that are not finite make every prediction NaN.

use std::collections::BTreeMap;

use candle_core::{DType, Tensor};

use crate::ModelError;

/// Number of tensors that a message lists before it counts the rest.
const LISTED: usize = 3;

/// Number of elements that are NaN or infinite as f32.
///
/// # Errors
/// The device fails.
pub fn count_not_finite(tensor: &Tensor) -> Result<usize, ModelError> {
    let values: Vec<f32> = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
    Ok(values.iter().filter(|value| !value.is_finite()).count())
}

/// Checks that all numbers are finite and that no running variance, whose root is taken, is negative.
///
/// # Errors
/// Some are not; the message names tensors and counts.
pub(super) fn check(tensors: &BTreeMap<String, Tensor>, origin: &str) -> Result<(), ModelError> {
    let mut problems = Vec::new();
    for (name, tensor) in tensors
        .iter()
        .filter(|(_, tensor)| tensor.dtype().is_float())
    {
        let n = tensor.elem_count();
        match count_not_finite(tensor)? {
            0 if name.ends_with(".running_var") => {
                let values: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
                let n_negative = values.iter().filter(|value| **value < 0.0).count();
                if n_negative > 0 {
                    problems.push(format!(
                        "`{name}` ({n_negative} of {n} are negative variances)"
                    ));
                }
            }
            0 => {}
            bad => problems.push(format!("`{name}` ({bad} of {n} are NaN or infinite)")),
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    let n_more = problems.len().saturating_sub(LISTED);
    problems.truncate(LISTED);
    if n_more > 0 {
        problems.push(format!("{n_more} more tensors"));
    }
    Err(ModelError::NotFinite {
        origin: origin.to_owned(),
        problems: problems.join(", "),
    })
}
