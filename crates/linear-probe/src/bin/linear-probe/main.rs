//! Stage `linear-probe`: accuracy of a linear layer and a forest on features of frozen networks, fold by fold.

mod classifier;
mod fold_split;
mod selection;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use forest::Shape;
use linear_probe::{C, streams};
use numeric::top_k_accuracy;
use random::{Seed, Stream};
use rayon::prelude::*;
use serde::Deserialize;
use stage::{Input, Output, Progress};
use table_features::Feature;
use table_folds::Fold;
use table_linear_probes::LinearProbe;
use tables::Subset;

use classifier::Classifier;
use fold_split::FoldSplit;

/// Scores: top-1 and top-2, as far as there are more classes.
const TOP: [(usize, &str); 2] = [(1, "top1"), (2, "top2")];

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
    let (mut probes, mut names) = (Vec::new(), BTreeSet::new());
    for features in &inputs.features {
        let backbone = Backbone::of(features.read()?, split)?;
        progress.message(&backbone.name);
        ensure!(
            names.insert(backbone.name.clone()),
            "two tables have features of `{}`, expected one",
            backbone.name
        );
        probes.extend(task.scores(&backbone, &progress)?);
    }
    outputs.linear_probes.write(probes)
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

/// A frozen network with its features of the images, in the order of the split.
struct Backbone {
    name: String,
    pretrained: bool,
    features: Vec<Vec<f32>>,
}

impl Backbone {
    fn of(rows: Vec<Feature>, split: &FoldSplit) -> anyhow::Result<Self> {
        let first = rows.first().context("a table of features has no rows")?;
        let (name, pretrained) = (first.backbone.clone(), first.pretrained);
        split
            .check(rows.iter().map(|row| row.path.as_str()))
            .with_context(|| format!("cannot use the features of `{name}`"))?;
        Ok(Self {
            name,
            pretrained,
            features: rows.into_iter().map(|row| row.features).collect(),
        })
    }

    fn rows(&self, images: &[usize]) -> Vec<&[f32]> {
        let rows = images.iter();
        rows.map(|&image| self.features[image].as_slice()).collect()
    }
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
    /// Scores of every classifier in every fold, with those of the best `C` marked.
    fn scores(&self, backbone: &Backbone, progress: &Progress) -> anyhow::Result<Vec<LinearProbe>> {
        let folds = self.split.folds();
        let fits: Vec<(&Classifier, u32)> = self
            .classifiers
            .iter()
            .flat_map(|classifier| folds.iter().map(move |&fold| (classifier, fold)))
            .collect();
        let scores = fits.into_par_iter().map(|(classifier, fold)| {
            let rows = self.in_fold(backbone, classifier, fold).with_context(|| {
                let (kind, name) = (classifier.name(), &backbone.name);
                format!("cannot score a {kind} classifier of `{name}` in fold {fold}")
            });
            progress.advance(1);
            rows
        });
        let mut probes = scores.collect::<anyhow::Result<Vec<_>>>()?.concat();
        selection::mark(&mut probes);
        Ok(probes)
    }

    fn in_fold(
        &self,
        backbone: &Backbone,
        classifier: &Classifier,
        fold: u32,
    ) -> anyhow::Result<Vec<LinearProbe>> {
        let split = &self.split;
        let train = split.images(Subset::Train, fold);
        let train = split.sample(train, self.sample, &self.stream, fold);
        let n_classes = split.n_classes();
        let fitted = classifier.fit(&backbone.rows(&train), &split.labels(&train), n_classes)?;
        if !fitted.has_converged() {
            tracing::warn!(
                "the linear layer on `{}` with `C` = {} has not converged in fold {fold}",
                backbone.name,
                classifier.c().unwrap_or_default()
            );
        }
        let mut probes = Vec::new();
        for subset in Subset::OF_SPLIT {
            let images = split.images(subset, fold);
            if images.is_empty() {
                continue;
            }
            let labels = split.labels(&images);
            let probabilities = fitted.probabilities(&backbone.rows(&images))?;
            // Top-k of `k` classes is always right.
            for (k, metric) in TOP.into_iter().filter(|(k, _)| *k < n_classes) {
                let rows = probabilities.iter().map(Vec::as_slice);
                let rows = rows.zip(labels.iter().copied());
                probes.push(LinearProbe {
                    backbone: backbone.name.clone(),
                    pretrained: backbone.pretrained,
                    features: u32::try_from(backbone.features[0].len())?,
                    classifier: classifier.name().to_owned(),
                    c: classifier.c(),
                    selected: false,
                    fold,
                    subset,
                    metric: metric.to_owned(),
                    value: top_k_accuracy(rows, n_classes, k),
                });
            }
        }
        Ok(probes)
    }
}
