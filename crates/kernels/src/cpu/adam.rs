//! Adam on slices.

use rayon::prelude::*;

use super::simd::vectorized;

/// Numbers of one job.
const CHUNK: usize = 64 * 1024;

/// The factors of one step, with the bias corrections multiplied in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factors {
    pub(crate) beta1: f32,
    pub(crate) one_minus_beta1: f32,
    pub(crate) beta2: f32,
    pub(crate) one_minus_beta2: f32,
    /// Learning rate over `1 − β₁ᵗ`.
    pub(crate) step_size: f32,
    /// `1 / √(1 − β₂ᵗ)`
    pub(crate) inverse_correction: f32,
    pub(crate) epsilon: f32,
    /// Factor of the L2 penalty.
    pub(crate) penalty: f32,
    /// Share of the parameter that decoupled decay leaves.
    pub(crate) kept: f32,
}

/// Updates `parameter` and its moments; all slices are of equal length.
pub(crate) fn update(
    parameter: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
    f: Factors,
) {
    let slices = parameter
        .par_chunks_mut(CHUNK)
        .zip(gradient.par_chunks(CHUNK));
    let moments = first
        .par_chunks_mut(CHUNK)
        .zip(second.par_chunks_mut(CHUNK));
    slices
        .zip(moments)
        .for_each(|((parameter, gradient), (first, second))| {
            vectorized(
                #[inline(always)]
                || {
                    let values = parameter
                        .iter_mut()
                        .zip(gradient)
                        .zip(first.iter_mut().zip(second.iter_mut()));
                    for ((parameter, gradient), (first, second)) in values {
                        let gradient = gradient + f.penalty * *parameter;
                        *first = f.beta1 * *first + f.one_minus_beta1 * gradient;
                        *second = f.beta2 * *second + f.one_minus_beta2 * gradient * gradient;
                        *parameter = f.kept * *parameter
                            - f.step_size * *first
                                / (second.sqrt() * f.inverse_correction + f.epsilon);
                    }
                },
            );
        });
}
