//! Images as a model saw them.

use anyhow::ensure;
use metrics::Collection;
use table_forest_predictions::ForestPrediction;
use table_predictions::Prediction;
use tables::Subset;

/// A image that a model saw.
pub(crate) struct Seen {
    subset: Subset,
    /// Of the true class.
    pub(crate) code: usize,
    /// What the bootstrap draws it with.
    pub(crate) unit: usize,
    /// `[K]`: the network's logits or the forest's votes.
    pub(crate) scores: Vec<f32>,
}

/// The chosen network's images.
pub(crate) fn by_network(
    rows: Vec<Prediction>,
    collection: &Collection,
) -> anyhow::Result<Vec<Seen>> {
    let rows = rows.into_iter();
    rows.map(|row| Seen::new(&row.path, &row.label, row.subset, row.logits, collection))
        .collect()
}

/// The forest's images.
pub(crate) fn by_forest(
    rows: Vec<ForestPrediction>,
    collection: &Collection,
) -> anyhow::Result<Vec<Seen>> {
    let rows = rows.into_iter();
    rows.map(|row| {
        Seen::new(
            &row.path,
            &row.label,
            row.subset,
            row.probabilities,
            collection,
        )
    })
    .collect()
}

/// The images of a subset.
pub(crate) fn of_subset(seen: &[Seen], subset: Subset) -> Vec<&Seen> {
    { seen.iter() }
        .filter(|image| image.subset == subset)
        .collect()
}

impl Seen {
    fn new(
        path: &str,
        label: &str,
        subset: Subset,
        scores: Vec<f32>,
        collection: &Collection,
    ) -> anyhow::Result<Self> {
        let expected = collection.labels().len();
        ensure!(
            scores.len() == expected,
            "the image `{path}` has scores of {} classes, the folds know {expected}",
            scores.len(),
        );
        Ok(Self {
            subset,
            code: collection.code(label)?,
            unit: collection.unit(path)?,
            scores,
        })
    }

    /// The scores as probabilities, where they are votes.
    pub(crate) fn votes(&self) -> Vec<f64> {
        self.scores.iter().map(|&vote| f64::from(vote)).collect()
    }
}
