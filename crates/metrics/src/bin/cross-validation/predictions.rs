//! Scored predictions of a model.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use metrics::{Collection, ConfusionCounts, ScoredPrediction, Scores};
use tables::Subset;

/// A model's prediction for an image.
#[derive(Clone)]
pub(crate) struct ImagePrediction {
    pub(crate) path: String,
    /// The image's fold; none for test images.
    pub(crate) fold: Option<u32>,
    /// Author, as the bootstrap draws it.
    pub(crate) unit: usize,
    /// `[K]`; none of a baseline that depends on no image.
    pub(crate) probabilities: Vec<f32>,
    /// One result, or one for each guess of chance.
    pub(crate) scored: Vec<ScoredPrediction>,
}

/// A model with its predictions, sorted by path.
#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) name: &'static str,
    /// Backbone of frozen features.
    pub(crate) features: Option<String>,
    /// Name in `comparisons`.
    pub(crate) compared_as: String,
    /// Number of models that predict: of folds, or 1.
    pub(crate) n_models: usize,
    /// Whether its validation images are those of all folds.
    pub(crate) is_cross_validated: bool,
    /// False for chance and the largest class, whose predictions follow from the numbers of images.
    pub(crate) depends_on_images: bool,
    pub(crate) validation: Vec<ImagePrediction>,
    pub(crate) test: Vec<ImagePrediction>,
}

impl Model {
    /// Returns whether the predictions are guesses, whose scores are expectations.
    pub(crate) fn is_expected(&self) -> bool {
        let mut images = self.validation.iter().chain(&self.test);
        images.any(|image| image.scored.len() > 1)
    }

    /// The subsets that have images.
    pub(crate) fn subsets(&self) -> impl Iterator<Item = (Subset, &[ImagePrediction])> {
        let subsets = [
            (Subset::Validation, self.validation.as_slice()),
            (Subset::Test, self.test.as_slice()),
        ];
        subsets.into_iter().filter(|(_, images)| !images.is_empty())
    }
}

/// Scores `logits` `[K]` of an image.
pub(crate) fn of_logits(
    path: &str,
    label: &str,
    logits: &[f32],
    fold: Option<u32>,
    collection: &Collection,
) -> anyhow::Result<ImagePrediction> {
    let actual = class_of(path, label, logits.len(), collection)?;
    let scored = ScoredPrediction::of_logits(logits, actual)
        .with_context(|| format!("cannot score the image `{path}`"))?;
    Ok(ImagePrediction {
        fold,
        unit: collection.unit(path)?,
        probabilities: single(&numeric::softmax(logits, 1.0)),
        scored: vec![scored],
        path: path.to_owned(),
    })
}

/// Class index of an image with `n_scores` scores.
pub(crate) fn class_of(
    path: &str,
    label: &str,
    n_scores: usize,
    collection: &Collection,
) -> anyhow::Result<usize> {
    ensure!(
        n_scores == collection.labels().len(),
        "the image `{path}` has scores of {n_scores} classes, the folds have {}",
        collection.labels().len()
    );
    Ok(collection.class_index(label)?)
}

/// Results of all images, one after another, with the unit of each.
pub(crate) fn scored(images: &[ImagePrediction]) -> (Vec<ScoredPrediction>, Vec<usize>) {
    let each = images
        .iter()
        .flat_map(|image| image.scored.iter().map(|&scored| (scored, image.unit)));
    each.unzip()
}

/// Counts of the images' results.
pub(crate) fn counts<'a>(
    images: impl IntoIterator<Item = &'a ImagePrediction>,
    n_classes: usize,
) -> ConfusionCounts {
    let predictions = images.into_iter().flat_map(|image| &image.scored);
    ConfusionCounts::of(n_classes, predictions)
}

/// Scores of the images.
pub(crate) fn scores<'a>(
    images: impl IntoIterator<Item = &'a ImagePrediction>,
    n_classes: usize,
) -> Scores {
    counts(images, n_classes).scores()
}

/// The images by fold.
pub(crate) fn by_fold(images: &[ImagePrediction]) -> BTreeMap<u32, Vec<&ImagePrediction>> {
    let mut folds: BTreeMap<u32, Vec<&ImagePrediction>> = BTreeMap::new();
    for image in images {
        if let Some(fold) = image.fold {
            folds.entry(fold).or_default().push(image);
        }
    }
    folds
}

/// Number of authors of the images.
pub(crate) fn n_authors<'a>(
    images: impl IntoIterator<Item = &'a ImagePrediction>,
) -> anyhow::Result<u32> {
    count(metrics::n_authors(
        images.into_iter().map(|image| image.unit),
    ))
}

/// A number of images or models, as tables have it.
pub(crate) fn count(n: usize) -> anyhow::Result<u32> {
    u32::try_from(n).context("more images than the table can count")
}

/// Probabilities as tables have them.
#[expect(
    clippy::cast_possible_truncation,
    reason = "tables have single precision"
)]
fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}
