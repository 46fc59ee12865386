//! Predictions of the folds' networks and of the selected one.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use metrics::Collection;
use metrics::cross_validation::FoldEpochs;
use table_folds::Fold;
use table_out_of_fold::OutOfFold;
use table_predictions::Prediction;
use tables::{Assignment, Subset};

use crate::fold_outputs::{FoldOutputs, Logits};
use crate::predictions::{ImagePrediction, Model, of_logits};

/// Name of the folds' networks.
pub(crate) const NETWORK: &str = "network";
/// Name of the selected one.
pub(crate) const SELECTED: &str = "selected network";

/// The folds' networks in their scored epochs: validation images by the network of their fold, test images by the
/// ensemble of all.
pub(crate) fn cross_validated(
    outputs: &[FoldOutputs],
    folds: &[Fold],
    collection: &Collection,
) -> anyhow::Result<Model> {
    Ok(Model {
        name: NETWORK,
        features: None,
        compared_as: NETWORK.to_owned(),
        n_models: outputs.len(),
        is_cross_validated: true,
        depends_on_images: true,
        validation: validation(outputs, |it| &it.validation, folds, collection)?,
        test: test(outputs, folds, collection)?,
    })
}

/// Validation images by the network of their fold in the fold's own epoch.
pub(crate) fn in_own_epochs(
    outputs: &[FoldOutputs],
    folds: &[Fold],
    collection: &Collection,
) -> anyhow::Result<Vec<ImagePrediction>> {
    validation(outputs, |it| &it.own, folds, collection)
}

/// The selected network, of fold `fold`.
pub(crate) fn selected(
    rows: Vec<Prediction>,
    fold: u32,
    collection: &Collection,
) -> anyhow::Result<Model> {
    let of = |subset: Subset, fold: Option<u32>| {
        let rows = rows.iter().filter(|row| row.subset == subset);
        rows.map(|row| of_logits(&row.path, &row.label, &row.logits, fold, collection))
            .collect::<anyhow::Result<Vec<_>>>()
    };
    Ok(Model {
        name: SELECTED,
        features: None,
        compared_as: SELECTED.to_owned(),
        n_models: 1,
        is_cross_validated: false,
        depends_on_images: true,
        validation: of(Subset::Validation, Some(fold))?,
        test: of(Subset::Test, None)?,
    })
}

fn validation(
    outputs: &[FoldOutputs],
    epoch: impl Fn(&FoldOutputs) -> &Logits,
    folds: &[Fold],
    collection: &Collection,
) -> anyhow::Result<Vec<ImagePrediction>> {
    let outputs: BTreeMap<u32, &Logits> = { outputs.iter() }
        .map(|fold| (fold.fold, epoch(fold)))
        .collect();
    let mut images = Vec::new();
    for row in folds {
        let Assignment::Fold(fold) = row.fold else {
            continue;
        };
        let of_fold = outputs.get(&fold);
        let of_fold = of_fold.with_context(|| {
            format!("fold {fold} has images and no network, expected a network for each fold")
        })?;
        let logits = of_fold.get(&row.path);
        let logits = logits.with_context(|| no_output(fold, &row.path))?;
        images.push(of_logits(
            &row.path,
            &row.label,
            logits,
            Some(fold),
            collection,
        )?);
    }
    let n_outputs: usize = outputs.values().map(|logits| logits.len()).sum();
    ensure!(
        n_outputs == images.len(),
        "the networks have outputs for {n_outputs} validation images, `folds` has {}",
        images.len()
    );
    Ok(images)
}

/// Test images by the ensemble.
fn test(
    outputs: &[FoldOutputs],
    folds: &[Fold],
    collection: &Collection,
) -> anyhow::Result<Vec<ImagePrediction>> {
    let mut images = Vec::new();
    for row in folds.iter().filter(|row| row.fold == Assignment::Test) {
        let networks = outputs.iter().map(|fold| {
            let logits = fold.test.get(&row.path).map(Vec::as_slice);
            logits.with_context(|| no_output(fold.fold, &row.path))
        });
        let networks = networks.collect::<anyhow::Result<Vec<_>>>()?;
        let same = networks
            .iter()
            .all(|logits| logits.len() == networks[0].len());
        ensure!(
            same,
            "the networks have logits of different numbers of classes for the image `{}`",
            row.path
        );
        let logits = metrics::ensemble(&networks);
        images.push(of_logits(&row.path, &row.label, &logits, None, collection)?);
    }
    Ok(images)
}

fn no_output(fold: u32, path: &str) -> String {
    format!("the network of fold {fold} has no output for the image `{path}`")
}

/// The network's rows of `out_of_fold`.
pub(crate) fn rows(
    network: &Model,
    epochs: &[FoldEpochs],
    collection: &Collection,
) -> anyhow::Result<Vec<OutOfFold>> {
    let mut rows = Vec::new();
    for (subset, images) in network.subsets() {
        for image in images {
            let scored = image.scored.first();
            let scored = scored.with_context(|| format!("no prediction of `{}`", image.path))?;
            let of_fold = epochs.iter().find(|row| Some(row.fold) == image.fold);
            rows.push(OutOfFold {
                model: network.name.to_owned(),
                features: None,
                path: image.path.clone(),
                label: collection.labels()[scored.actual].clone(),
                subset,
                fold: image.fold,
                epoch: of_fold.map(|row| row.scored),
                probabilities: image.probabilities.clone(),
                predicted: collection.labels()[scored.predicted].clone(),
            });
        }
    }
    Ok(rows)
}
