//! Weights of a network as stored in its file.

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::ExportError;

/// Weights and running statistics by torchvision's names, borrowed from a file's bytes.
pub struct Weights<'a>(SafeTensors<'a>);

impl<'a> Weights<'a> {
    /// The tensors of a safetensors file.
    ///
    /// # Errors
    /// The bytes are no safetensors file.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ExportError> {
        Ok(Self(SafeTensors::deserialize(bytes)?))
    }

    /// Returns whether there is a tensor of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.tensor(name).is_ok()
    }

    /// The `f32` tensor of that name and rank.
    ///
    /// # Errors
    /// The tensor is missing, or of another type or rank, or has numbers that are not finite.
    pub(crate) fn get(&self, name: &str, rank: usize) -> Result<TensorView<'_>, ExportError> {
        let tensor = self.0.tensor(name)?;
        if tensor.dtype() == Dtype::F32 && tensor.shape().len() == rank {
            check_finite(name, tensor.data())?;
            return Ok(tensor);
        }
        Err(ExportError::Tensor {
            name: name.to_owned(),
            found: format!("{:?} of {:?}", tensor.shape(), tensor.dtype()),
            expected: rank,
        })
    }

    /// Blocks in each of the ResNet's four stages.
    pub(crate) fn blocks(&self) -> [usize; 4] {
        [1, 2, 3, 4].map(|stage| {
            let blocks = (0..).take_while(|i| self.has(&format!("layer{stage}.{i}.conv1.weight")));
            blocks.count()
        })
    }

    /// Returns whether the ResNet has its own classifier.
    pub(crate) fn has_classifier(&self) -> bool {
        self.has("fc.weight")
    }

    /// Layers of the ResNet, as its name counts them: 18, 34, 50, ….
    #[must_use]
    pub fn depth(&self) -> usize {
        let convolutions = if self.has("layer1.0.conv3.weight") {
            3
        } else {
            2
        };
        // The stem's convolution and the classifier are layers too, kept or not.
        self.blocks().iter().sum::<usize>() * convolutions + 2
    }

    /// `[K, D]` of the head.
    ///
    /// # Errors
    /// There is no linear head.
    pub fn head(&self) -> Result<[usize; 2], ExportError> {
        let head = self.get("head.weight", 2)?;
        Ok([head.shape()[0], head.shape()[1]])
    }
}

/// Checks little-endian `f32` numbers.
fn check_finite(name: &str, bytes: &[u8]) -> Result<(), ExportError> {
    let numbers = bytes.as_chunks::<4>().0;
    let is_bad = |number: &&[u8; 4]| !f32::from_le_bytes(**number).is_finite();
    match numbers.iter().filter(is_bad).count() {
        0 => Ok(()),
        count => Err(ExportError::NotFinite {
            name: name.to_owned(),
            count,
            total: numbers.len(),
        }),
    }
}
