//! Outputs of a model for images.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use metrics::{Collection, calibration::author_groups};
use table_forest_predictions::ForestPrediction;
use table_out_of_fold::OutOfFold;
use tables::Subset;

/// Number of groups of authors by which the images of a single fold are divided.
const AUTHOR_GROUPS: usize = 5;

/// A model with its outputs for images that it was not fitted to.
pub(crate) struct Model {
    /// Name, as in the column `model` of the tables.
    pub(crate) name: &'static str,
    /// Images that calibrators are fitted to.
    pub(crate) validation: Vec<ModelOutput>,
    /// Group of each validation image: its fold, or authors of a single one.
    pub(crate) groups: Vec<usize>,
    /// Number of folds of the validation images.
    pub(crate) n_folds: usize,
    /// Images that no calibrator is fitted to.
    pub(crate) test: Vec<ModelOutput>,
}

/// Output of a model for an image.
pub(crate) struct ModelOutput {
    /// Index of the true class.
    pub(crate) class_index: usize,
    /// Unit by which the bootstrap draws the image.
    pub(crate) unit: usize,
    /// `[K]`.
    pub(crate) probabilities: Vec<f32>,
}

impl Model {
    /// The networks of all folds and their ensemble.
    pub(crate) fn network(rows: Vec<OutOfFold>, collection: &Collection) -> anyhow::Result<Self> {
        let (mut validation, mut folds, mut test) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows.into_iter().filter(|row| row.model == "network") {
            let output = ModelOutput::new(&row.path, &row.label, row.probabilities, collection)?;
            match row.subset {
                Subset::Test => test.push(output),
                Subset::Validation => {
                    let fold = row.fold.with_context(|| {
                        format!("the validation image `{}` has no fold", row.path)
                    })?;
                    folds.push(usize::try_from(fold)?);
                    validation.push(output);
                }
                Subset::Train | Subset::Unseen => {}
            }
        }
        let n_folds = folds.iter().collect::<BTreeSet<_>>().len();
        let groups = if n_folds > 1 {
            folds
        } else {
            groups_of_authors(&validation)?
        };
        Ok(Self {
            name: "network",
            validation,
            groups,
            n_folds,
            test,
        })
    }

    /// The forest on the selected network's embedding.
    pub(crate) fn forest(
        rows: Vec<ForestPrediction>,
        collection: &Collection,
    ) -> anyhow::Result<Self> {
        let (mut validation, mut test) = (Vec::new(), Vec::new());
        for row in rows {
            let outputs = match row.subset {
                Subset::Validation => &mut validation,
                Subset::Test => &mut test,
                Subset::Train | Subset::Unseen => continue,
            };
            let output = ModelOutput::new(&row.path, &row.label, row.probabilities, collection)?;
            outputs.push(output);
        }
        Ok(Self {
            name: "forest",
            groups: groups_of_authors(&validation)?,
            n_folds: 1,
            validation,
            test,
        })
    }
}

fn groups_of_authors(images: &[ModelOutput]) -> anyhow::Result<Vec<usize>> {
    let actual: Vec<usize> = images.iter().map(|image| image.class_index).collect();
    let units: Vec<usize> = images.iter().map(|image| image.unit).collect();
    Ok(author_groups(&actual, &units, AUTHOR_GROUPS)?)
}

impl ModelOutput {
    fn new(
        path: &str,
        label: &str,
        probabilities: Vec<f32>,
        collection: &Collection,
    ) -> anyhow::Result<Self> {
        let expected = collection.labels().len();
        ensure!(
            probabilities.len() == expected,
            "the image `{path}` has scores of {} classes, the folds have {expected}",
            probabilities.len(),
        );
        Ok(Self {
            class_index: collection.class_index(label)?,
            unit: collection.unit(path)?,
            probabilities,
        })
    }

    /// Probabilities in double precision.
    pub(crate) fn double(&self) -> Vec<f64> {
        self.probabilities.iter().map(|&p| f64::from(p)).collect()
    }

    /// Logits whose softmax the probabilities are: their logarithms. A probability that is too small for single precision
    /// counts as the smallest that is not.
    pub(crate) fn logits(&self) -> Vec<f32> {
        let logarithm = |p: &f32| p.max(f32::MIN_POSITIVE).ln();
        self.probabilities.iter().map(logarithm).collect()
    }
}
