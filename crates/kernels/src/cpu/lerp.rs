//! Linear interpolation on slices.

use rayon::prelude::*;

use super::simd::vectorized;

/// Numbers of one job.
const CHUNK: usize = 64 * 1024;

/// Moves `values` by the share `weight` of their way to `targets`, of equal length; from the nearer end, so that either end
/// is exact.
pub(crate) fn interpolate(values: &mut [f32], targets: &[f32], weight: f32) {
    let rest = 1.0 - weight;
    values
        .par_chunks_mut(CHUNK)
        .zip(targets.par_chunks(CHUNK))
        .for_each(|(values, targets)| {
            vectorized(
                #[inline(always)]
                || {
                    let pairs = values.iter_mut().zip(targets);
                    if weight < 0.5 {
                        pairs.for_each(|(value, target)| *value += weight * (target - *value));
                    } else {
                        pairs.for_each(|(value, target)| {
                            *value = target - rest * (target - *value);
                        });
                    }
                },
            );
        });
}
