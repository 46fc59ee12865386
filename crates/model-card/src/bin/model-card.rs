//! Stage `model-card`: the card of the exported model.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use model_card::{Card, Data, Recipe, Scores, Weights};
use serde::Deserialize;
use serde_json::{Map, Value};
use stage::{Input, InputPath, OutputPath};
use table_annotations::Annotation;
use table_calibrations::Calibration;
use table_comparisons::Comparison;
use table_cross_validation::CrossValidation;
use table_folds::Fold;
use table_near_duplicates::NearDuplicate;
use table_optimism::Optimism;
use table_selection::Selection;

/// Parameters of the stages that made the model, to be listed.
#[derive(Deserialize)]
struct Params {
    /// The root of all randomness.
    seed: Value,
    /// Class of the device: `cpu`, `metal` or `cuda`.
    device: String,
    /// `[decode]`.
    decode: Map<String, Value>,
    /// `[annotate]`.
    annotate: Map<String, Value>,
    /// `[near-duplicates]`.
    #[serde(rename = "near-duplicates")]
    near_duplicates: Map<String, Value>,
    /// `[split]`.
    split: Map<String, Value>,
    /// `[train]`.
    train: Map<String, Value>,
    /// `[evaluation]`.
    evaluation: Map<String, Value>,
    /// `[select]`.
    select: Map<String, Value>,
    /// Of `[model]`, what isn't a path.
    #[serde(flatten)]
    model: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// Configuration of the exported model.
    config: InputPath,
    annotations: Input<Annotation>,
    folds: Input<Fold>,
    near_duplicates: Input<NearDuplicate>,
    selection: Input<Selection>,
    cross_validation: Input<CrossValidation>,
    comparisons: Input<Comparison>,
    optimism: Input<Optimism>,
    calibrations: Input<Calibration>,
    /// Pretrained weights.
    weights: Option<InputPath>,
    /// Names and licenses of known weights.
    catalog: InputPath,
    /// The manifest of the workspace, which has its version.
    manifest: InputPath,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    card: OutputPath,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let config = fs_err::read_to_string(&*inputs.config)?;
    let config = serde_json::from_str(&config).context("cannot read the model's configuration")?;
    let data = Data::of(
        &inputs.annotations.read()?,
        &inputs.folds.read()?,
        &inputs.near_duplicates.read()?,
    );
    let [selection] = <[Selection; 1]>::try_from(inputs.selection.read()?)
        .map_err(|rows| anyhow!("`selection` has {} rows, expected 1", rows.len()))?;
    let card = Card {
        config,
        data,
        recipe: recipe(params, &inputs)?,
        scores: Scores {
            selection,
            cross_validation: inputs.cross_validation.read()?,
            comparisons: inputs.comparisons.read()?,
            optimism: inputs.optimism.read()?,
            calibrations: inputs.calibrations.read()?,
        },
    };
    fs_err::write(&*outputs.card, card.text())?;
    Ok(())
}

fn recipe(params: Params, inputs: &Inputs) -> anyhow::Result<Recipe> {
    let weights = match &inputs.weights {
        Some(path) => Some(weights(path, &inputs.catalog)?),
        None => None,
    };
    let mut recipe = Recipe {
        version: version(&inputs.manifest)?,
        device: params.device,
        seed: params.seed,
        weights,
        settings: BTreeMap::new(),
    };
    recipe.add("annotate", &params.annotate);
    recipe.add("decode", &params.decode);
    recipe.add("evaluation", &params.evaluation);
    recipe.add("model", &params.model);
    recipe.add("near-duplicates", &params.near_duplicates);
    recipe.add("select", &params.select);
    recipe.add("split", &params.split);
    recipe.add("train", &params.train);
    Ok(recipe)
}

fn weights(path: &Path, catalog: &Path) -> anyhow::Result<Weights> {
    let sha256 = digests::of_file(path)?;
    Weights::of(sha256, &fs_err::read_to_string(catalog)?)
        .with_context(|| format!("cannot read the catalog `{}`", catalog.display()))
}

/// Version of the workspace with this manifest.
fn version(manifest: &Path) -> anyhow::Result<String> {
    let text = fs_err::read_to_string(manifest)?;
    let document: toml_edit::DocumentMut = text
        .parse()
        .with_context(|| format!("cannot read the manifest `{}`", manifest.display()))?;
    let version = document
        .get("workspace")
        .and_then(|workspace| workspace.get("package")?.get("version")?.as_str());
    let version = version.with_context(|| {
        format!(
            "`{}` has no text under `version` in `[workspace.package]`",
            manifest.display()
        )
    })?;
    Ok(version.to_owned())
}
