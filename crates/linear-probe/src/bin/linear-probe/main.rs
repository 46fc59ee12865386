//! Stage `linear-probe`: how well a linear layer and a forest read the classes from features of frozen networks, fold by
//! fold.

mod classifier;
mod fold_split;
mod selection;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use forest::Shape;
use linear_probe::{Strength, streams};
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
use fold_split::Design;

/// Scores are top-1 and top-2, those of fewer than all classes.
const TOP: [(usize, &str); 2] = [(1, "top1"), (2, "top2")];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The study's seed.
    seed: Seed,
    /// What a linear layer's errors may count against the size of its weights: each is tried.
    c: Vec<Strength>,
    /// Classifiers learn from at most so many images, drawn by the seed, of each class in turn one.
    sample: usize,
    /// The shape of the forest.
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
    probes: Output<LinearProbe>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let design = Design::of(&inputs.folds.read()?)?;
    let classifiers = classifiers(&params)?;
    ensure!(
        params.sample >= 2 * design.n_classes(),
        "`linear-probe.sample` is {}, expected at least 2 images for each of the {} classes",
        params.sample,
        design.n_classes()
    );
    let task = Task {
        design,
        classifiers,
        sample: params.sample,
        stream: params.seed.stream(streams::PROBE_SAMPLE),
    };
    let design = &task.design;
    let n_fits = inputs.features.len() * task.classifiers.len() * design.folds().len();
    let progress = Progress::start("classifiers", n_fits);
    let (mut probes, mut seen) = (Vec::new(), BTreeSet::new());
    for features in &inputs.features {
        let backbone = Backbone::of(features.read()?, design)?;
        progress.message(&backbone.name);
        ensure!(
            seen.insert(backbone.name.clone()),
            "two tables have features of `{}`, expected one",
            backbone.name
        );
        probes.extend(task.judged(&backbone, &progress)?);
    }
    outputs.probes.write(probes)
}

/// All that is tried on each backbone's features.
fn classifiers(params: &Params) -> anyhow::Result<Vec<Classifier>> {
    let mut strengths = params.c.clone();
    strengths.sort_by(|a, b| a.value().total_cmp(&b.value()));
    strengths.dedup();
    ensure!(!strengths.is_empty(), "`c` is empty, expected at least one");
    let forest = Classifier::Forest {
        shape: params.forest,
        seed: params.seed.stream(streams::PROBE).number(),
    };
    let linear = strengths.into_iter().map(Classifier::Linear);
    Ok(linear.chain([forest]).collect())
}

/// A frozen network and what it makes of the images, in the design's order.
struct Backbone {
    name: String,
    pretrained: bool,
    features: Vec<Vec<f32>>,
}

impl Backbone {
    fn of(rows: Vec<Feature>, design: &Design) -> anyhow::Result<Self> {
        let first = rows.first().context("a table of features has no rows")?;
        let (name, pretrained) = (first.backbone.clone(), first.pretrained);
        design
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

/// What is fitted to each backbone's features.
struct Task {
    design: Design,
    classifiers: Vec<Classifier>,
    /// Images that are learned from, at most.
    sample: usize,
    stream: Stream,
}

impl Task {
    /// Every classifier in every fold, those of the best strength marked.
    fn judged(&self, backbone: &Backbone, progress: &Progress) -> anyhow::Result<Vec<LinearProbe>> {
        let folds = self.design.folds();
        let fits: Vec<(&Classifier, u32)> = self
            .classifiers
            .iter()
            .flat_map(|classifier| folds.iter().map(move |&fold| (classifier, fold)))
            .collect();
        let judged = fits.into_par_iter().map(|(classifier, fold)| {
            let rows = self.in_fold(backbone, classifier, fold).with_context(|| {
                let (kind, name) = (classifier.name(), &backbone.name);
                format!("cannot judge a {kind} classifier of `{name}` in fold {fold}")
            });
            progress.advance(1);
            rows
        });
        let mut probes = judged.collect::<anyhow::Result<Vec<_>>>()?.concat();
        selection::mark(&mut probes);
        Ok(probes)
    }

    fn in_fold(
        &self,
        backbone: &Backbone,
        classifier: &Classifier,
        fold: u32,
    ) -> anyhow::Result<Vec<LinearProbe>> {
        let design = &self.design;
        let train = design.images(Subset::Train, fold);
        let train = design.sample(train, self.sample, &self.stream, fold);
        let n_classes = design.n_classes();
        let fitted = classifier.fit(&backbone.rows(&train), &design.labels(&train), n_classes)?;
        if !fitted.has_converged() {
            tracing::warn!(
                "the linear layer on `{}` with strength {} is not at its best in fold {fold}",
                backbone.name,
                classifier.strength().unwrap_or_default()
            );
        }
        let mut probes = Vec::new();
        for subset in Subset::OF_SPLIT {
            let images = design.images(subset, fold);
            if images.is_empty() {
                continue;
            }
            let labels = design.labels(&images);
            let probabilities = fitted.probabilities(&backbone.rows(&images))?;
            // With as many guesses as classes, every image is right.
            for (k, metric) in TOP.into_iter().filter(|(k, _)| *k < n_classes) {
                let rows = probabilities.iter().map(Vec::as_slice);
                let rows = rows.zip(labels.iter().copied());
                probes.push(LinearProbe {
                    backbone: backbone.name.clone(),
                    pretrained: backbone.pretrained,
                    features: u32::try_from(backbone.features[0].len())?,
                    classifier: classifier.name().to_owned(),
                    strength: classifier.strength(),
                    chosen: false,
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
