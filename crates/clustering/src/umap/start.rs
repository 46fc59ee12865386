//! Initialization of the layout by principal components.

use ndarray::{Array2, ArrayView2, ArrayViewMut1};
use smartcore::decomposition::pca::{PCA, PCAParameters};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;

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
    let (n, d) = points.dim();
    let values = points.iter().map(|&v| f64::from(v)).collect();
    let matrix = DenseMatrix::new(n, d, values, false).map_err(numeric)?;
    let pca = PCA::fit(
        &matrix,
        PCAParameters::default().with_n_components(n_components),
    )
    .map_err(numeric)?;
    let components = pca.transform(&matrix).map_err(numeric)?;
    let signs: Vec<f64> = (0..n_components)
        .map(|c| sign(pca.components(), d, c))
        .collect();
    Ok(Array2::from_shape_fn((n, n_components), |(i, c)| {
        (signs[c] * components.get((i, c))) as f32
    }))
}

/// The sign that makes the largest loading of component `c` positive: the decomposition leaves it open.
fn sign(loadings: &DenseMatrix<f64>, d: usize, c: usize) -> f64 {
    let largest = (0..d)
        .map(|j| *loadings.get((j, c)))
        .fold(0.0_f64, |a, b| if b.abs() > a.abs() { b } else { a });
    1.0_f64.copysign(largest)
}
