//! Attribution of predictions.

use ::attribution::{OcclusionWindows, cam_layer, grad_cam, occlusion};
use model::Network;
use serde_json::json;

use crate::answer::Measurement;
use crate::case::{Case, Peer, Quality, Work};
use crate::network::{Inputs, mean, network};
use crate::workbench::{CLASSES, Workbench, text};

const IMAGES: usize = 24;
const SIDE_PX: u32 = 128;

/// Cells of a map along each side, and cells of a window: windows of 16 pixels at distances of 8.
const CELLS: usize = 16;
const WINDOW: usize = 2;

/// Images of a forward pass of the occlusion.
const BATCH: usize = 32;

/// Occlusion maps and Grad-CAM of 24 images by a ResNet-18 at 128 pixels.
///
/// The same: weights, inputs, windows and their values, images of a forward pass, classes, layer. Different: ours
/// computes Grad-CAM's gradients from the layer on alone; Captum's occlusion gives a value a pixel, ours a value a cell.
pub(crate) const CASE: Case = Case {
    name: "attribution",
    peers: &[Peer {
        name: "Captum",
        function: "attribution",
        goal: 0.5,
    }],
    quality: Some(Quality {
        name: "mean of Grad-CAM",
        tolerance: Some(1e-3),
    }),
    by_name_only: false,
    prepare,
};

fn prepare(bench: &Workbench) -> anyhow::Result<Vec<Work>> {
    let decoded = &bench.collection()?.decoded;
    let paths = decoded.some(IMAGES);
    let inputs = Inputs::read(decoded, &paths, SIDE_PX)?;
    let network = network()?;
    let weights = bench.path("attribution.safetensors");
    network.save(&weights)?;
    let network = network.into_constant()?;
    let cell_px = SIDE_PX as usize / CELLS;
    let request = json!({
        "images": inputs.write(bench, "attribution")?,
        "weights": text(&weights)?,
        "classes": CLASSES,
        "window_px": WINDOW * cell_px,
        "step_px": cell_px,
        "batch": BATCH,
        "layer": cam_layer(SIDE_PX as usize, SIDE_PX as usize).name(),
    });
    let windows = OcclusionWindows::new(CELLS, WINDOW)?;
    Ok(vec![Work {
        size: format!(
            "{} images at {SIDE_PX} px, {} windows",
            paths.len(),
            windows.count()
        ),
        request,
        ours: Box::new(move || {
            let (measured, mean) = Measurement::of(|| attribute(&network, &inputs, windows))?;
            Ok(measured.with(mean))
        }),
        warm_up: true,
    }])
}

/// Attributes each image's class, in turn; returns the mean of the heat maps.
fn attribute(network: &Network, inputs: &Inputs, windows: OcclusionWindows) -> anyhow::Result<f64> {
    let layer = cam_layer(SIDE_PX as usize, SIDE_PX as usize);
    let mut sum = 0.0;
    for image in 0..inputs.images.len() {
        let class = image % CLASSES;
        let values = inputs.tensor(image)?;
        std::hint::black_box(occlusion(network, &values, class, windows)?);
        sum += mean(&grad_cam(network, &values, class, layer)?)?;
    }
    Ok(sum / inputs.images.len() as f64)
}
