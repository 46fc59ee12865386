//! Points that are measured: checked once, at the edge.

use crate::MetricError;

/// Points `[N, D]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// Row by row.
    values: Vec<f32>,
    n_points: usize,
    dimensions: usize,
}

impl Points {
    /// The points of `rows`, each `[D]`.
    ///
    /// # Errors
    /// The rows differ in length, or a coordinate is not finite.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a [f32]>) -> Result<Self, MetricError> {
        let mut points = Self {
            values: Vec::new(),
            n_points: 0,
            dimensions: 0,
        };
        for row in rows {
            if points.n_points == 0 {
                points.dimensions = row.len();
            }
            if row.len() != points.dimensions {
                return Err(MetricError::Dimensions {
                    point: points.n_points,
                    found: row.len(),
                    expected: points.dimensions,
                });
            }
            if let Some(&value) = row.iter().find(|value| !value.is_finite()) {
                return Err(MetricError::Coordinate {
                    point: points.n_points,
                    value,
                });
            }
            points.values.extend_from_slice(row);
            points.n_points += 1;
        }
        Ok(points)
    }

    /// `N`.
    pub fn len(&self) -> usize {
        self.n_points
    }

    /// Whether there are no points.
    pub fn is_empty(&self) -> bool {
        self.n_points == 0
    }

    /// `D`.
    pub(crate) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// `[D]`.
    pub(crate) fn row(&self, point: usize) -> &[f32] {
        &self.values[point * self.dimensions..(point + 1) * self.dimensions]
    }

    /// `[D, N]`, so that distances to many points are computed side by side.
    pub(crate) fn columns(&self) -> Vec<Vec<f64>> {
        let column = |d| (0..self.n_points).map(move |point| f64::from(self.row(point)[d]));
        (0..self.dimensions).map(|d| column(d).collect()).collect()
    }
}
