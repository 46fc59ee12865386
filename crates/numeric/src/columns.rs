//! Points by coordinate.

/// Points that are computed side by side.
const BLOCK: usize = 512;

/// Points `[N, F]` by coordinate, in double precision, so that distances to many of them are computed side by side.
#[derive(Clone, Debug)]
pub struct Columns {
    n_points: usize,
    /// `[F, N]`.
    columns: Vec<Vec<f64>>,
}

impl Columns {
    /// `n_points` points of `n_columns` coordinates, which `at` gives by point and column.
    #[must_use]
    pub fn new(n_points: usize, n_columns: usize, at: impl Fn(usize, usize) -> f32) -> Self {
        let column = |column| -> Vec<f64> {
            let values = (0..n_points).map(|point| f64::from(at(point, column)));
            values.collect()
        };
        Self {
            n_points,
            columns: (0..n_columns).map(column).collect(),
        }
    }

    /// `N`.
    #[must_use]
    pub fn n_points(&self) -> usize {
        self.n_points
    }

    /// `[F, N]`.
    #[must_use]
    pub fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// `[F]`, a point of the `N`.
    #[must_use]
    pub fn point(&self, point: usize) -> Vec<f64> {
        self.columns.iter().map(|column| column[point]).collect()
    }

    /// Writes the squared distances of all points from the place `[F]` to `squares` `[N]`.
    pub fn squared_distances(&self, place: &[f64], squares: &mut [f64]) {
        for (block, squares) in squares.chunks_mut(BLOCK).enumerate() {
            squares.fill(0.0);
            for (column, of_place) in self.columns.iter().zip(place) {
                let values = &column[block * BLOCK..][..squares.len()];
                for (square, value) in squares.iter_mut().zip(values) {
                    *square += (value - of_place).powi(2);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_each_point() {
        // More points than a block holds.
        let at = |point: usize, column: usize| (point * (3 + column) % 17) as f32;
        let points = Columns::new(1000, 3, at);
        let place = points.point(7);
        let mut squares = vec![f64::NAN; points.n_points()];
        points.squared_distances(&place, &mut squares);
        let expected = (0..1000).map(|point| -> f64 {
            let squares = (0..3).map(|column| (at(point, column) - at(7, column)).powi(2));
            squares.map(f64::from).sum()
        });
        assert_eq!(squares, expected.collect::<Vec<_>>());
        assert_eq!(place, [at(7, 0), at(7, 1), at(7, 2)].map(f64::from));
    }
}
