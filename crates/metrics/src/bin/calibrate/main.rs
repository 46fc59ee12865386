//! Stage `calibrate`: calibrators of the models, fitted to validation images and evaluated on images that they were not
//! fitted to.

mod model_output;
mod rows;
mod variant;

use std::{num::NonZeroUsize, process::ExitCode};

use metrics::{Collection, calibration::Calibrators};
use random::Seed;
use serde::Deserialize;
use stage::{Input, Output, OutputPath};
use table_calibrations::Calibration;
use table_folds::Fold;
use table_forest_predictions::ForestPrediction;
use table_out_of_fold::OutOfFold;
use table_reliabilities::Reliability;

use crate::model_output::Model;

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
    /// Minimum number of images of a subset for a judgment.
    min_images: u64,
    /// Minimum number of wrong images of a subset, and of right ones, for a judgment.
    min_errors: u64,
}

/// Tables of images and predictions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// Classes and authors of the images.
    folds: Input<Fold>,
    /// Predictions of the folds' networks for images that they were not trained on.
    out_of_fold: Input<OutOfFold>,
    /// Predictions of the forest on the selected network's embedding.
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
    let model = Model::network(inputs.out_of_fold.read()?, &collection)?;
    let (network, variants) = variant::of_network(&model, &collection)?;
    tracing::info!(
        "the network's temperature is {:.3}",
        network.temperature.value()
    );
    let mut tables = rows::Tables::default();
    tables.add(&model, &variants, &params)?;

    let forest = match &inputs.forest {
        Some(forest) => {
            let model = Model::forest(forest.read()?, &collection)?;
            let (calibrators, variants) = variant::of_forest(&model, &collection)?;
            tables.add(&model, &variants, &params)?;
            Some(calibrators)
        }
        None => None,
    };
    let calibrators = Calibrators {
        labels: collection.labels().to_vec(),
        network,
        forest,
    };
    warn_of_unseen_classes(&calibrators);
    fs_err::write(
        &*outputs.calibrators,
        serde_json::to_string_pretty(&calibrators)? + "\n",
    )?;
    outputs.calibrations.write(tables.calibrations)?;
    outputs.reliabilities.write(tables.reliabilities)
}

fn warn_of_unseen_classes(calibrators: &Calibrators) {
    let forest = calibrators.forest.as_ref();
    let models = [
        ("network", Some(&calibrators.network.unseen_classes)),
        ("forest", forest.map(|forest| &forest.unseen_classes)),
    ];
    for (model, unseen) in models {
        let unseen = unseen.map(|unseen| unseen.join(", ")).unwrap_or_default();
        if !unseen.is_empty() {
            tracing::warn!(
                "no validation image calibrates the {model} for {unseen}: its probabilities are those that calibration gives the other classes"
            );
        }
    }
}
