//! Weights in files: search, checks, reading and writing.
//!
//! Files of PyTorch are understood without conversion: state dicts in checkpoints, names behind prefixes, classifiers of
//! other sizes, whole modules, any pickle protocol and floating-point type. No code in a file is run. A [`Summary`]
//! describes the file; a file that cannot be understood is an error with its reason and cure.

mod assign;
mod backbone;
mod entry;
mod file;
mod finite;
mod names;
mod pickle;
mod torch;

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::Tensor;

pub(crate) use assign::{Scope, assign};
pub use backbone::{Classifier, Summary};
pub use finite::count_not_finite;
pub use names::Naming;

use crate::{Depth, ModelError};
use file::File;

/// Checks a file of pretrained weights for a ResNet: names, shapes, types and that all numbers are finite. Takes as long
/// as reading it.
///
/// # Errors
/// The file cannot be read, holds no ResNet that [`Network`](crate::Network) has, or has numbers that are not finite.
pub fn inspect(path: &Path) -> Result<Summary, ModelError> {
    backbone::read(path, None).map(|(summary, _)| summary)
}

/// Reads the weights of a ResNet of this depth from a file of pretrained weights. A classifier of other than ImageNet's
/// 1000 classes is left out.
pub(crate) fn read_backbone(
    path: &Path,
    depth: Depth,
) -> Result<(Summary, BTreeMap<String, Tensor>), ModelError> {
    backbone::read(path, Some(depth))
}

/// Reads a state written by [`Network::save`](crate::Network::save).
pub(crate) fn read_state(path: &Path) -> Result<BTreeMap<String, Tensor>, ModelError> {
    let tensors = read(path)?;
    finite::check(&tensors, &format!("`{}`", path.display()))?;
    Ok(tensors)
}

/// Reads the largest dictionary of tensors in a safetensors file or one of `torch.save`, by its own names.
///
/// # Errors
/// The file cannot be read, or a tensor is of an unsupported type.
pub fn read(path: &Path) -> Result<BTreeMap<String, Tensor>, ModelError> {
    let mut file = File::open(path)?;
    let largest = file.dicts.iter().max_by_key(|dict| dict.tensors.len());
    let mut tensors = BTreeMap::new();
    for (name, entry) in largest.cloned().into_iter().flat_map(|dict| dict.tensors) {
        let tensor = file.read(&name, &entry)?;
        tensors.insert(name, tensor);
    }
    Ok(tensors)
}

/// Writes a state as safetensors. The format's own writer orders by type and then name, and no
/// metadata is added, so the bytes depend on the state alone.
pub(crate) fn write(path: &Path, state: &BTreeMap<String, Tensor>) -> Result<(), ModelError> {
    Ok(fs_err::write(path, safetensors::serialize(state, None)?)?)
}

#[cfg(test)]
mod tests;
