//! Stage `metric-learning-scores`: how well classes, learned and held out, stand apart in every epoch of the metric
//! learning.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use cluster_validity::{davies_bouldin, silhouette};
use metrics::retrieval::{Distance, Retrieval, retrieval};
use metrics::{retrieval_by_chance, streams};
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
            let context = || {
                format!("cannot score the {subset} images of {classes} classes in epoch {epoch}")
            };
            let group = Group::of(images).with_context(context)?;
            let found = [
                ("raw", group.metrics(|row| row.embedding.clone())),
                ("normalized", group.metrics(normalized)),
            ];
            for (embedding, metrics) in found {
                let metrics = metrics.with_context(context)?;
                scores.extend(metrics.map(|found| MetricLearningScore {
                    epoch,
                    subset,
                    classes: classes.to_owned(),
                    embedding: embedding.to_owned(),
                    metric: found.metric.to_owned(),
                    value: found.value,
                    chance: found.chance,
                    images: group.n_images,
                    n_classes: group.n_classes,
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

/// A metric's name, its value, and its expected value for random embeddings.
struct Metric {
    metric: &'static str,
    value: Option<f64>,
    chance: Option<f64>,
}

/// Images that are compared with each other.
struct Group<'a> {
    images: Vec<&'a MetricEmbedding>,
    labels: Vec<usize>,
    n_images: u32,
    n_classes: u32,
}

impl<'a> Group<'a> {
    fn of(images: Vec<&'a MetricEmbedding>) -> anyhow::Result<Self> {
        let labels = images.iter().map(|row| row.label.as_str());
        let classes = Classes::of(labels.clone());
        Ok(Self {
            labels: classes.encode(labels)?,
            n_images: u32::try_from(images.len())?,
            n_classes: u32::try_from(classes.len())?,
            images,
        })
    }

    /// Metrics of the images by the embeddings that `transform` returns.
    fn metrics(
        &self,
        transform: impl Fn(&MetricEmbedding) -> Vec<f32>,
    ) -> anyhow::Result<[Metric; 4]> {
        let embeddings: Vec<Vec<f32>> = self.images.iter().map(|row| transform(row)).collect();
        let points = Matrix::from_rows(&embeddings)?;
        let labels = &self.labels;
        let found = retrieval(&points, labels, Distance::Euclidean)?;
        let chance = retrieval_by_chance(labels);
        let separation = |metric, value| Metric {
            metric,
            value,
            chance: None,
        };
        let retrieval = |metric, of: fn(Retrieval) -> f64| Metric {
            metric,
            value: found.map(of),
            chance: chance.map(of),
        };
        Ok([
            separation("silhouette", silhouette(&points, labels)?),
            separation("davies_bouldin", davies_bouldin(&points, labels)?),
            retrieval("recall_at_1", |found| found.recall_at_1),
            retrieval("map_at_r", |found| found.map_at_r),
        ])
    }
}
