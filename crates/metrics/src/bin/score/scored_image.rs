//! Images as a model saw them.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use cluster_validity::{calinski_harabasz, davies_bouldin, silhouette};
use metrics::{Collection, Judgment, Tally};
use numeric::Matrix;
use rand_chacha::ChaCha8Rng;
use table_epoch_outputs::EpochOutput;
use table_forest_predictions::ForestPrediction;
use table_predictions::Prediction;
use tables::Subset;

/// A image that a model saw.
pub(crate) struct Seen {
    pub(crate) path: String,
    subset: Subset,
    pub(crate) judgment: Judgment,
    /// `[D]`.
    embedding: Vec<f32>,
}

/// The images of an epoch.
pub(crate) fn in_epoch(
    rows: Vec<EpochOutput>,
    collection: &Collection,
) -> anyhow::Result<Vec<Seen>> {
    let see = |row: EpochOutput| {
        let logits = classes(&row.logits, &row.path, collection)?;
        let code = usize::try_from(row.code)?;
        Ok(Seen {
            judgment: Judgment::of_logits(logits, code).with_context(|| image(&row.path))?,
            path: row.path,
            subset: row.subset,
            embedding: row.embedding,
        })
    };
    rows.into_iter().map(see).collect()
}

/// The chosen network's images.
pub(crate) fn by_network(
    rows: Vec<Prediction>,
    collection: &Collection,
) -> anyhow::Result<Vec<Seen>> {
    let see = |row: Prediction| {
        let logits = classes(&row.logits, &row.path, collection)?;
        let code = collection.code(&row.label)?;
        Ok(Seen {
            judgment: Judgment::of_logits(logits, code).with_context(|| image(&row.path))?,
            path: row.path,
            subset: row.subset,
            embedding: row.embedding,
        })
    };
    rows.into_iter().map(see).collect()
}

/// The forest's images: the network's, whose embeddings it saw.
pub(crate) fn by_forest(
    rows: Vec<ForestPrediction>,
    network: &[Seen],
    collection: &Collection,
) -> anyhow::Result<Vec<Seen>> {
    ensure!(
        rows.len() == network.len(),
        "the forest saw {} images, the network {}",
        rows.len(),
        network.len()
    );
    let see = |(row, network): (ForestPrediction, &Seen)| {
        ensure!(
            row.path == network.path,
            "the forest saw `{}` where the network saw `{}`",
            row.path,
            network.path
        );
        let votes = classes(&row.probabilities, &row.path, collection)?;
        let code = collection.code(&row.label)?;
        Ok(Seen {
            judgment: Judgment::of_probabilities(votes, code).with_context(|| image(&row.path))?,
            path: row.path,
            subset: row.subset,
            embedding: network.embedding.clone(),
        })
    };
    rows.into_iter().zip(network).map(see).collect()
}

/// The images by subset.
pub(crate) fn subsets(seen: &[Seen]) -> BTreeMap<Subset, Vec<&Seen>> {
    let mut subsets: BTreeMap<Subset, Vec<&Seen>> = BTreeMap::new();
    for image in seen {
        subsets.entry(image.subset).or_default().push(image);
    }
    subsets
}

/// The images counted.
pub(crate) fn tally(seen: &[&Seen], collection: &Collection) -> Tally {
    let mut tally = Tally::new(collection.labels().len());
    for image in seen {
        tally.add(&image.judgment, 1);
    }
    tally
}

/// How well the classes stand apart among the embeddings, by the labels said and by the true ones: `(metric, value)`.
///
/// The silhouettes of more than `sample` images are those of `sample` drawn from `rng`.
pub(crate) fn separations(
    seen: &[&Seen],
    sample: usize,
    rng: &mut ChaCha8Rng,
) -> anyhow::Result<Vec<(String, Option<f64>)>> {
    let points = points(seen)?;
    let drawn = draw(seen, sample, rng);
    let drawn_points = self::points(&drawn)?;
    let mut values = Vec::new();
    for (by, code) in CODES {
        let labels: Vec<usize> = seen.iter().map(|image| code(&image.judgment)).collect();
        let drawn: Vec<usize> = drawn.iter().map(|image| code(&image.judgment)).collect();
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

/// Which class of a judgment labels its point.
type Code = fn(&Judgment) -> usize;

const CODES: [(&str, Code); 2] = [
    ("predicted", |judgment| judgment.predicted),
    ("true", |judgment| judgment.actual),
];

fn points(seen: &[&Seen]) -> anyhow::Result<Matrix> {
    let rows = seen.iter().map(|image| image.embedding.as_slice());
    Ok(Matrix::from_rows(&rows.collect::<Vec<_>>())?)
}

fn draw<'a>(seen: &[&'a Seen], sample: usize, rng: &mut ChaCha8Rng) -> Vec<&'a Seen> {
    if seen.len() <= sample {
        return seen.to_vec();
    }
    let mut drawn = rand::seq::index::sample(rng, seen.len(), sample).into_vec();
    drawn.sort_unstable();
    drawn.into_iter().map(|image| seen[image]).collect()
}

/// The scores of a image, if there is one for each class.
fn classes<'a>(
    scores: &'a [f32],
    path: &str,
    collection: &Collection,
) -> anyhow::Result<&'a [f32]> {
    ensure!(
        scores.len() == collection.labels().len(),
        "the image `{path}` has scores of {} classes, the folds know {}",
        scores.len(),
        collection.labels().len()
    );
    Ok(scores)
}

fn image(path: &str) -> String {
    format!("cannot judge the image `{path}`")
}
