//! Initialization of the layout by principal components.

use ndarray::{Array2, ArrayView2, ArrayViewMut1, Axis};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linalg::traits::evd::EVDDecomposable;

use crate::ClusterError;
use crate::random::Keyed;

/// Side of the box that the start fills, as in umap-learn.
const SIDE: f32 = 10.0;
/// Amplitude of the noise that separates coinciding points, as in umap-learn.
const NOISE: f32 = 1e-4;

/// The points' principal components `[N, C]`, each stretched to `[0, 10]`, with a little noise.
///
/// Dimensions that the points don't have are drawn at random.
pub(super) fn principal_start(
    points: ArrayView2<'_, f32>,
    n_components: usize,
    seed: u64,
) -> Result<Array2<f32>, ClusterError> {
    let n = points.nrows();
    let known = if n < 2 {
        0
    } else {
        n_components.min(points.ncols())
    };
    let mut start = Array2::zeros((n, n_components));
    if known > 0 {
        start
            .slice_mut(ndarray::s![.., ..known])
            .assign(&principal_components(points, known)?);
    }
    for (c, mut axis) in start.columns_mut().into_iter().enumerate() {
        let flat = stretch(axis.view_mut());
        let amplitude = if flat { SIDE } else { NOISE };
        for (i, v) in axis.iter_mut().enumerate() {
            *v += amplitude * Keyed::new(seed, u64::MAX - c as u64, i as u64).unit();
        }
    }
    Ok(start)
}

/// Stretches values to `[0, SIDE]`; true, and all zero, if they are all the same.
fn stretch(mut axis: ArrayViewMut1<'_, f32>) -> bool {
    let low = axis.iter().copied().fold(f32::INFINITY, f32::min);
    let high = axis.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = high - low;
    let flat = !(range.is_normal() && range > 1e-6 * high.abs().max(low.abs()));
    axis.mapv_inplace(|v| {
        if flat {
            0.0
        } else {
            SIDE * ((v - low) / range)
        }
    });
    flat
}

/// The centered points in the basis of the eigenvectors of their covariance with the largest eigenvalues, `[N, C]`; the
/// largest loading of each is positive.
#[expect(
    clippy::cast_possible_truncation,
    reason = "an embedding has single precision"
)]
fn principal_components(
    points: ArrayView2<'_, f32>,
    n_components: usize,
) -> Result<Array2<f32>, ClusterError> {
    let numeric = |source| ClusterError::Numeric {
        quantity: "principal components",
        source,
    };
    let mut centered = points.mapv(f64::from);
    if let Some(mean) = centered.mean_axis(Axis(0)) {
        centered -= &mean;
    }
    let d = centered.ncols();
    let products = centered.t().dot(&centered); // [D, D]
    let products = DenseMatrix::new(d, d, products.iter().copied().collect(), false);
    let decomposed = products.and_then(|products| products.evd(true));
    let decomposed = decomposed.map_err(numeric)?;
    let mut order: Vec<usize> = (0..d).collect();
    order.sort_by(|&a, &b| decomposed.d[b].total_cmp(&decomposed.d[a]));
    let mut basis =
        Array2::from_shape_fn((d, n_components), |(i, c)| *decomposed.V.get((i, order[c])));
    for mut loadings in basis.columns_mut() {
        let largest = loadings
            .iter()
            .fold(0.0_f64, |a, &b| if b.abs() > a.abs() { b } else { a });
        loadings *= 1.0_f64.copysign(largest);
    }
    Ok(centered.dot(&basis).mapv(|value| value as f32))
}
