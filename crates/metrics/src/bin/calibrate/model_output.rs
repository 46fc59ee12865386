//! Outputs of a model for images.

use anyhow::ensure;
use metrics::Collection;
use table_forest_predictions::ForestPrediction;
use table_predictions::Prediction;
use tables::Subset;

/// Output of a model for an image.
pub(crate) struct ModelOutput {
    subset: Subset,
    /// Index of the true class.
    pub(crate) class_index: usize,
    /// Unit by which the bootstrap draws the image.
    pub(crate) unit: usize,
    /// `[K]`: the network's logits or the forest's votes.
    pub(crate) scores: Vec<f32>,
}

/// Outputs of the selected network.
pub(crate) fn by_network(
    rows: Vec<Prediction>,
    collection: &Collection,
) -> anyhow::Result<Vec<ModelOutput>> {
    let rows = rows.into_iter();
    rows.map(|row| ModelOutput::new(&row.path, &row.label, row.subset, row.logits, collection))
        .collect()
}

/// Outputs of the forest.
pub(crate) fn by_forest(
    rows: Vec<ForestPrediction>,
    collection: &Collection,
) -> anyhow::Result<Vec<ModelOutput>> {
    let rows = rows.into_iter();
    rows.map(|row| {
        ModelOutput::new(
            &row.path,
            &row.label,
            row.subset,
            row.probabilities,
            collection,
        )
    })
    .collect()
}

/// Outputs for the images of a subset.
pub(crate) fn of_subset(outputs: &[ModelOutput], subset: Subset) -> Vec<&ModelOutput> {
    { outputs.iter() }
        .filter(|image| image.subset == subset)
        .collect()
}

impl ModelOutput {
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
            "the image `{path}` has scores of {} classes, the folds have {expected}",
            scores.len(),
        );
        Ok(Self {
            subset,
            class_index: collection.class_index(label)?,
            unit: collection.unit(path)?,
            scores,
        })
    }

    /// Votes as probabilities, for a forest.
    pub(crate) fn votes(&self) -> Vec<f64> {
        self.scores.iter().map(|&vote| f64::from(vote)).collect()
    }
}
