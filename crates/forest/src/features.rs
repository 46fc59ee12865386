use smartcore::linalg::basic::matrix::DenseMatrix;

use crate::ForestError;

/// Features `[N, F]`, all finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Row by row.
    values: Vec<f32>,
    n_rows: usize,
    n_features: usize,
}

impl Features {
    /// Features of `rows`.
    ///
    /// # Errors
    /// A row differs in length from the first, or holds a number that is not finite.
    pub fn from_rows<R: AsRef<[f32]>>(rows: &[R]) -> Result<Self, ForestError> {
        let expected = rows.first().map_or(0, |row| row.as_ref().len());
        for (i, row) in rows.iter().map(AsRef::as_ref).enumerate() {
            if row.len() != expected {
                return Err(ForestError::Width {
                    row: i,
                    found: row.len(),
                    expected,
                });
            }
            if row.iter().any(|v| !v.is_finite()) {
                return Err(ForestError::NotFinite { row: i });
            }
        }
        let values = rows.iter().flat_map(|row| row.as_ref()).copied().collect();
        Ok(Self {
            values,
            n_rows: rows.len(),
            n_features: expected,
        })
    }

    /// `N`.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// `F`.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    fn at(&self, row: usize, feature: usize) -> f32 {
        self.values[row * self.n_features + feature]
    }

    /// Indices of the features that differ between rows.
    pub(crate) fn varying(&self) -> Vec<usize> {
        let varies =
            |&j: &usize| (1..self.n_rows).any(|i| (self.at(i, j) - self.at(0, j)).abs() > 0.0);
        (0..self.n_features).filter(varies).collect()
    }

    /// The given rows and columns as smartcore takes them.
    pub(crate) fn select(&self, rows: &[usize], columns: &[usize]) -> DenseMatrix<f32> {
        // Column by column, which is how trees read it.
        let values = columns
            .iter()
            .flat_map(|&j| rows.iter().map(move |&i| self.at(i, j)))
            .collect();
        DenseMatrix::new(rows.len(), columns.len(), values, true)
            .expect("there is a value for each row and column")
    }
}
