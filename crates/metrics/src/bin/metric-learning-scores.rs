//! Stage `metric-learning-scores`: how well classes, learned and held out, stand apart in every epoch of the metric
//! learning.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use cluster_validity::{davies_bouldin, silhouette};
use metrics::retrieval::{Distance, retrieval};
use metrics::streams;
use numeric::{Classes, Matrix};
use random::Seed;
use serde::Deserialize;
use stage::{Input, Output, Progress};
use table_metric_embeddings::MetricEmbedding;
use table_metric_learning_scores::MetricLearningScore;
use tables::Subset;

/// Parameters of the scores.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Seeds all of the stage's randomness.
    seed: Seed,
    /// Images of a subset that are scored, at most, drawn by the seed: time grows with their square.
    sample: usize,
}

/// Embeddings of every epoch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// Embedding of each image in every epoch.
    metric_embeddings: Input<MetricEmbedding>,
}

/// Scores of every epoch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// Scores of every epoch.
    metric_learning_scores: Output<MetricLearningScore>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    ensure!(
        params.sample > 0,
        "`metric-learning-scores.sample` is 0, expected at least 1"
    );
    let mut scores = Vec::new();
    let progress = Progress::start("epochs", inputs.metric_embeddings.batches()?.count());
    for epoch in inputs.metric_embeddings.batches()? {
        let epoch = epoch?;
        for ((subset, classes), images) in groups(&epoch) {
            let images = params.drawn(
                images,
                &format!(
                    "{} {} {classes}",
                    streams::METRIC_LEARNING_SCORES,
                    subset.stream_name()
                ),
            );
            let epoch = images[0].epoch;
            let found = [
                ("raw", metrics_of(&images, |row| row.embedding.clone())),
                ("normalized", metrics_of(&images, normalized)),
            ];
            for (embedding, values) in found {
                let values = values.with_context(|| {
                    format!(
                        "cannot score the {subset} images of {classes} classes in epoch {epoch}"
                    )
                })?;
                scores.extend(values.map(|(metric, value)| MetricLearningScore {
                    epoch,
                    subset,
                    classes: classes.to_owned(),
                    embedding: embedding.to_owned(),
                    metric: metric.to_owned(),
                    value,
                }));
            }
        }
        progress.advance(1);
    }
    outputs.metric_learning_scores.write(scores)
}

/// An epoch's images by subset, and by whether their classes were learned.
fn groups(epoch: &[MetricEmbedding]) -> BTreeMap<(Subset, &'static str), Vec<&MetricEmbedding>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in epoch {
        let classes = if row.learned { "learned" } else { "held-out" };
        groups.entry((row.subset, classes)).or_default().push(row);
    }
    groups
}

impl Params {
    /// At most `sample` of a group's images, the same in every epoch, in their order.
    fn drawn<'a>(
        &self,
        images: Vec<&'a MetricEmbedding>,
        stream: &str,
    ) -> Vec<&'a MetricEmbedding> {
        if images.len() <= self.sample {
            return images;
        }
        let mut rng = self.seed.stream(stream).rng();
        let mut drawn = rand::seq::index::sample(&mut rng, images.len(), self.sample).into_vec();
        drawn.sort_unstable();
        drawn.into_iter().map(|image| images[image]).collect()
    }
}

fn normalized(row: &MetricEmbedding) -> Vec<f32> {
    let squares = row.embedding.iter().map(|value| value * value);
    let length = squares.sum::<f32>().sqrt();
    // A point at the origin has no direction and stays there.
    let scale = |value: &f32| if length > 0.0 { value / length } else { *value };
    row.embedding.iter().map(scale).collect()
}

/// Metrics of the images by the embeddings that `transform` returns.
fn metrics_of(
    images: &[&MetricEmbedding],
    transform: impl Fn(&MetricEmbedding) -> Vec<f32>,
) -> anyhow::Result<[(&'static str, Option<f64>); 4]> {
    let embeddings: Vec<Vec<f32>> = images.iter().map(|row| transform(row)).collect();
    let points = Matrix::from_rows(&embeddings)?;
    let labels = images.iter().map(|row| row.label.as_str());
    let labels = Classes::of(labels.clone()).encode(labels)?;
    let retrieval = retrieval(&points, &labels, Distance::Euclidean)?;
    Ok([
        ("silhouette", silhouette(&points, &labels)?),
        ("davies_bouldin", davies_bouldin(&points, &labels)?),
        ("recall_at_1", retrieval.map(|found| found.recall_at_1)),
        ("map_at_r", retrieval.map(|found| found.map_at_r)),
    ])
}
