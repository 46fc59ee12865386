//! Linear interpolation of a variable, in place.

use candle_core::{Result, Tensor, Var, bail};

use crate::{
    cpu::lerp::interpolate,
    ops::slices::{with_mut, with_slice},
};

/// Moves `variable` by the share `weight`, in `[0, 1]`, of its way to `target`: `(1 − weight) · variable + weight · target`
/// (`torch.Tensor.lerp_`). A weight of 1 gives the target's bits.
///
/// Both are contiguous `f32` of one shape, on one device.
///
/// # Errors
/// Shapes, types or devices differ, or a tensor is not contiguous.
pub fn lerp(variable: &Var, target: &Tensor, weight: f64) -> Result<()> {
    if variable.shape() != target.shape() {
        bail!(
            "lerp: variable {:?} and target {:?} differ in shape",
            variable.shape(),
            target.shape()
        );
    }
    if variable.device().is_cpu() {
        cpu_lerp(variable, target, weight)
    } else {
        reference_lerp(variable, target, weight)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the numbers are f32")]
fn cpu_lerp(variable: &Var, target: &Tensor, weight: f64) -> Result<()> {
    with_slice(target, |target| {
        with_mut(variable, |variable| {
            interpolate(variable, target, weight as f32);
            Ok(())
        })
    })?
}

pub(crate) fn reference_lerp(variable: &Var, target: &Tensor, weight: f64) -> Result<()> {
    let (value, target) = (variable.as_detached_tensor(), target.detach());
    let difference = (&target - &value)?;
    // From the nearer end, so that either end is exact.
    let interpolated = if weight < 0.5 {
        (value + (difference * weight)?)?
    } else {
        (target - (difference * (1.0 - weight))?)?
    };
    variable.set(&interpolated)
}
