//! Stage `leakage-effect`: one recipe's scores under three splits, and their differences from those of the study's own.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use metrics::{
    Collection, ConfusionCounts, Metric, Pairing, Sample, ScoredPrediction, differences, intervals,
    n_authors, streams,
};
use random::Seed;
use serde::Deserialize;
use stage::{Input, Output};
use table_epoch_outputs::EpochOutput;
use table_folds::Fold;
use table_history::History;
use table_leakage::SplitLeakage;
use table_leakage_effect::LeakageEffect;
use tables::Subset;

/// Splits that the study's own is compared with.
const LEAKY: [&str; 2] = ["by class", "at random"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Seeds all of the stage's randomness.
    seed: Seed,
    /// Replicates of the bootstrap, which resamples authors; 0 for no intervals.
    bootstrap: u64,
}

/// Tables of images and splits; for each split the training history and the outputs of every epoch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// Classes and authors of the images.
    folds: Input<Fold>,
    /// The splits, with the study's own among them.
    leakage: Input<SplitLeakage>,
    by_author_history: Input<History>,
    by_author_epoch_outputs: Input<EpochOutput>,
    by_class_history: Input<History>,
    by_class_epoch_outputs: Input<EpochOutput>,
    at_random_history: Input<History>,
    at_random_epoch_outputs: Input<EpochOutput>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    leakage_effect: Output<LeakageEffect>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let folds = inputs.folds.read()?;
    let images = folds
        .iter()
        .map(|row| (row.path.as_str(), row.label.as_str(), row.author.as_deref()));
    let collection = Collection::of(images);
    let leakage = inputs.leakage.read()?;
    let trainings = [
        (
            own_split(&leakage)?,
            &inputs.by_author_history,
            &inputs.by_author_epoch_outputs,
        ),
        (
            LEAKY[0],
            &inputs.by_class_history,
            &inputs.by_class_epoch_outputs,
        ),
        (
            LEAKY[1],
            &inputs.at_random_history,
            &inputs.at_random_epoch_outputs,
        ),
    ];
    let mut rows = Vec::new();
    let mut own: Option<Validation> = None;
    for (split, history, epochs) in trainings {
        let validation = Validation::read(&history.read()?, epochs, &collection);
        let validation = validation.with_context(|| format!("cannot score the split {split}"))?;
        let scored = leakage_effect(split, &validation, own.as_ref(), &collection, &params);
        let scored = scored.with_context(|| format!("cannot score the split {split}"))?;
        let of = |metric: Metric| scored.iter().find(|row| row.metric == metric.name());
        if let Some(row) = of(Metric::Top2).or_else(|| of(Metric::Top1)) {
            let (metric, value) = (&row.metric, row.value);
            tracing::info!("{split}: {metric} {value:.3} in epoch {}", row.epoch);
        }
        rows.extend(scored);
        own.get_or_insert(validation);
    }
    outputs.leakage_effect.write(rows)
}

/// The name of the study's own split: `by author`, or `existing` for a split that the collection comes with.
fn own_split(leakage: &[SplitLeakage]) -> anyhow::Result<&str> {
    let mut splits = leakage.iter().map(|row| row.split.as_str());
    splits
        .find(|split| !LEAKY.contains(split))
        .context("`leakage` has no row of the study's own split")
}

/// A split's validation images in the best epoch.
struct Validation {
    epoch: u32,
    predictions: Vec<ScoredPrediction>,
    units: Vec<usize>,
}

impl Validation {
    fn read(
        history: &[History],
        epochs: &Input<EpochOutput>,
        collection: &Collection,
    ) -> anyhow::Result<Self> {
        let best = history.iter().find(|row| row.best);
        let epoch = best.context("no epoch is the best")?.epoch;
        let (predictions, units) = predictions(epochs, epoch, collection)?;
        Ok(Self {
            epoch,
            predictions,
            units,
        })
    }

    fn sample(&self) -> Sample<'_> {
        Sample {
            predictions: &self.predictions,
            units: &self.units,
        }
    }
}

/// Metrics of a split's validation images, and their differences from those of the study's `own` split.
fn leakage_effect(
    split: &str,
    validation: &Validation,
    own: Option<&Validation>,
    collection: &Collection,
    params: &Params,
) -> anyhow::Result<Vec<LeakageEffect>> {
    let n_classes = collection.labels().len();
    let sample = validation.sample();
    let stream = params.seed.stream(streams::LEAKAGE_EFFECT_BOOTSTRAP);
    let rng_of = |replicate| stream.at(replicate, 0);
    let (predictions, units) = (sample.predictions, sample.units);
    let intervals = intervals(n_classes, predictions, units, params.bootstrap, rng_of)?;
    let own = own.map(Validation::sample);
    let differences = match own {
        // The splits have other validation images, of which some are of the same authors.
        Some(own) => {
            let samples = [sample, own];
            differences(
                n_classes,
                samples,
                Pairing::Authors,
                params.bootstrap,
                rng_of,
            )?
        }
        None => None,
    };
    let counts = |sample: Sample<'_>| ConfusionCounts::of(n_classes, sample.predictions);
    let changes = own.map(|own| counts(sample).scores_less(&counts(own)));
    let images = u32::try_from(predictions.len())?;
    let authors = u32::try_from(n_authors(units.iter().copied()))?;
    let values = Metric::ALL.iter().zip(counts(sample).scores()).enumerate();
    let values = values.filter(|(_, (metric, _))| metric.is_informative(n_classes));
    let rows = values.map(|(i, (metric, value))| {
        let interval = intervals.map(|intervals| intervals[i]);
        let difference = differences.map(|differences| differences[i]);
        LeakageEffect {
            split: split.to_owned(),
            epoch: validation.epoch,
            metric: metric.name().to_owned(),
            value,
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
            difference: changes.map(|changes| changes[i]),
            difference_low: difference.map(|difference| difference.low),
            difference_high: difference.map(|difference| difference.high),
            images,
            authors,
        }
    });
    Ok(rows.collect())
}

/// Scored predictions of an epoch's validation images, and the unit of each.
fn predictions(
    epochs: &Input<EpochOutput>,
    best: u32,
    collection: &Collection,
) -> anyhow::Result<(Vec<ScoredPrediction>, Vec<usize>)> {
    for rows in epochs.batches()? {
        let rows = rows?;
        if rows.first().is_none_or(|row| row.epoch != best) {
            continue;
        }
        let score = |row: &EpochOutput| {
            ensure!(
                row.logits.len() == collection.labels().len(),
                "the image `{}` has logits of {} classes, the folds have {}",
                row.path,
                row.logits.len(),
                collection.labels().len()
            );
            let prediction =
                ScoredPrediction::of_logits(&row.logits, usize::try_from(row.class_index)?)?;
            Ok((prediction, collection.unit(&row.path)?))
        };
        let rows = rows.iter().filter(|row| row.subset == Subset::Validation);
        return rows.map(score).collect();
    }
    anyhow::bail!("epoch {best} has no outputs")
}
