//! Stage `cross-validation`: cross-validated metrics of the network beside those of its baselines.

mod baselines;
mod fold_outputs;
mod network;
mod predictions;
mod rows;
mod summary;

use std::process::ExitCode;

use anyhow::{Context, anyhow};
use metrics::cross_validation::{FoldEpochs, SelectedBy, fold_epochs, selected_by};
use metrics::{Collection, class_report_rows, confusion_rows};
use random::Seed;
use serde::Deserialize;
use stage::{Input, Output, OutputPath};
use table_class_reports::ClassReport;
use table_comparisons::Comparison;
use table_confusion::Confusion;
use table_cross_validation::CrossValidation;
use table_epoch_outputs::EpochOutput;
use table_fold_scores::FoldScore;
use table_folds::Fold;
use table_history::{EpochSelection, History};
use table_optimism::Optimism;
use table_out_of_fold::OutOfFold;
use table_predictions::Prediction;
use table_selection::Selection;

use crate::predictions::{ImagePrediction, Model};
use crate::rows::{FoldScores, Intervals};
use crate::summary::Summary;

/// Parameters of the metrics.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Seeds all of the stage's randomness.
    seed: Seed,
    /// Replicates of the bootstrap, which resamples authors; 0 for no intervals.
    bootstrap: u64,
    /// Selection of the epoch that stage `train` saves.
    selection: EpochSelection,
    /// Layers of the network's ResNet, whose frozen features the first baselines read.
    resnet: u32,
}

/// Outputs of the folds' networks, and predictions of what they are compared with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// Classes, authors and folds of the images.
    folds: Input<Fold>,
    /// The training history of each fold.
    histories: Vec<Input<History>>,
    /// Outputs of every epoch, a table a fold.
    epoch_outputs: Vec<Input<EpochOutput>>,
    /// The selected fold and epoch.
    selection: Input<Selection>,
    /// Predictions of the selected network.
    predictions: Input<Prediction>,
    /// Predictions of classifiers on frozen features, out of fold.
    probes: Input<OutOfFold>,
}

/// Tables of cross-validated metrics, and a summary.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// The network's predictions out of fold.
    out_of_fold: Output<OutOfFold>,
    /// Metrics of each fold.
    fold_scores: Output<FoldScore>,
    /// Metrics over all folds, and of the test set.
    cross_validation: Output<CrossValidation>,
    /// Confusion matrices over all folds, and of the test set.
    confusion: Output<Confusion>,
    /// Metrics of each class over all folds, and of the test set.
    class_reports: Output<ClassReport>,
    /// Differences of the network and its baselines.
    comparisons: Output<Comparison>,
    /// Optimism of the selected network's metrics.
    optimism: Output<Optimism>,
    /// The main metrics as text.
    summary: OutputPath,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let study = Study::read(&params, &inputs)?;
    let fold_scores = study.fold_scores();
    let optimism = rows::optimism(
        &fold_scores.values(&study.in_own_epochs),
        &fold_scores.values(&study.network.validation),
        study.selected_fold,
        &study.collection,
    )?;
    let (table, comparisons) = study.compare(&params)?;
    let summary = Summary {
        table: &table,
        comparisons: &comparisons,
        optimism: &optimism,
        selection: &study.selection,
        selected_by: study.selected_by,
    };
    let summary = summary.text();
    for line in summary.lines() {
        tracing::info!("{line}");
    }
    fs_err::write(&*outputs.summary, summary)?;
    let network = network::rows(&study.network, &study.epochs, &study.collection)?;
    outputs.out_of_fold.write(network)?;
    let fold_scores = fold_scores.rows(&study.network, &study.in_own_epochs, &study.baselines)?;
    outputs.fold_scores.write(fold_scores)?;
    outputs.cross_validation.write(table)?;
    let (confusion, class_reports) = study.by_class()?;
    outputs.confusion.write(confusion)?;
    outputs.class_reports.write(class_reports)?;
    outputs.comparisons.write(comparisons)?;
    outputs.optimism.write(optimism)
}

