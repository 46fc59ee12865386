//! Paired differences of two recipes: `cargo xtask compare` starts this program with a job file, as a stage is started,
//! but nothing of it is recorded.

mod pairs;
mod text;

use std::process::ExitCode;

use anyhow::Context;
use metrics::{Collection, ConfusionCounts, Metric, Pairing, Sample, differences, streams};
use random::Seed;
use serde::{Deserialize, Serialize};
use stage::Input;
use table_folds::Fold;
use table_out_of_fold::OutOfFold;
use tables::Subset;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Names of the two recipes.
    names: [String; 2],
    /// Seeds the replicates.
    seed: Seed,
    /// Replicates of the bootstrap; 0 for no intervals.
    bootstrap: u64,
    /// One JSON document in place of text.
    json: bool,
}

/// Cross-validated predictions of both, and the images' authors.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    a: Input<OutOfFold>,
    b: Input<OutOfFold>,
    folds: Input<Fold>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {}

/// The comparison.
#[derive(Serialize)]
pub(crate) struct Document {
    pub(crate) a: String,
    pub(crate) b: String,
    /// Images of one of them alone, which are not compared.
    pub(crate) left_out: usize,
    pub(crate) subsets: Vec<SubsetDocument>,
}

/// Metrics of a subset.
#[derive(Serialize)]
pub(crate) struct SubsetDocument {
    pub(crate) subset: Subset,
    pub(crate) images: usize,
    pub(crate) authors: usize,
    pub(crate) single_author_classes: usize,
    pub(crate) metrics: Vec<MetricDocument>,
}

/// A metric of both, and their difference.
#[derive(Serialize)]
pub(crate) struct MetricDocument {
    pub(crate) metric: &'static str,
    pub(crate) a: f64,
    pub(crate) b: f64,
    /// `b` less `a`.
    pub(crate) difference: f64,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    /// Whether the interval leaves out 0; null without an interval.
    pub(crate) significant: Option<bool>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, _: Outputs) -> anyhow::Result<()> {
    let folds = inputs.folds.read()?;
    let images = folds
        .iter()
        .map(|row| (row.path.as_str(), row.label.as_str(), row.author.as_deref()));
    let collection = Collection::of(images);
    let [a, b] = &params.names;
    let pairs = pairs::Pairs::of([(a, inputs.a.read()?), (b, inputs.b.read()?)], &collection)?;
    let mut subsets = Vec::new();
    for (subset, images) in &pairs.subsets {
        let compared = compare(*subset, images, &collection, &params);
        subsets.push(compared.with_context(|| format!("cannot compare the subset `{subset}`"))?);
    }
    let document = Document {
        a: a.clone(),
        b: b.clone(),
        left_out: pairs.left_out,
        subsets,
    };
    if params.json {
        println!("{}", serde_json::to_string_pretty(&document)?);
    } else {
        print!("{}", text::of(&document));
    }
    Ok(())
}

fn compare(
    subset: Subset,
    images: &pairs::Images,
    collection: &Collection,
    params: &Params,
) -> anyhow::Result<SubsetDocument> {
    let n_classes = collection.labels().len();
    let [a, b] = [0, 1].map(|of| Sample {
        predictions: &images.predictions[of],
        units: &images.units,
    });
    let name = format!("{} {}", streams::SCORE_BOOTSTRAP, subset.stream_name());
    let stream = params.seed.stream(&name);
    let rng_of = |replicate| stream.at(replicate, 0);
    let intervals = differences(n_classes, [b, a], Pairing::Images, params.bootstrap, rng_of)?;
    let counts = |sample: Sample<'_>| ConfusionCounts::of(n_classes, sample.predictions);
    let [of_a, of_b] = [counts(a), counts(b)];
    let changes = of_b.scores_less(&of_a);
    let (scores_a, scores_b) = (of_a.scores(), of_b.scores());
    let metrics = Metric::ALL.iter().enumerate();
    let metrics = metrics.filter(|(_, metric)| metric.is_informative(n_classes));
    let metrics = metrics.map(|(i, metric)| {
        let interval = intervals.map(|intervals| intervals[i]);
        MetricDocument {
            metric: metric.name(),
            a: scores_a[i],
            b: scores_b[i],
            difference: changes[i],
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
            significant: interval.map(|interval| interval.excludes_zero()),
        }
    });
    let metrics = metrics.collect();
    Ok(SubsetDocument {
        subset,
        images: images.units.len(),
        authors: metrics::n_authors(images.units.iter().copied()),
        single_author_classes: metrics::single_unit_classes(a.predictions, a.units)?,
        metrics,
    })
}
