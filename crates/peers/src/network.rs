//! The network of the cases: a ResNet-18 with random weights, the same on both sides.

use anyhow::Context;
use candle_core::{Device, Tensor};
use images::{Geometry, Pixels, Preprocess, View};
use model::{Config, Depth, Network};
use serde_json::Value;

use crate::decoded::Decoded;
use crate::workbench::{CLASSES, Workbench, rng};

/// The network of a study by default: ImageNet's classifier, an embedding and a head.
///
/// # Errors
/// There is no memory for it.
pub(crate) fn network() -> anyhow::Result<Network> {
    let config = Config {
        depth: Depth::D18,
        classifier: true,
        embedding_size: 32,
        n_classes: CLASSES,
    };
    Ok(Network::new(&config, &Device::Cpu, &mut rng("weights"))?)
}

/// Images as inputs of the network.
pub(crate) struct Inputs {
    /// Values of each image, `[side, side, 3]`.
    pub(crate) images: Vec<Vec<f32>>,
    side: usize,
}

impl Inputs {
    /// The images `paths` as inputs of `side_px`, read from the file of their pixels.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn read(decoded: &Decoded, paths: &[String], side_px: u32) -> anyhow::Result<Self> {
        let pixels = Pixels::open(&decoded.pixels)?;
        let preprocess = Preprocess::of_stored(Geometry::new(side_px)?, pixels.geometry());
        let mut buffer = Vec::new();
        let mut images = Vec::with_capacity(paths.len());
        for path in paths {
            let position = pixels.position(path).context("every image is decoded")?;
            let image = pixels.read(position, &mut buffer)?;
            images.push(preprocess.image(&image, View::CENTER));
        }
        Ok(Self {
            images,
            side: side_px as usize,
        })
    }

    /// An image as a tensor, `[side, side, 3]`.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(crate) fn tensor(&self, image: usize) -> anyhow::Result<Tensor> {
        let shape = (self.side, self.side, 3);
        Ok(Tensor::from_slice(
            &self.images[image],
            shape,
            &Device::Cpu,
        )?)
    }

    /// All images as a batch, `[N, side, side, 3]`.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(crate) fn batch(&self) -> anyhow::Result<Tensor> {
        let shape = (self.images.len(), self.side, self.side, 3);
        Ok(Tensor::from_vec(self.images.concat(), shape, &Device::Cpu)?)
    }

    /// Writes all images for Python, and returns the description of the array.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write(&self, bench: &Workbench, name: &str) -> anyhow::Result<Value> {
        let shape = [self.images.len(), self.side, self.side, 3];
        bench.floats(name, &shape, &self.images.concat())
    }
}

/// The mean of a tensor.
///
/// # Errors
/// It isn't of 32-bit floats.
pub(crate) fn mean(tensor: &Tensor) -> anyhow::Result<f64> {
    let values: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
    Ok(values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64)
}
