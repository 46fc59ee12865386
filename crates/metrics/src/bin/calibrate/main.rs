//! Stage `calibrate`: calibrators of the models, fitted on validation images and evaluated on test images.

mod model_output;
mod rows;
mod variant;

use std::{num::NonZeroUsize, process::ExitCode};

use anyhow::Context;
use metrics::{
    Collection,
    calibration::{
        Calibrators, Forecasts, ForestCalibrators, NetworkCalibrators, OneAgainstRest, Temperature,
    },
};
use random::Seed;
use serde::Deserialize;
use stage::{Input, Output, OutputPath};
use table_calibrations::Calibration;
use table_folds::Fold;
use table_forest_predictions::ForestPrediction;
use table_predictions::Prediction;
use table_reliabilities::Reliability;
use tables::Subset;

use model_output::Seen;
use variant::Variant;

/// Subset that calibrators are fitted to: the models were not fitted to it.
const FITTED: Subset = Subset::Validation;
/// Subsets that are evaluated. Only the second had no part in the fit.
const EVALUATED: [Subset; 2] = [FITTED, Subset::Test];

/// How to judge.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Seeds all of the stage's randomness.
    seed: Seed,
    /// Bins of the confidence.
    bins: NonZeroUsize,
    /// Replicates of the bootstrap, which resamples authors, and of the errors by chance; 0 for none.
    bootstrap: u64,
}

/// What it reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// Classes and authors of the images.
    folds: Input<Fold>,
    /// The chosen network's word.
    predictions: Input<Prediction>,
    /// The forest's word on the same images.
    forest: Option<Input<ForestPrediction>>,
}

/// What it writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// Figures of the models before and after calibration.
    calibration: Output<Calibration>,
    /// Their reliability diagrams.
    reliability: Output<Reliability>,
    /// [`Calibrators`] as JSON, for the prediction of new images.
    calibrators: OutputPath,
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
    let network = model_output::by_network(inputs.predictions.read()?, &collection)?;
    let forest = match &inputs.forest {
        Some(forest) => Some(model_output::by_forest(forest.read()?, &collection)?),
        None => None,
    };
    let calibrators = fit(&network, forest.as_deref(), &collection)
        .with_context(|| format!("cannot fit to the images of the subset `{FITTED}`"))?;
    tracing::info!(
        "the network's temperature is {:.3}",
        calibrators.network.temperature.value()
    );

    if let Some(forest) = &calibrators.forest {
        let classes = collection.labels().iter().zip(forest.isotonic.curves());
        let unfitted = classes.filter(|(_, curve)| curve.is_none());
        let unfitted: Vec<&str> = unfitted.map(|(label, _)| label.as_str()).collect();
        if !unfitted.is_empty() {
            tracing::warn!(
                "no calibration of the forest for {}: the subset `{FITTED}` has none of its images, or no others; its probabilities stay as they are",
                unfitted.join(", ")
            );
        }
    }

    let (mut figures, mut diagrams) = (Vec::new(), Vec::new());
    for variant in Variant::all(&calibrators) {
        let seen = match variant.model() {
            "network" => network.as_slice(),
            _ => forest.as_deref().unwrap_or_default(),
        };
        for subset in EVALUATED {
            let images = model_output::of_subset(seen, subset);
            if images.is_empty() {
                continue;
            }
            let forecasts = variant.forecasts(&images)?;
            figures.push(rows::figures(
                &variant, subset, &forecasts, &images, &params,
            )?);
            diagrams.extend(rows::diagram(&variant, subset, &forecasts, params.bins)?);
        }
    }
    fs_err::write(
        &*outputs.calibrators,
        serde_json::to_string_pretty(&calibrators)? + "\n",
    )?;
    outputs.calibration.write(figures)?;
    outputs.reliability.write(diagrams)
}

/// Calibrators of the subset [`FITTED`].
fn fit(
    network: &[Seen],
    forest: Option<&[Seen]>,
    collection: &Collection,
) -> anyhow::Result<Calibrators> {
    let network: Vec<&Seen> = model_output::of_subset(network, FITTED);
    let logits: Vec<&[f32]> = network.iter().map(|seen| seen.scores.as_slice()).collect();
    let actual: Vec<usize> = network.iter().map(|seen| seen.code).collect();
    let forest = forest.map(|forest| {
        let images = model_output::of_subset(forest, FITTED);
        let forecasts = Forecasts::of(images.iter().map(|seen| (seen.votes(), seen.code)))?;
        anyhow::Ok(ForestCalibrators {
            platt: OneAgainstRest::fit(&forecasts),
            isotonic: OneAgainstRest::fit(&forecasts),
        })
    });
    Ok(Calibrators {
        labels: collection.labels().to_vec(),
        network: NetworkCalibrators {
            temperature: Temperature::fit(&logits, &actual)?,
        },
        forest: forest.transpose()?,
    })
}
