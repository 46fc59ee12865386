//! Standardization of features.

use ndarray::{Array1, Array2, Axis};
use numeric::check_rows;

use crate::ProbeError;

/// `rows` as one array `[N, F]`, where `F` is `n_features`.
pub(crate) fn matrix(rows: &[&[f32]], n_features: usize) -> Result<Array2<f64>, ProbeError> {
    check_rows(rows, n_features)?;
    Ok(Array2::from_shape_fn((rows.len(), n_features), |(i, j)| {
        f64::from(rows[i][j])
    }))
}

/// Standardizes each feature: the rows of the fit have mean 0 and variance 1 (scikit-learn's `StandardScaler`; the
/// variance is divided by `N`). A feature that doesn't vary is only centered.
#[derive(Clone, Debug)]
pub(crate) struct StandardScaler {
    means: Array1<f64>,      // [F]
    deviations: Array1<f64>, // [F]
}

impl StandardScaler {
    /// Fits to `rows` `[N, F]`, at least one.
    pub(crate) fn fit(rows: &Array2<f64>) -> Self {
        let n_features = rows.ncols();
        let zeros = || Array1::zeros(n_features);
        let varying = |deviation: f64| if deviation > 0.0 { deviation } else { 1.0 };
        Self {
            means: rows.mean_axis(Axis(0)).unwrap_or_else(zeros),
            deviations: rows.std_axis(Axis(0), 0.0).mapv(varying),
        }
    }

    /// `F`.
    pub(crate) fn n_features(&self) -> usize {
        self.means.len()
    }

    /// Standardizes `rows` `[N, F]`.
    pub(crate) fn apply(&self, rows: Array2<f64>) -> Array2<f64> {
        (rows - &self.means) / &self.deviations
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn standardized_rows_have_mean_0_and_variance_1() {
        let rows = array![[1.0, 5.0], [3.0, 5.0]];
        let scaling = StandardScaler::fit(&rows);
        assert_eq!(scaling.apply(rows), array![[-1.0, 0.0], [1.0, 0.0]]);
        // Other rows are standardized by the rows of the fit.
        assert_eq!(scaling.apply(array![[4.0, 7.0]]), array![[2.0, 2.0]]);
    }

    #[test]
    fn rows_must_be_even_and_finite() {
        let error = |rows: &[&[f32]]| matrix(rows, 2).unwrap_err().to_string();
        assert_eq!(
            error(&[&[1.0, 2.0], &[1.0]]),
            "row 1 has 1 features, expected 2"
        );
        assert_eq!(
            error(&[&[1.0, f32::NAN]]),
            "row 0 has a feature that is not finite"
        );
    }
}
