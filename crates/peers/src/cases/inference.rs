//! Forward passes of the whole network.

use std::path::Path;
use std::rc::Rc;

use anyhow::Context;
use candle_core::Tensor;
use export::{ImageRules, ModelConfig, Weights, onnx_model};
use images::Geometry;
use model::{Mode, Network};
use prost::Message as _;
use serde_json::json;

use crate::answer::Measurement;
use crate::case::{Case, Peer, Quality, Work};
use crate::decoded::SIDE_PX;
use crate::network::{Inputs, mean, network};
use crate::workbench::{CLASSES, Workbench, text};

const IMAGES: usize = 32;

/// Logits of 32 images at 224 pixels by a ResNet-18 with embedding and head, as one batch and one image at a time.
///
/// The same: weights, inputs in memory, threads. Different: PyTorch's inputs are channels last; onnxruntime and OpenVINO
/// run the file that crate `export` makes of the same weights, with their own optimizations of the graph.
pub(crate) const CASE: Case = Case {
    name: "inference",
    peers: &[
        Peer {
            name: "PyTorch",
            function: "inference_torch",
            goal: 0.8,
        },
        Peer {
            name: "onnxruntime",
            function: "inference_onnx",
            goal: 1.0,
        },
        Peer {
            name: "OpenVINO",
            function: "inference_openvino",
            goal: 1.0,
        },
    ],
    quality: Some(Quality {
        name: "mean logit",
        tolerance: Some(1e-3),
    }),
    by_name_only: false,
    prepare,
};

fn prepare(bench: &Workbench) -> anyhow::Result<Vec<Work>> {
    let decoded = &bench.collection()?.decoded;
    let inputs = Inputs::read(decoded, &decoded.some(IMAGES), SIDE_PX)?;
    let network = network()?;
    let (weights, onnx) = (
        bench.path("inference.safetensors"),
        bench.path("inference.onnx"),
    );
    network.save(&weights)?;
    let network = network.into_constant()?;
    fs_err::write(&onnx, onnx_of(&weights)?)?;
    let network = Rc::new(network);
    let images = inputs.write(bench, "inference")?;
    let batch = inputs.batch()?;
    let n_images = inputs.images.len();
    let work = |batch_size: usize| {
        let (network, batch) = (Rc::clone(&network), batch.clone());
        Ok(Work {
            size: format!("{n_images} images at {SIDE_PX} px, batches of {batch_size}"),
            request: json!({
                "images": &images,
                "weights": text(&weights)?,
                "onnx": text(&onnx)?,
                "batch": batch_size,
            }),
            ours: Box::new(move || {
                let (measured, mean) =
                    Measurement::of(|| mean_logit(&network, &batch, batch_size))?;
                Ok(measured.with(mean))
            }),
            warm_up: true,
        })
    };
    [n_images, 1].into_iter().map(work).collect()
}

fn mean_logit(network: &Network, images: &Tensor, batch_size: usize) -> anyhow::Result<f64> {
    let n_images = images.dim(0)?;
    let mut sum = 0.0;
    for start in (0..n_images).step_by(batch_size) {
        let n = batch_size.min(n_images - start);
        let output = network.forward(&images.narrow(0, start, n)?, Mode::Eval)?;
        sum += mean(&output.logits)? * n as f64;
    }
    Ok(sum / n_images as f64)
}

/// The network in a file of weights as ONNX, with a configuration whose rules of images don't matter here.
fn onnx_of(weights: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = fs_err::read(weights)?;
    let weights = Weights::parse(&bytes)?;
    let classes = (0..CLASSES).map(|class| class.to_string()).collect();
    let rules = ImageRules {
        max_pixels: 1,
        max_aspect: 1,
        exif_orientation: true,
    };
    let config = ModelConfig::new(&weights, classes, Geometry::new(SIDE_PX)?, rules)?;
    let model = onnx_model(&weights, &config).context("cannot convert the network to ONNX")?;
    Ok(model.encode_to_vec())
}
