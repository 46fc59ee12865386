//! Weights from a file, with a record of the tensors that a network requests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Result, Shape, Tensor, bail};
use candle_nn::Init;
use candle_nn::var_builder::SimpleBackend;

use crate::{Architecture, BackboneError};

/// Number of problems that a message lists before it counts the rest.
const LISTED: usize = 6;
/// Prefixes of the tensors behind the features, which are not used.
const HEADS: [&str; 4] = ["head.", "classifier.", "conv_head.", "norm_head."];
/// Prefixes of all names of a network that was saved within another, the outer one first.
const WRAPPERS: [&str; 4] = ["module.", "_orig_mod.", "model.", "backbone."];
/// Suffix of counts of batches, which training alone needs.
const COUNTS: &str = "num_batches_tracked";

/// The tensors of a file by name, with a record of those requested.
///
/// candle-transformers silently leaves out a layer whose tensors are missing; the requests show that such a network is
/// another than the one named.
pub(crate) struct Weights {
    tensors: BTreeMap<String, Tensor>,
    requests: Mutex<Requests>,
}

#[derive(Default)]
struct Requests {
    found: BTreeSet<String>,
    missing: BTreeSet<String>,
}

impl Weights {
    /// The tensors of a safetensors file or one of `torch.save`, without the prefix of a wrapper in all of their names.
    pub(crate) fn read(path: &Path) -> std::result::Result<Self, BackboneError> {
        let mut tensors = model::weights::read(path)?;
        for prefix in WRAPPERS {
            if !tensors.is_empty() && tensors.keys().all(|name| name.starts_with(prefix)) {
                let rest = |name: String| name[prefix.len()..].to_owned();
                let tensors_of = std::mem::take(&mut tensors).into_iter();
                tensors = tensors_of
                    .map(|(name, tensor)| (rest(name), tensor))
                    .collect();
            }
        }
        check_finite(path, &tensors)?;
        Ok(Self {
            tensors,
            requests: Mutex::default(),
        })
    }

    /// Differences from the weights of `architecture`, after a network was built; empty if there are none.
    pub(crate) fn problems(&self, architecture: Architecture) -> String {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = requests.missing.iter();
        let missing = missing.filter(|name| !architecture.may_lack(name));
        let left = self.tensors.keys().filter(|name| {
            let is_behind = HEADS.iter().any(|head| name.starts_with(head));
            !is_behind && !name.ends_with(COUNTS) && !requests.found.contains(*name)
        });
        let missing = missing.map(|name| format!("`{name}` is missing"));
        let left = left.map(|name| format!("`{name}` is unexpected"));
        listed(missing.chain(left).collect())
    }
}

/// Checks that all numbers are finite, except those of heads, which are not used.
fn check_finite(
    path: &Path,
    tensors: &BTreeMap<String, Tensor>,
) -> std::result::Result<(), BackboneError> {
    for (name, tensor) in tensors {
        let is_used = tensor.dtype().is_float() && !HEADS.iter().any(|head| name.starts_with(head));
        let count = if is_used {
            model::weights::count_not_finite(tensor)?
        } else {
            0
        };
        if count > 0 {
            return Err(BackboneError::NotFinite {
                path: path.to_owned(),
                name: name.clone(),
                count,
                total: tensor.elem_count(),
            });
        }
    }
    Ok(())
}

fn listed(mut problems: Vec<String>) -> String {
    let n_more = problems.len().saturating_sub(LISTED);
    problems.truncate(LISTED);
    if n_more > 0 {
        problems.push(format!("and {n_more} more"));
    }
    problems.join("; ")
}

impl SimpleBackend for &Weights {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let tensor = self.get_unchecked(name, dtype, device)?;
        if tensor.shape() != &shape {
            bail!("`{name}` is {:?}, expected {shape:?}", tensor.shape());
        }
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.found.insert(name.to_owned());
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        match self.tensors.get(name) {
            Some(tensor) => tensor.to_dtype(dtype)?.to_device(device),
            None => {
                let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
                requests.missing.insert(name.to_owned());
                bail!("`{name}` is missing")
            }
        }
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }
}
