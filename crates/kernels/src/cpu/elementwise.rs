//! Changes of numbers one by one.

use rayon::prelude::*;

use super::simd::vectorized;

/// Numbers of one job.
const CHUNK: usize = 64 * 1024;

/// Changes each of `values` by its counterpart in `others`, of equal length. The closure needs `#[inline(always)]`.
pub(crate) fn update(values: &mut [f32], others: &[f32], change: impl Fn(&mut f32, f32) + Sync) {
    assert_eq!(values.len(), others.len(), "numbers of two slices");
    values
        .par_chunks_mut(CHUNK)
        .zip(others.par_chunks(CHUNK))
        .for_each(|(values, others)| {
            vectorized(
                #[inline(always)]
                || {
                    let pairs = values.iter_mut().zip(others);
                    pairs.for_each(|(value, other)| change(value, *other));
                },
            );
        });
}

/// Adds `terms` to `sums`, of equal length.
pub(crate) fn add(sums: &mut [f32], terms: &[f32]) {
    update(
        sums,
        terms,
        #[inline(always)]
        |sum, term| *sum += term,
    );
}
