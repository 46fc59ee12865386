//! Rows of numbers, checked once.

/// A matrix `[N, F]` of finite numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Row by row.
    values: Vec<f32>,
    n_rows: usize,
    n_columns: usize,
}

/// Errors of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum MatrixError {
    /// A row of another length than expected.
    #[error("row {row} has {found} values, expected {expected}")]
    Width {
        /// Index of the row.
        row: usize,
        /// Its length.
        found: usize,
        /// `F`.
        expected: usize,
    },
    /// NaN or infinity in a row.
    #[error("row {row} has the value {value}, expected a finite number")]
    NotFinite {
        /// Index of the row.
        row: usize,
        /// The first such value of the row.
        value: f32,
    },
}

impl Matrix {
    /// The matrix of `rows`; `[0, 0]` without any.
    ///
    /// # Errors
    /// A row differs in length from the first, or has a value that is not finite.
    pub fn from_rows<R: AsRef<[f32]>>(rows: &[R]) -> Result<Self, MatrixError> {
        let n_columns = rows.first().map_or(0, |row| row.as_ref().len());
        check_rows(rows, n_columns)?;
        let mut values = Vec::with_capacity(rows.len() * n_columns);
        for row in rows {
            values.extend_from_slice(row.as_ref());
        }
        Ok(Self {
            values,
            n_rows: rows.len(),
            n_columns,
        })
    }

    /// `N`.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// `F`.
    #[must_use]
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// `[F]`, a row of the `N`.
    #[inline]
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.n_columns..(row + 1) * self.n_columns]
    }

    /// The value in a row of the `N` and a column of the `F`.
    #[inline]
    #[must_use]
    pub fn at(&self, row: usize, column: usize) -> f32 {
        self.values[row * self.n_columns + column]
    }
}

/// Checks that each of `rows` has `n_columns` values, all finite.
///
/// # Errors
/// One doesn't: the first of them.
pub fn check_rows<R: AsRef<[f32]>>(rows: &[R], n_columns: usize) -> Result<(), MatrixError> {
    for (idx, row) in rows.iter().map(AsRef::as_ref).enumerate() {
        if row.len() != n_columns {
            return Err(MatrixError::Width {
                row: idx,
                found: row.len(),
                expected: n_columns,
            });
        }
        if let Some(&value) = row.iter().find(|value| !value.is_finite()) {
            return Err(MatrixError::NotFinite { row: idx, value });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_where_they_are() {
        let matrix = Matrix::from_rows(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).unwrap();
        assert_eq!((matrix.n_rows(), matrix.n_columns()), (2, 3));
        assert_eq!(matrix.row(1), [4.0, 5.0, 6.0]);
        for row in 0..2 {
            for column in 0..3 {
                assert_eq!(
                    matrix.at(row, column).to_bits(),
                    matrix.row(row)[column].to_bits()
                );
            }
        }
        let none: [&[f32]; 0] = [];
        let none = Matrix::from_rows(&none).unwrap();
        assert_eq!((none.n_rows(), none.n_columns()), (0, 0));
    }

    #[test]
    fn rows_are_of_one_length_and_finite() {
        let error = |rows: &[&[f32]]| Matrix::from_rows(rows).unwrap_err().to_string();
        assert_eq!(
            error(&[&[1.0, 2.0], &[1.0]]),
            "row 1 has 1 values, expected 2"
        );
        assert_eq!(
            error(&[&[1.0], &[f32::INFINITY]]),
            "row 1 has the value inf, expected a finite number"
        );
        assert_eq!(
            check_rows(&[[1.0, f32::NAN]], 1).unwrap_err().to_string(),
            "row 0 has 2 values, expected 1"
        );
    }
}
