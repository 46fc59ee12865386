//! Stage `preflight`: all settings are checked against the collection and the machine, before anything trains.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{bail, ensure};
use preflight::{
    Finding, FoldSplit, Footprint, Settings, available_memory, check_fine_tuning, check_forest,
    check_resources, check_settings, check_split, free_disk, in_units, listed,
};
use serde::Deserialize;
use stage::{Input, InputPath, OutputPath};
use table_annotations::Annotation;
use table_folds::Fold;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// The images.
    annotations: Input<Annotation>,
    /// The study's own split.
    folds: Input<Fold>,
    /// Folds by class and author.
    by_class: Input<Fold>,
    /// Folds by image.
    at_random: Input<Fold>,
    /// Pretrained weights.
    weights: Option<InputPath>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    /// Estimated memory, disk and images of the trainings, as text.
    summary: OutputPath,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(settings: Settings, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let annotations = inputs.annotations.read()?;
    let folds = inputs.folds.read()?;
    ensure!(
        annotations.len() == folds.len(),
        "{} images are annotated, {} are in the folds",
        annotations.len(),
        folds.len()
    );
    let own = FoldSplit::of("of the study", &folds);
    let mut findings = Vec::new();
    check_settings(&settings, &own, &mut findings);
    check_fine_tuning(&settings, inputs.weights.is_some(), &mut findings);
    check_forest(&settings, &mut findings);
    check_split(&own, &(0..settings.split.folds).collect(), &mut findings);
    let compared = BTreeSet::from([settings.leakage.fold]);
    for (name, folds) in [
        ("by class", &inputs.by_class),
        ("at random", &inputs.at_random),
    ] {
        check_split(
            &FoldSplit::of(name, &folds.read()?),
            &compared,
            &mut findings,
        );
    }
    let footprint = Footprint::of(&settings, &own);
    let folder = outputs.summary.parent().unwrap_or(Path::new("."));
    check_resources(
        &settings,
        footprint,
        available_memory(),
        free_disk(folder),
        &mut findings,
    );
    check_device(&settings, &mut findings);
    if let Some(weights) = &inputs.weights {
        check_weights(&settings, weights, &mut findings);
    }
    if !findings.is_empty() {
        bail!("{}", listed(&findings));
    }
    let summary = summary(&settings, &own, footprint);
    for line in summary.lines() {
        tracing::info!("{line}");
    }
    fs_err::write(&*outputs.summary, summary)?;
    Ok(())
}

fn check_device(settings: &Settings, findings: &mut Vec<Finding>) {
    if let Err(error) = model::device(&settings.device) {
        findings.push(Finding::new(
            format!("the device `{}` doesn't open: {error:#}", settings.device),
            "set `device = \"cpu\"`",
        ));
    }
}

fn check_weights(settings: &Settings, weights: &Path, findings: &mut Vec<Finding>) {
    let checked = model::weights::inspect(weights)
        .and_then(|summary| summary.check(settings.resnet, settings.freeze()));
    if let Err(error) = checked {
        findings.push(Finding::new(
            format!("the pretrained weights cannot be used: {error:#}"),
            "set `model.weights` to a file of a ResNet's weights and `model.resnet` to its depth, or `model.weights = \"\"` \
             to start from nothing",
        ));
    }
}

/// Estimated memory, disk and images of the trainings; the same on every machine.
fn summary(settings: &Settings, split: &FoldSplit, footprint: Footprint) -> String {
    let labels = split.labels();
    let mut text = format!("{} images of {} classes\n", split.len(), labels.len());
    for fold in 0..settings.split.folds {
        let _ = writeln!(
            text,
            "fold {fold}: {} training images, {} for validation",
            split.trained_on(fold, &labels),
            split.validated_on(fold)
        );
    }
    let _ = writeln!(
        text,
        "about {} of memory for a training step, {} of disk for all outputs",
        in_units(footprint.step),
        in_units(footprint.outputs)
    );
    text
}
