//! A frozen network.

use std::path::Path;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Func, Module as _, VarBuilder};

use crate::weights::Weights;
use crate::{BackboneError, Name};

/// A pretrained network without its head.
pub struct Backbone {
    network: Func<'static>,
    supports_batches: bool,
}

impl Backbone {
    /// The network called `name` with the weights of a safetensors file or one of `torch.save`, whose tensors have timm's
    /// names. A head in the file is ignored.
    ///
    /// # Errors
    /// The file cannot be read, holds the weights of another architecture or numbers that are not finite.
    pub fn load(
        name: &Name,
        path: &Path,
        device: &Device,
    ) -> std::result::Result<Self, BackboneError> {
        let weights = Weights::read(path)?;
        let mismatch = |problems: String| BackboneError::Mismatch {
            path: path.to_owned(),
            name: name.to_string(),
            problems,
        };
        let architecture = name.architecture();
        let builder = VarBuilder::from_backend(Box::new(&weights), DType::F32, device.clone());
        let network = architecture.build(builder);
        let network = network.map_err(|error| mismatch(error.to_string()))?;
        match weights.problems(architecture) {
            problems if problems.is_empty() => Ok(Self {
                network,
                supports_batches: architecture.supports_batches(),
            }),
            problems => Err(mismatch(problems)),
        }
    }

    /// Features of images `[B, H, W, 3]`, normalized by ImageNet's mean and deviation: the mean of the last block's output
    /// over the pixels, `[B, C]`.
    ///
    /// # Errors
    /// The images have another shape or lie on another device.
    pub fn features(&self, images: &Tensor) -> Result<Tensor> {
        let images = images.permute((0, 3, 1, 2))?.contiguous()?;
        if self.supports_batches {
            return self.pooled(&images);
        }
        let each = (0..images.dim(0)?).map(|image| self.pooled(&images.narrow(0, image, 1)?));
        Tensor::cat(&each.collect::<Result<Vec<_>>>()?, 0)
    }

    /// Images `[B, 3, H, W]` to features `[B, C]`.
    fn pooled(&self, images: &Tensor) -> Result<Tensor> {
        self.network.forward(images)?.flatten_from(1)
    }
}
