//! Stage `attribution`: occlusion maps and Grad-CAM of some images that the selected network was not trained on.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use anyhow::Context;
use attribution::{
    AttributionError, Limits, OcclusionWindows, cam_layer, grad_cam, occlusion, pick, range,
};
use candle_core::Tensor;
use images::{Pixels, Preprocess, View};
use model::{Config, Depth, Network};
use numeric::{Classes, ranking, softmax};
use random::Seed;
use serde::Deserialize;
use stage::{Input, InputPath, Output, Progress};
use table_attributions::Attribution;
use table_predictions::Prediction;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The study's seed.
    seed: Seed,
    /// Class of the device: `cpu`, `metal` or `cuda`.
    device: String,
    /// Depth of the ResNet: 18, 34, 50, 101 or 152.
    resnet: Depth,
    /// `true` if the ResNet's classifier is kept, between features and embedder.
    classifier: bool,
    /// Dimensions of the embedding.
    embedding_size: NonZeroUsize,
    /// Images of each class, at most.
    per_class: usize,
    /// Images all together, at most.
    max_images: usize,
    /// Cells of the occlusion map along each side.
    cells: usize,
    /// Cells along each side of a blanked window.
    window: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    model: InputPath,
    predictions: Input<Prediction>,
    pixels: InputPath,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    attributions: Output<Attribution>,
}

// Every batch needs the same large blocks again.
#[global_allocator]
static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let predictions = inputs.predictions.read()?;
    let attributor = Attributor {
        windows: OcclusionWindows::new(params.cells, params.window)
            .context("cannot use `cells` and `window`")?,
        classes: classes(&predictions)?,
        network: network(&params, &inputs.model, &predictions)?,
        pixels: Pixels::open(&inputs.pixels)?,
    };
    let stream = params.seed.stream(attribution::streams::ATTRIBUTION);
    let limits = Limits {
        per_class: params.per_class,
        total: params.max_images,
    };
    let picked = pick(&predictions, &attributor.classes, limits, &stream);
    let progress = Progress::start("images", picked.len());
    let mut rows = Vec::with_capacity(picked.len());
    for row in picked {
        let prediction = &predictions[row];
        let attribution = attributor.attribute(prediction);
        rows.push(attribution.with_context(|| {
            format!("cannot attribute the prediction of `{}`", prediction.path)
        })?);
        progress.advance(1);
    }
    outputs.attributions.write(rows)
}

/// Network, images and settings of the attributions.
struct Attributor {
    network: Network,
    classes: Classes,
    pixels: Pixels,
    windows: OcclusionWindows,
}

impl Attributor {
    fn attribute(&self, prediction: &Prediction) -> anyhow::Result<Attribution> {
        let probabilities = softmax(&prediction.logits, 1.0);
        let ranking = ranking(&prediction.logits);
        let class = self.classes.index(&prediction.label);
        let class = class.context("every label is a class")?;
        let image = self.image(&prediction.path)?;
        let probability_drops = occlusion(&self.network, &image, class, self.windows)?;
        let layer = cam_layer(image.dim(0)?, image.dim(1)?);
        let cam = grad_cam(&self.network, &image, class, layer)?;
        Ok(Attribution {
            path: prediction.path.clone(),
            label: prediction.label.clone(),
            subset: prediction.subset,
            top1: self.classes.names()[ranking[0]].clone(),
            top1_probability: probabilities[ranking[0]],
            top2: self.classes.names()[ranking[1]].clone(),
            top2_probability: probabilities[ranking[1]],
            probability: probabilities[class],
            range: range(&probability_drops),
            cells: u32::try_from(self.windows.cells())?,
            window: u32::try_from(self.windows.window())?,
            probability_drops: probability_drops.into_iter().map(to_f32).collect(),
            cam_layer: layer.name().to_owned(),
            cam_side: u32::try_from(cam.dim(0)?)?,
            cam: cam.flatten_all()?.to_vec1()?,
        })
    }

    /// Network input of an image, `[side, side, 3]`.
    fn image(&self, path: &str) -> anyhow::Result<Tensor> {
        let position = self.pixels.position(path);
        let position = position.context("`pixels` has no such image")?;
        let mut buffer = Vec::new();
        let image = self.pixels.read(position, &mut buffer)?;
        let side = self.pixels.side_px() as usize;
        Ok(Tensor::from_vec(
            Preprocess::new(self.pixels.geometry()).image(&image, View::CENTER),
            (side, side, 3),
            self.network.device(),
        )?)
    }
}

/// Classes of the images, which are those of the network.
fn classes(predictions: &[Prediction]) -> Result<Classes, AttributionError> {
    let classes = Classes::of(predictions.iter().map(|row| row.label.as_str()));
    match predictions
        .iter()
        .find(|row| row.logits.len() != classes.len())
    {
        Some(row) => Err(AttributionError::Classes {
            path: row.path.clone(),
            found: row.logits.len(),
            expected: classes.len(),
        }),
        None => Ok(classes),
    }
}

fn network(
    params: &Params,
    model: &InputPath,
    predictions: &[Prediction],
) -> anyhow::Result<Network> {
    let first = predictions.first().context("`predictions` has no rows")?;
    let config = Config {
        depth: params.resnet,
        classifier: params.classifier,
        embedding_size: params.embedding_size.get(),
        n_classes: first.logits.len(),
    };
    let device = model::device(&params.device)?;
    Network::open(&config, &device, model).context("cannot load the selected model")
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "tables hold probabilities as f32"
)]
fn to_f32(probability: f64) -> f32 {
    probability as f32
}
