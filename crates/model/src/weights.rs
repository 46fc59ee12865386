//! Weights in files: reading, matching by name, writing.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor, pickle};

use crate::layer::{Role, Slot};
use crate::{Depth, ModelError, Place};

/// How many problems a message lists before it counts the rest.
const LISTED: usize = 6;

/// Which tensors of the state are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of them.
    All,
    /// The ResNet's own.
    Backbone,
}

impl Scope {
    fn holds(self, name: &str) -> bool {
        self == Self::All || Place::of(name) == Place::Backbone
    }
}

/// Reads a safetensors file, or a state dict that PyTorch saved, told apart by their first bytes.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, Tensor>, ModelError> {
    let bytes = fs_err::read(path)?;
    let unreadable = |format, reason: String| ModelError::Unreadable {
        path: path.to_owned(),
        format,
        reason,
    };
    if bytes.starts_with(b"PK\x03\x04") {
        drop(bytes);
        let tensors = pickle::read_all(path)
            .map_err(|error| unreadable("PyTorch's zip archive", error.to_string()))?;
        return Ok(tensors.into_iter().collect());
    }
    if bytes.starts_with(b"\x80\x02") {
        let reason = "it is in the format of PyTorch before 1.6; save it anew with `torch.save`";
        return Err(unreadable("PyTorch's zip archive", reason.to_owned()));
    }
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
        .map_err(|error| unreadable("safetensors", damage(&bytes, &error)))?;
    Ok(tensors.into_iter().collect())
}

/// Says in words what is wrong with a safetensors file.
fn damage(bytes: &[u8], error: &candle_core::Error) -> String {
    // The file starts with its header's length, which a file of another kind has at random.
    let header = bytes
        .first_chunk::<8>()
        .map(|length| u64::from_le_bytes(*length));
    let opens = bytes.get(8) == Some(&b'{');
    match header {
        Some(length) if opens && length < 100_000_000 => {
            format!(
                "the file is truncated or damaged ({} bytes; {error})",
                bytes.len()
            )
        }
        _ => format!("it is no such file ({} bytes; {error})", bytes.len()),
    }
}

/// Writes a state as safetensors. The format's own writer orders by type and then name, and no
/// metadata is added, so the bytes depend on the state alone.
pub(crate) fn write(path: &Path, state: &BTreeMap<String, Tensor>) -> Result<(), ModelError> {
    Ok(fs_err::write(path, safetensors::serialize(state, None)?)?)
}

/// Sets the slots in scope to the tensors found, after all of them are known to fit.
pub(crate) fn assign(
    slots: &[Slot],
    scope: Scope,
    depth: Depth,
    found: &BTreeMap<String, Tensor>,
    origin: &str,
) -> Result<(), ModelError> {
    let problems = problems(slots, scope, found);
    if !problems.is_empty() {
        return Err(mismatch(problems, depth, found, origin));
    }
    for slot in slots.iter().filter(|slot| scope.holds(&slot.name)) {
        match found.get(&slot.name) {
            Some(tensor) => {
                let tensor = tensor.to_dtype(slot.var.dtype())?;
                slot.var
                    .set(&tensor.to_device(slot.var.device())?.contiguous()?)?;
            }
            None => slot.var.set(&slot.var.zeros_like()?)?,
        }
    }
    Ok(())
}

/// Everything that keeps the tensors found from fitting the slots in scope.
fn problems(slots: &[Slot], scope: Scope, found: &BTreeMap<String, Tensor>) -> Vec<String> {
    let expected: BTreeMap<&str, &Slot> = slots
        .iter()
        .filter(|slot| scope.holds(&slot.name))
        .map(|slot| (slot.name.as_str(), slot))
        .collect();
    let mut problems = Vec::new();
    for (name, slot) in &expected {
        match found.get(*name) {
            None if slot.role == Role::Count => {}
            None => problems.push(format!("`{name}` is missing")),
            Some(tensor) if tensor.dims() != slot.var.dims() => problems.push(format!(
                "`{name}` is {:?}, expected {:?}",
                tensor.dims(),
                slot.var.dims()
            )),
            Some(_) => {}
        }
    }
    for name in found.keys().filter(|name| scope.holds(name)) {
        if !expected.contains_key(name.as_str()) {
            problems.push(format!("`{name}` is unexpected"));
        }
    }
    problems
}

fn mismatch(
    mut problems: Vec<String>,
    expected: Depth,
    found: &BTreeMap<String, Tensor>,
    origin: &str,
) -> ModelError {
    let origin = origin.to_owned();
    match recognize(found) {
        Some(found) if found != expected => ModelError::WrongDepth {
            origin,
            expected,
            found,
        },
        _ => {
            let n_more = problems.len().saturating_sub(LISTED);
            problems.truncate(LISTED);
            if n_more > 0 {
                problems.push(format!("and {n_more} more"));
            }
            ModelError::Mismatch {
                origin,
                expected,
                problems: problems.join("; "),
            }
        }
    }
}

/// The depth whose blocks the tensors have, if any.
fn recognize(found: &BTreeMap<String, Tensor>) -> Option<Depth> {
    let has = |layer: &str, convolution: usize| {
        found.contains_key(&format!("{layer}.conv{convolution}.weight"))
    };
    let blocks = [1, 2, 3, 4].map(|stage| {
        (0..)
            .take_while(|i| has(&format!("layer{stage}.{i}"), 1))
            .count()
    });
    Depth::ALL
        .into_iter()
        .find(|depth| depth.blocks() == blocks && depth.bottleneck() == has("layer1.0", 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by `tests/golden/state_dict.py`.
    #[test]
    fn a_state_dict_of_pytorch_is_read() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/state_dict.pth");
        let state = read(Path::new(path)).unwrap();
        let shapes: Vec<(&str, &[usize])> = state
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor.dims()))
            .collect();
        let expected: [(&str, &[usize]); 3] = [
            ("bn1.num_batches_tracked", &[]),
            ("bn1.running_var", &[2]),
            ("conv1.weight", &[2, 3, 2, 2]),
        ];
        assert_eq!(shapes, expected);
        assert_eq!(
            state["bn1.num_batches_tracked"].to_scalar::<i64>().unwrap(),
            7
        );
        let weight: Vec<f32> = state["conv1.weight"]
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap();
        assert!(
            weight
                .iter()
                .zip(0u8..)
                .all(|(value, i)| value.total_cmp(&f32::from(i)).is_eq())
        );
    }
}
