//! Features of a frozen network.

use ::inference::{FrozenNetwork, extract_features};
use serde_json::json;
use trainer::DecodedImages;

use crate::answer::Measurement;
use crate::case::{Case, Peer, Quality, Work};
use crate::decoded::{SIDE_PX, annotations};
use crate::network::{Inputs, network};
use crate::workbench::{CLASSES, Workbench, text};

/// Images of a batch of PyTorch's side.
const BATCH: usize = 64;

/// Pooled features of a frozen ResNet-18 at 224 pixels.
///
/// The same: weights, images, threads. Different: ours reads decoded pixels, cuts and normalizes them; PyTorch's inputs
/// are ready in memory, channels last, in batches of 64.
pub(crate) const CASE: Case = Case {
    name: "features",
    peers: &[Peer {
        name: "PyTorch",
        function: "features",
        goal: 0.6,
    }],
    quality: Some(Quality {
        name: "mean feature",
        tolerance: Some(1e-3),
    }),
    by_name_only: false,
    prepare,
};

fn prepare(bench: &Workbench) -> anyhow::Result<Vec<Work>> {
    let decoded = &bench.collection()?.decoded;
    let paths = decoded.some(bench.sample());
    let network = network()?;
    let weights = bench.path("features.safetensors");
    network.save(&weights)?;
    let network = network.into_constant()?;
    let request = json!({
        "images": Inputs::read(decoded, &paths, SIDE_PX)?.write(bench, "features")?,
        "weights": text(&weights)?,
        "batch": BATCH,
    });
    let annotations = annotations(&paths, CLASSES);
    let source = DecodedImages::open(&decoded.pixels, &annotations, SIDE_PX)?;
    let extract = move || -> anyhow::Result<Vec<Vec<f32>>> {
        let frozen = FrozenNetwork {
            backbone: "resnet18",
            pretrained: false,
            device: network.device(),
            features: &|images| Ok(network.features(images)?),
        };
        let rows = extract_features(&frozen, &source, &annotations, |_| ())?;
        Ok(rows.into_iter().map(|row| row.features).collect())
    };
    Ok(vec![Work {
        size: format!("{} images at {SIDE_PX} px", paths.len()),
        request,
        ours: Box::new(move || {
            let (measured, features) = Measurement::of(&extract)?;
            let values: Vec<f32> = features.concat();
            let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
            Ok(measured.with(sum / values.len() as f64))
        }),
        warm_up: true,
    }])
}
