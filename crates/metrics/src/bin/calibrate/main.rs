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

use model_output::ModelOutput;
use variant::Variant;

/// Subset that calibrators are fitted to: the models were not trained on it.
const FITTED: Subset = Subset::Validation;
/// Subsets that are evaluated. Only the second is independent of the fit.
const EVALUATED: [Subset; 2] = [FITTED, Subset::Test];

/// Parameters of the evaluation.
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

/// Tables of images and predictions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// Classes and authors of the images.
    folds: Input<Fold>,
    /// Predictions of the selected network.
    predictions: Input<Prediction>,
    /// Predictions of the forest for the same images.
    forest: Option<Input<ForestPrediction>>,
}

/// Calibrators and their evaluation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// Metrics of the models before and after calibration.
    calibrations: Output<Calibration>,
    /// Reliability diagrams of the same.
    reliabilities: Output<Reliability>,
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

    let (mut metrics, mut diagrams) = (Vec::new(), Vec::new());
    for variant in Variant::all(&calibrators) {
        let all = match variant.model() {
            "network" => network.as_slice(),
            _ => forest.as_deref().unwrap_or_default(),
        };
        for subset in EVALUATED {
            let images = model_output::of_subset(all, subset);
            if images.is_empty() {
                continue;
            }
            let forecasts = variant.forecasts(&images)?;
            metrics.push(rows::metrics(
                &variant, subset, &forecasts, &images, &params,
            )?);
            diagrams.extend(rows::diagram(&variant, subset, &forecasts, params.bins)?);
        }
    }
    fs_err::write(
        &*outputs.calibrators,
        serde_json::to_string_pretty(&calibrators)? + "\n",
    )?;
    outputs.calibrations.write(metrics)?;
    outputs.reliabilities.write(diagrams)
}

/// Fits calibrators to the subset [`FITTED`].
fn fit(
    network: &[ModelOutput],
    forest: Option<&[ModelOutput]>,
    collection: &Collection,
) -> anyhow::Result<Calibrators> {
    let network: Vec<&ModelOutput> = model_output::of_subset(network, FITTED);
    let logits: Vec<&[f32]> = network
        .iter()
        .map(|image| image.scores.as_slice())
        .collect();
    let actual: Vec<usize> = network.iter().map(|image| image.class_index).collect();
    let forest = forest.map(|forest| {
        let images = model_output::of_subset(forest, FITTED);
        let forecasts = Forecasts::of(
            images
                .iter()
                .map(|image| (image.votes(), image.class_index)),
        )?;
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
