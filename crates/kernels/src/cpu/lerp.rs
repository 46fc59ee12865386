//! Linear interpolation on slices.

use super::elementwise::update;

/// Moves `values` by the share `weight` of their way to `targets`, of equal length; from the nearer end, so that either end
/// is exact.
pub(crate) fn interpolate(values: &mut [f32], targets: &[f32], weight: f32) {
    let rest = 1.0 - weight;
    if weight < 0.5 {
        update(
            values,
            targets,
            #[inline(always)]
            |value, target| *value += weight * (target - *value),
        );
    } else {
        update(
            values,
            targets,
            #[inline(always)]
            |value, target| *value = target - rest * (target - *value),
        );
    }
}
