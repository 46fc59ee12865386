//! The sum of slices.

use rayon::prelude::*;

use super::simd::vectorized;

/// Numbers of one job.
const CHUNK: usize = 64 * 1024;

/// Adds `terms` to `sums`, of equal length.
pub(crate) fn add(sums: &mut [f32], terms: &[f32]) {
    assert_eq!(sums.len(), terms.len(), "numbers of sums and of terms");
    sums.par_chunks_mut(CHUNK)
        .zip(terms.par_chunks(CHUNK))
        .for_each(|(sums, terms)| {
            vectorized(
                #[inline(always)]
                || {
                    let pairs = sums.iter_mut().zip(terms);
                    pairs.for_each(|(sum, term)| *sum += term);
                },
            );
        });
}
