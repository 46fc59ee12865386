//! Stage `judge`: how well classes, learned and held out, stand apart in every epoch of the metric learning.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context;
use metrics::Points;
use metrics::retrieval::{Distance, retrieval};
use metrics::separation::{davies_bouldin, silhouette};
use serde::Deserialize;
use stage::{Input, Output};
use tables::arrangement::Arrangement;
use tables::arrangement_score::ArrangementScore;

/// There is nothing to choose.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {}

/// What it reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// Where each picture stood in every epoch.
    arrangement: Input<Arrangement>,
}

/// What it writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// Figures of every epoch.
    scores: Output<ArrangementScore>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(Params {}: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let mut scores = Vec::new();
    for epoch in inputs.arrangement.batches()? {
        let epoch = epoch?;
        for ((part, classes), pictures) in groups(&epoch) {
            let epoch = pictures[0].epoch;
            let found = [
                ("native", of_space(&pictures, Arrangement::clone)),
                ("sphere", of_space(&pictures, on_sphere)),
            ];
            for (space, values) in found {
                let values = values.with_context(|| {
                    format!(
                        "cannot score the {part} pictures of {classes} classes in epoch {epoch}"
                    )
                })?;
                scores.extend(values.map(|(metric, value)| ArrangementScore {
                    epoch,
                    part: part.to_owned(),
                    classes: classes.to_owned(),
                    space: space.to_owned(),
                    metric: metric.to_owned(),
                    value,
                }));
            }
        }
    }
    outputs.scores.write(scores)
}

/// An epoch's pictures by part and by whether their classes were learned.
fn groups(epoch: &[Arrangement]) -> BTreeMap<(&str, &'static str), Vec<&Arrangement>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in epoch {
        let classes = if row.learned { "learned" } else { "held-out" };
        groups
            .entry((row.part.as_str(), classes))
            .or_default()
            .push(row);
    }
    groups
}

fn on_sphere(row: &Arrangement) -> Arrangement {
    let squares = row.embedding.iter().map(|value| value * value);
    let length = squares.sum::<f32>().sqrt();
    let mut row = row.clone();
    // A point at the center has no direction and stays there.
    if length > 0.0 {
        row.embedding.iter_mut().for_each(|value| *value /= length);
    }
    row
}

/// The metrics of pictures that `place` has moved.
fn of_space(
    pictures: &[&Arrangement],
    place: impl Fn(&Arrangement) -> Arrangement,
) -> anyhow::Result<[(&'static str, Option<f64>); 4]> {
    let placed: Vec<Arrangement> = pictures.iter().map(|row| place(row)).collect();
    let points = Points::of(placed.iter().map(|row| row.embedding.as_slice()))?;
    let labels = codes(&placed);
    let retrieval = retrieval(&points, &labels, Distance::Euclidean)?;
    Ok([
        ("silhouette", silhouette(&points, &labels)?),
        ("davies_bouldin", davies_bouldin(&points, &labels)?),
        ("recall_at_1", retrieval.map(|found| found.recall_at_1)),
        ("map_at_r", retrieval.map(|found| found.map_at_r)),
    ])
}

/// The number of each picture's class among those of the pictures.
fn codes(pictures: &[Arrangement]) -> Vec<usize> {
    let mut labels: Vec<&str> = pictures.iter().map(|row| row.label.as_str()).collect();
    labels.sort_unstable();
    labels.dedup();
    let code = |row: &Arrangement| labels.partition_point(|label| *label < row.label.as_str());
    pictures.iter().map(code).collect()
}
