//! Features of a frozen network.

use anyhow::Context;
use table_features::Feature;

use crate::fold_split::FoldSplit;

/// A frozen network with its features of the images, in the order of the split.
pub(crate) struct Backbone {
    pub(crate) name: String,
    pub(crate) pretrained: bool,
    features: Vec<Vec<f32>>,
}

impl Backbone {
    pub(crate) fn of(rows: Vec<Feature>, split: &FoldSplit) -> anyhow::Result<Self> {
        let first = rows.first().context("a table of features has no rows")?;
        let (name, pretrained) = (first.backbone.clone(), first.pretrained);
        split
            .check(rows.iter().map(|row| row.path.as_str()))
            .with_context(|| format!("cannot use the features of `{name}`"))?;
        Ok(Self {
            name,
            pretrained,
            features: rows.into_iter().map(|row| row.features).collect(),
        })
    }

    /// Number of features of an image.
    pub(crate) fn n_features(&self) -> usize {
        self.features.first().map_or(0, Vec::len)
    }

    pub(crate) fn rows(&self, images: &[usize]) -> Vec<&[f32]> {
        let rows = images.iter();
        rows.map(|&image| self.features[image].as_slice()).collect()
    }
}
