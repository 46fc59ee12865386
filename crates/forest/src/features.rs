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

    pub(crate) fn at(&self, row: usize, feature: usize) -> f32 {
        self.values[row * self.n_features + feature]
    }

    /// Whether a feature differs between rows.
    pub(crate) fn any_varies(&self) -> bool {
        let mut rows = self.values.chunks_exact(self.n_features.max(1));
        let first = &self.values[..self.n_features];
        let is_first = |row: &[f32]| row.iter().zip(first).all(|(a, b)| a.total_cmp(b).is_eq());
        rows.any(|row| !is_first(row))
    }
}