/// Predictions of all models, with the selection of the network's epochs.
struct Study {
    collection: Collection,
    epochs: Vec<FoldEpochs>,
    selected_by: SelectedBy,
    selection: Selection,
    /// Place of the selected fold in `epochs`.
    selected_fold: usize,
    /// The folds' networks in their scored epochs.
    network: Model,
    /// Validation images by the folds' networks in the epochs that were saved.
    in_own_epochs: Vec<ImagePrediction>,
    /// The selected network.
    selected: Model,
    baselines: Vec<Model>,
}

impl Study {
    fn read(params: &Params, inputs: &Inputs) -> anyhow::Result<Self> {
        let folds = inputs.folds.read()?;
        let images = folds
            .iter()
            .map(|row| (row.path.as_str(), row.label.as_str(), row.author.as_deref()));
        let collection = Collection::of(images);
        let histories = { inputs.histories.iter() }
            .map(Input::read)
            .collect::<Result<Vec<_>, _>>()?;
        let epochs = fold_epochs(&histories.concat(), params.selection)?;
        let [selection] = <[Selection; 1]>::try_from(inputs.selection.read()?)
            .map_err(|rows| anyhow!("`selection` has {} rows, expected 1", rows.len()))?;
        let place = epochs.iter().position(|row| row.fold == selection.fold);
        let place = place.with_context(|| format!("fold {} has no history", selection.fold))?;

        let outputs = fold_outputs::read(&inputs.epoch_outputs, &epochs)?;
        let predictions = inputs.predictions.read()?;
        let backbone = format!("resnet{}", params.resnet);
        let probes = baselines::probes(inputs.probes.read()?, &epochs, &backbone, &collection)?;
        let guesses = baselines::without_images(&folds, &epochs, &collection)?;
        Ok(Self {
            selected_by: selected_by(epochs.len(), params.selection),
            selected_fold: place,
            network: network::cross_validated(&outputs, &folds, &collection)?,
            in_own_epochs: network::in_own_epochs(&outputs, &folds, &collection)?,
            selected: network::selected(predictions, selection.fold, &collection)?,
            baselines: [probes, guesses].concat(),
            collection,
            epochs,
            selection,
        })
    }

    fn fold_scores(&self) -> FoldScores<'_> {
        FoldScores {
            collection: &self.collection,
            epochs: &self.epochs,
            selected_by: self.selected_by,
        }
    }

    /// Rows of `confusion` and `class_reports`, of the models that depend on the images.
    fn by_class(&self) -> anyhow::Result<(Vec<Confusion>, Vec<ClassReport>)> {
        let (mut confusion, mut reports) = (Vec::new(), Vec::new());
        let models = [&self.network].into_iter().chain(&self.baselines);
        for model in models.filter(|model| model.depends_on_images) {
            for (subset, images) in model.subsets() {
                let name = &model.compared_as;
                let counts = predictions::counts(images, self.collection.labels().len());
                confusion.extend(confusion_rows(name, subset, &counts, &self.collection)?);
                reports.extend(class_report_rows(name, subset, &counts, &self.collection)?);
            }
        }
        Ok((confusion, reports))
    }

    /// Rows of `cross_validation` and `comparisons`.
    fn compare(&self, params: &Params) -> anyhow::Result<(Vec<CrossValidation>, Vec<Comparison>)> {
        let intervals = Intervals {
            collection: &self.collection,
            seed: params.seed,
            bootstrap: params.bootstrap,
        };
        let mut table = rows::cross_validation(&self.network, &intervals)?;
        table.extend(rows::cross_validation(&self.selected, &intervals)?);
        let mut comparisons = rows::against_selected(&self.network, &self.selected, &intervals)?;
        for baseline in &self.baselines {
            table.extend(rows::cross_validation(baseline, &intervals)?);
            comparisons.extend(rows::comparisons(&self.network, baseline, &intervals)?);
        }
        Ok((table, comparisons))
    }
}
