//! Images with a model's scored predictions and embeddings.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use cluster_validity::{calinski_harabasz, davies_bouldin, silhouette};
use metrics::{Collection, ConfusionCounts, ScoredPrediction};
use numeric::Matrix;
use rand_chacha::ChaCha8Rng;
use table_epoch_outputs::EpochOutput;
use table_forest_predictions::ForestPrediction;
use table_predictions::Prediction;
use tables::Subset;

/// An image with a model's scored prediction.
pub(crate) struct ScoredImage {
    pub(crate) path: String,
    subset: Subset,
    pub(crate) prediction: ScoredPrediction,
    /// `[D]`.
    embedding: Vec<f32>,
}

/// Images of an epoch.
pub(crate) fn in_epoch(
    rows: Vec<EpochOutput>,
    collection: &Collection,
) -> anyhow::Result<Vec<ScoredImage>> {
    let score = |row: EpochOutput| {
        let logits = classes(&row.logits, &row.path, collection)?;
        let class_index = usize::try_from(row.class_index)?;
        scored(row.path, row.subset, logits, row.embedding, class_index)
    };
    rows.into_iter().map(score).collect()
}

/// Images of the selected network.
pub(crate) fn by_network(
    rows: Vec<Prediction>,
    collection: &Collection,
) -> anyhow::Result<Vec<ScoredImage>> {
    let score = |row: Prediction| {
        let logits = classes(&row.logits, &row.path, collection)?;
        let class_index = collection.class_index(&row.label)?;
        scored(row.path, row.subset, logits, row.embedding, class_index)
    };
    rows.into_iter().map(score).collect()
}

/// An image by the network's outputs for it.
fn scored(
    path: String,
    subset: Subset,
    logits: &[f32],
    embedding: Vec<f32>,
    class_index: usize,
) -> anyhow::Result<ScoredImage> {
    Ok(ScoredImage {
        prediction: ScoredPrediction::of_logits(logits, class_index)
            .with_context(|| cannot_score(&path))?,
        path,
        subset,
        embedding,
    })
}

/// Images of the forest, with the embeddings of the network.
pub(crate) fn by_forest(
    rows: Vec<ForestPrediction>,
    network: &[ScoredImage],
    collection: &Collection,
) -> anyhow::Result<Vec<ScoredImage>> {
    ensure!(
        rows.len() == network.len(),
        "the forest has {} images, the network {}",
        rows.len(),
        network.len()
    );
    let score = |(row, network): (ForestPrediction, &ScoredImage)| {
        ensure!(
            row.path == network.path,
            "the forest has the image `{}` where the network has `{}`",
            row.path,
            network.path
        );
        let votes = classes(&row.probabilities, &row.path, collection)?;
        let class_index = collection.class_index(&row.label)?;
        Ok(ScoredImage {
            prediction: ScoredPrediction::of_probabilities(votes, class_index)
                .with_context(|| cannot_score(&row.path))?,
            path: row.path,
            subset: row.subset,
            embedding: network.embedding.clone(),
        })
    };
    rows.into_iter().zip(network).map(score).collect()
}

/// The images by subset.
pub(crate) fn subsets(images: &[ScoredImage]) -> BTreeMap<Subset, Vec<&ScoredImage>> {
    let mut subsets: BTreeMap<Subset, Vec<&ScoredImage>> = BTreeMap::new();
    for image in images {
        subsets.entry(image.subset).or_default().push(image);
    }
    subsets
}

/// Confusion counts of the images.
pub(crate) fn counts(images: &[&ScoredImage], collection: &Collection) -> ConfusionCounts {
    let predictions = images.iter().map(|image| &image.prediction);
    ConfusionCounts::of(collection.labels().len(), predictions)
}

/// Separation of the classes in the embedding, by predicted and by true labels: `(metric, value)`.
///
/// The silhouettes of more than `sample` images are those of `sample` drawn from `rng`.
pub(crate) fn separations(
    images: &[&ScoredImage],
    sample: usize,
    rng: &mut ChaCha8Rng,
) -> anyhow::Result<Vec<(String, Option<f64>)>> {
    let points = points(images)?;
    let drawn = draw(images, sample, rng);
    let drawn_points = self::points(&drawn)?;
    let mut values = Vec::new();
    for (by, class_of) in LABELS {
        let labels: Vec<usize> = images
            .iter()
            .map(|image| class_of(&image.prediction))
            .collect();
        let drawn: Vec<usize> = drawn
            .iter()
            .map(|image| class_of(&image.prediction))
            .collect();
        values.extend([
            (
                format!("silhouette_{by}"),
                silhouette(&drawn_points, &drawn)?,
            ),
            (
                format!("davies_bouldin_{by}"),
                davies_bouldin(&points, &labels)?,
            ),
            (
                format!("calinski_harabasz_{by}"),
                calinski_harabasz(&points, &labels)?,
            ),
        ]);
    }
    Ok(values)
}

/// The class of a prediction that labels its point.
type ClassOf = fn(&ScoredPrediction) -> usize;

const LABELS: [(&str, ClassOf); 2] = [
    ("predicted", |prediction| prediction.predicted),
    ("true", |prediction| prediction.actual),
];

fn points(images: &[&ScoredImage]) -> anyhow::Result<Matrix> {
    let rows = images.iter().map(|image| image.embedding.as_slice());
    Ok(Matrix::from_rows(&rows.collect::<Vec<_>>())?)
}

fn draw<'a>(
    images: &[&'a ScoredImage],
    sample: usize,
    rng: &mut ChaCha8Rng,
) -> Vec<&'a ScoredImage> {
    if images.len() <= sample {
        return images.to_vec();
    }
    let mut drawn = rand::seq::index::sample(rng, images.len(), sample).into_vec();
    drawn.sort_unstable();
    drawn.into_iter().map(|image| images[image]).collect()
}

/// Scores of an image, checked to be one for each class.
fn classes<'a>(
    scores: &'a [f32],
    path: &str,
    collection: &Collection,
) -> anyhow::Result<&'a [f32]> {
    ensure!(
        scores.len() == collection.labels().len(),
        "the image `{path}` has scores of {} classes, the folds have {}",
        scores.len(),
        collection.labels().len()
    );
    Ok(scores)
}

fn cannot_score(path: &str) -> String {
    format!("cannot score the image `{path}`")
}
