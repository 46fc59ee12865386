//! Stage `linear-probe`: scores and out-of-fold predictions of a linear layer and a forest on features of frozen networks.

mod backbone;
mod classifier;
mod fold_fit;
mod fold_split;
mod out_of_fold;
mod selection;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use forest::Shape;
use linear_probe::{C, streams};
use random::{Seed, Stream};
use rayon::prelude::*;
use serde::Deserialize;
use stage::{Input, Output, Progress};
use table_features::Feature;
use table_folds::Fold;
use table_linear_probes::LinearProbe;
use table_out_of_fold::OutOfFold;
use tables::Subset;

use backbone::Backbone;
use classifier::Classifier;
use fold_fit::FoldFit;
use fold_split::FoldSplit;
use out_of_fold::out_of_fold;
use selection::{ValidationScore, best_c};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The study's seed.
    seed: Seed,
    /// Values of the linear layer's `C`.
    c: Vec<C>,
    /// Images that a classifier is fitted to, at most, drawn by the seed, of each class in turn one.
    sample: usize,
    /// Shape of the forest.
    forest: Shape,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// A table for each frozen network.
    features: Vec<Input<Feature>>,
    folds: Input<Fold>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    linear_probes: Output<LinearProbe>,
    out_of_fold: Output<OutOfFold>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let split = FoldSplit::of(&inputs.folds.read()?)?;
    let classifiers = classifiers(&params)?;
    ensure!(
        params.sample >= 2 * split.n_classes(),
        "`linear-probe.sample` is {}, expected at least 2 images for each of the {} classes",
        params.sample,
        split.n_classes()
    );
    let task = Task {
        split,
        classifiers,
        sample: params.sample,
        stream: params.seed.stream(streams::LINEAR_PROBE_SAMPLE),
    };
    let split = &task.split;
    let n_fits = inputs.features.len() * task.classifiers.len() * split.folds().len();
    let progress = Progress::start("classifiers", n_fits);
    let (mut probes, mut predictions, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
    for features in &inputs.features {
        let backbone = Backbone::of(features.read()?, split)?;
        progress.message(&backbone.name);
        ensure!(
            names.insert(backbone.name.clone()),
            "two tables have features of `{}`, expected one",
            backbone.name
        );
        let fits = task.fits(&backbone, &progress)?;
        let scores = validation_scores(&fits);
        probes.extend(linear_probes(&backbone, &fits, best_c(&scores))?);
        predictions.extend(out_of_fold(&backbone.name, split, &fits, &scores)?);
    }
    outputs.linear_probes.write(probes)?;
    outputs.out_of_fold.write(predictions)
}

/// Classifiers for each backbone's features.
fn classifiers(params: &Params) -> anyhow::Result<Vec<Classifier>> {
    let mut values = params.c.clone();
    values.sort_by(|a, b| a.value().total_cmp(&b.value()));
    values.dedup();
    ensure!(!values.is_empty(), "`c` is empty, expected at least one");
    let forest = Classifier::Forest {
        shape: params.forest,
        seed: params.seed.stream(streams::LINEAR_PROBE).number(),
    };
    let linear = values.into_iter().map(Classifier::Linear);
    Ok(linear.chain([forest]).collect())
}

/// Classifiers and rows that are fitted for each backbone.
struct Task {
    split: FoldSplit,
    classifiers: Vec<Classifier>,
    /// Images of a fit, at most.
    sample: usize,
    stream: Stream,
}

impl Task {
    /// Every classifier, fitted in every fold.
    fn fits(&self, backbone: &Backbone, progress: &Progress) -> anyhow::Result<Vec<FoldFit<'_>>> {
        let folds = self.split.folds();
        let fits: Vec<(&Classifier, u32)> = self
            .classifiers
            .iter()
            .flat_map(|classifier| folds.iter().map(move |&fold| (classifier, fold)))
            .collect();
        let fits = fits.into_par_iter().map(|(classifier, fold)| {
            let fit = self.in_fold(backbone, classifier, fold).with_context(|| {
                let (kind, name) = (classifier.name(), &backbone.name);
                format!("cannot score a {kind} classifier of `{name}` in fold {fold}")
            });
            progress.advance(1);
            fit
        });
        fits.collect()
    }

    fn in_fold<'a>(
        &self,
        backbone: &Backbone,
        classifier: &'a Classifier,
        fold: u32,
    ) -> anyhow::Result<FoldFit<'a>> {
        let split = &self.split;
        let train = split.images(Subset::Train, fold);
        let train = split.sample(train, self.sample, &self.stream, fold);
        let rows = backbone.rows(&train);
        let fitted = classifier.fit(&rows, &split.labels(&train), split.n_classes())?;
        if !fitted.has_converged() {
            tracing::warn!(
                "the linear layer on `{}` with `C` = {} has not converged in fold {fold}",
                backbone.name,
                classifier.c().unwrap_or_default()
            );
        }
        FoldFit::of(&fitted, classifier, fold, backbone, split)
    }
}

/// Scores of the linear layers on the validation images.
fn validation_scores(fits: &[FoldFit<'_>]) -> Vec<ValidationScore> {
    let score = |fit: &FoldFit<'_>| {
        Some(ValidationScore {
            c: fit.classifier.c()?,
            fold: fit.fold,
            score: fit.score,
        })
    };
    fits.iter().filter_map(score).collect()
}

/// Metrics of the classifiers; those of the forest and of the linear layers with `best_c` are marked as selected.
fn linear_probes(
    backbone: &Backbone,
    fits: &[FoldFit<'_>],
    best_c: Option<f64>,
) -> anyhow::Result<Vec<LinearProbe>> {
    let features = u32::try_from(backbone.n_features())?;
    let of_fit = |fit: &FoldFit<'_>| {
        let (classifier, fold) = (fit.classifier, fit.fold);
        let metrics = fit.metrics.iter();
        let rows = metrics.map(move |&(subset, metric, value)| LinearProbe {
            backbone: backbone.name.clone(),
            pretrained: backbone.pretrained,
            features,
            classifier: classifier.name().to_owned(),
            c: classifier.c(),
            selected: classifier.c().is_none() || classifier.c() == best_c,
            fold,
            subset,
            metric: metric.to_owned(),
            value,
        });
        rows.collect::<Vec<_>>()
    };
    Ok(fits.iter().flat_map(of_fit).collect())
}
