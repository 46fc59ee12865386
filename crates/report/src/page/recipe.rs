//! How the study was made: settings of its stages, pretrained weights, size of the network.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// Parts of a network that no gradient changes: the running statistics of batch normalization.
const BUFFERS: [&str; 3] = ["running_mean", "running_var", "num_batches_tracked"];

/// Settings of the stages, weights and size of the network.
#[derive(Clone, Debug, Default)]
pub struct Recipe {
    /// Settings by the tables of `params.toml`, in the order of the stages; a setting outside of a table stands by itself.
    pub settings: Vec<(String, Value)>,
    /// Pretrained weights; none if the networks started from random numbers.
    pub weights: Option<Weights>,
    /// Number of trained and frozen parameters of a network.
    pub parameters: u64,
}

/// A file of pretrained weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// The file's name.
    pub name: String,
    /// SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
}

impl Weights {
    /// The weights in the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of(path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default();
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            sha256: digests::of_file(path)?,
        })
    }
}

/// Number of parameters of the network in the safetensors file at `path`, by the shapes in its header.
///
/// # Errors
/// The file cannot be read, or is no safetensors file.
pub fn count_parameters(path: &Path) -> io::Result<u64> {
    #[derive(Deserialize)]
    struct Tensor {
        #[serde(default)]
        shape: Vec<u64>,
    }
    // Eight bytes with the length of the header, little-endian, then the header in JSON.
    let mut file = fs_err::File::open(path)?;
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let mut header = Vec::new();
    file.take(u64::from_le_bytes(length))
        .read_to_end(&mut header)?;
    let mut tensors: BTreeMap<String, Value> = serde_json::from_slice(&header)?;
    tensors.remove("__metadata__");
    let is_parameter = |name: &str| !BUFFERS.iter().any(|buffer| name.ends_with(buffer));
    let mut n = 0;
    for (_, tensor) in tensors.into_iter().filter(|(name, _)| is_parameter(name)) {
        let tensor: Tensor = serde_json::from_value(tensor)?;
        n += tensor.shape.iter().product::<u64>();
    }
    Ok(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_known_by_their_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("resnet18.pth");
        fs_err::write(&path, "abc").unwrap();
        // The digest of `abc` in FIPS 180-2, appendix B.1.
        let expected = Weights {
            name: "resnet18.pth".to_owned(),
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
        };
        assert_eq!(Weights::of(&path).unwrap(), expected);
    }

    #[test]
    fn parameters_are_counted_without_running_statistics() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let header = br#"{"__metadata__":{"a":"b"},"bn1.running_mean":{"dtype":"F32","shape":[5],"data_offsets":[0,20]},
            "fc.bias":{"dtype":"F32","shape":[3],"data_offsets":[20,32]},"fc.weight":{"dtype":"F32","shape":[3,4],"data_offsets":[32,80]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header);
        fs_err::write(&path, &bytes).unwrap();
        assert_eq!(count_parameters(&path).unwrap(), 15);
        fs_err::write(&path, &bytes[..40]).unwrap();
        assert!(count_parameters(&path).is_err());
    }
}
