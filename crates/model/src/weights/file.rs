//! Files of weights by their content: format and tensors.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use safetensors::{Dtype, SafeTensors};

use super::entry::{Data, Dict, Entry};
use super::torch::{self, Storages};
use crate::ModelError;

/// Length from which a safetensors header is implausible, in bytes.
const LONGEST_HEADER: u64 = 100_000_000;

/// An open file of weights.
pub(super) struct File {
    path: PathBuf,
    pub(super) format: &'static str,
    pub(super) dicts: Vec<Dict>,
    source: Source,
}

enum Source {
    Safetensors(Vec<u8>),
    Torch(Storages),
}

const SAFETENSORS: &str = "safetensors";
const TORCH: &str = "PyTorch's zip archive";
const LEGACY: &str = "PyTorch's format before 1.6";

impl File {
    /// Opens a safetensors file or one of `torch.save`, distinguished by their first bytes.
    pub(super) fn open(path: &Path) -> Result<Self, ModelError> {
        if fs_err::metadata(path)?.is_dir() {
            let reason =
                "it is a folder: name the file of weights in it, such as `model.safetensors`";
            return Err(unreadable(path, "weights", reason.to_owned()));
        }
        let mut begin = Vec::new();
        fs_err::File::open(path)?.take(64).read_to_end(&mut begin)?;
        if begin.starts_with(b"PK\x03\x04") {
            let opened =
                torch::open_archive(path).map_err(|reason| unreadable(path, TORCH, reason))?;
            return Ok(Self::torch(path, TORCH, opened));
        }
        if torch::is_legacy(&begin) {
            let bytes = fs_err::read(path)?;
            let opened =
                torch::open_legacy(bytes).map_err(|reason| unreadable(path, LEGACY, reason))?;
            return Ok(Self::torch(path, LEGACY, opened));
        }
        if let Some(reason) = other_format(&begin) {
            return Err(unreadable(path, "weights", reason.to_owned()));
        }
        let bytes = fs_err::read(path)?;
        let dict = views(&bytes).map_err(|reason| unreadable(path, SAFETENSORS, reason))?;
        Ok(Self {
            path: path.to_owned(),
            format: SAFETENSORS,
            dicts: vec![dict],
            source: Source::Safetensors(bytes),
        })
    }

    fn torch(path: &Path, format: &'static str, (dicts, storages): (Vec<Dict>, Storages)) -> Self {
        Self {
            path: path.to_owned(),
            format,
            dicts,
            source: Source::Torch(storages),
        }
    }

    /// The file's name in messages.
    pub(super) fn origin(&self) -> String {
        format!("`{}`", self.path.display())
    }

    /// Reads a tensor onto the host, contiguous and of its own type.
    pub(super) fn read(&mut self, name: &str, entry: &Entry) -> Result<Tensor, ModelError> {
        let format = self.format;
        let wrong = |reason: String| unreadable(&self.path, format, reason);
        let Some(dtype) = entry.dtype else {
            let reason = format!(
                "its tensor `{name}` is {}: expected float32, float16, bfloat16 or float64; convert all tensors to \
                 float32 and save them anew by `torch.save`",
                entry.type_name
            );
            return Err(wrong(reason));
        };
        let bytes = match (&mut self.source, &entry.data) {
            (Source::Safetensors(bytes), Data::View(name)) => {
                let all = SafeTensors::deserialize(bytes)?;
                all.tensor(name)?.data().to_vec()
            }
            (
                Source::Torch(storages),
                Data::Strided {
                    storage,
                    offset,
                    strides,
                },
            ) => {
                let bytes = storages.read(storage).map_err(wrong)?;
                let layout = Layout {
                    dims: &entry.dims,
                    strides,
                    offset: *offset,
                };
                let gathered = layout.gather(&bytes, dtype.size_in_bytes());
                gathered.ok_or_else(|| {
                    let reason = format!(
                        "its tensor `{name}` of shape {:?} reaches beyond its storage of {} bytes: the file is truncated \
                         or damaged",
                        entry.dims,
                        bytes.len()
                    );
                    unreadable(&self.path, format, reason)
                })?
            }
            _ => return Err(wrong(format!("its tensor `{name}` has no numbers"))),
        };
        Ok(Tensor::from_raw_buffer(
            &bytes,
            dtype,
            &entry.dims,
            &Device::Cpu,
        )?)
    }
}

fn unreadable(path: &Path, format: &'static str, reason: String) -> ModelError {
    ModelError::Unreadable {
        path: path.to_owned(),
        format,
        reason,
    }
}

/// Layout of a tensor in a storage, in elements.
struct Layout<'a> {
    dims: &'a [usize],
    strides: &'a [usize],
    offset: usize,
}

impl Layout<'_> {
    /// The bytes of the elements in row-major order; none if some lie outside of the storage.
    fn gather(&self, storage: &[u8], size: usize) -> Option<Vec<u8>> {
        if self.dims.len() != self.strides.len() {
            return None;
        }
        if self.dims.contains(&0) {
            return Some(Vec::new());
        }
        let n = self
            .dims
            .iter()
            .try_fold(1_usize, |n, dim| n.checked_mul(*dim))?;
        let far = self
            .dims
            .iter()
            .zip(self.strides)
            .try_fold(self.offset, |at, (dim, stride)| {
                at.checked_add((dim - 1).checked_mul(*stride)?)
            })?;
        if far.checked_add(1)?.checked_mul(size)? > storage.len() {
            return None;
        }
        if self.is_contiguous() {
            let start = self.offset * size;
            return Some(storage[start..start + n * size].to_vec());
        }
        let mut bytes =
            Vec::with_capacity(n.checked_mul(size).filter(|all| *all <= storage.len())?);
        let mut index = vec![0; self.dims.len()];
        for _ in 0..n {
            let steps = index.iter().zip(self.strides).map(|(i, stride)| i * stride);
            let start = (self.offset + steps.sum::<usize>()) * size;
            bytes.extend_from_slice(&storage[start..start + size]);
            for (i, dim) in index.iter_mut().zip(self.dims).rev() {
                *i += 1;
                if *i < *dim {
                    break;
                }
                *i = 0;
            }
        }
        Some(bytes)
    }

    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.dims
            .iter()
            .zip(self.strides)
            .rev()
            .all(|(dim, stride)| {
                let fits = *dim == 1 || *stride == expected;
                expected *= dim;
                fits
            })
    }
}

/// Tensors of a safetensors file; its metadata is not used.
fn views(bytes: &[u8]) -> Result<Dict, String> {
    let all = SafeTensors::deserialize(bytes).map_err(|error| damage(bytes, &error.to_string()))?;
    let entry = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        let dtype = DType::try_from(view.dtype()).ok();
        let entry = Entry {
            type_name: type_name(view.dtype()),
            dtype,
            dims: view.shape().to_vec(),
            data: Data::View(name.clone()),
        };
        (name, entry)
    };
    Ok(Dict {
        key_path: String::new(),
        class: None,
        tensors: all.tensors().into_iter().map(entry).collect(),
    })
}

fn type_name(dtype: Dtype) -> String {
    match dtype {
        Dtype::F32 => "float32".into(),
        Dtype::F16 => "float16".into(),
        Dtype::BF16 => "bfloat16".into(),
        Dtype::F64 => "float64".into(),
        Dtype::I64 => "int64".into(),
        other => format!("{other:?}"),
    }
}

/// Describes the damage of a safetensors file.
fn damage(bytes: &[u8], error: &str) -> String {
    // The file starts with its header's length, which a file of another kind has at random.
    let header = bytes
        .first_chunk::<8>()
        .map(|length| u64::from_le_bytes(*length));
    let opens = bytes.get(8) == Some(&b'{');
    match header {
        Some(length) if opens && length < LONGEST_HEADER => {
            format!(
                "the file is truncated or damaged ({} bytes; {error})",
                bytes.len()
            )
        }
        _ => format!("it is no such file ({} bytes; {error})", bytes.len()),
    }
}

/// The format of a file's first bytes, if weights are not read from it, and the cure.
fn other_format(begin: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(begin)
        .trim_start()
        .to_ascii_lowercase();
    let known: [(bool, &str); 9] = [
        (
            begin.is_empty(),
            "the file is empty: fetch or copy it again",
        ),
        (
            text.starts_with("version https://git-lfs"),
            "it is a pointer of Git LFS and not the file itself: run `git lfs pull` where it was cloned",
        ),
        (
            text.starts_with("<!doctype") || text.starts_with("<html") || text.starts_with("<?xml"),
            "it is a web page, as a server sends instead of a file: fetch it again by its direct address, or use \
             `cargo xtask weights get`",
        ),
        (
            begin.starts_with(b"\x89HDF"),
            "it is an HDF5 file, as Keras writes it: convert it to PyTorch's names and save it as safetensors",
        ),
        (
            begin.starts_with(b"\x1f\x8b"),
            "it is compressed by gzip: unpack it by `gunzip` first",
        ),
        (
            begin.starts_with(b"\x93NUMPY"),
            "it is a NumPy array: save a state dict by `torch.save` or as safetensors",
        ),
        (
            text.starts_with('{'),
            "it is JSON, such as the index of a model in several files: name the file of weights itself",
        ),
        (
            begin.starts_with(b"GGUF"),
            "it is a GGUF file: take the model's safetensors file instead",
        ),
        (
            matches!(begin, [0x80, 2..=5, ..]),
            "it is a pickle that `torch.save` didn't write: save the state dict by \
             `torch.save(model.state_dict(), \"weights.pth\")`",
        ),
    ];
    known
        .into_iter()
        .find(|(fits, _)| *fits)
        .map(|(_, reason)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_tensor_is_gathered_in_row_major_order() {
        let storage: Vec<u8> = (0..6).collect();
        let layout = Layout {
            dims: &[2, 3],
            strides: &[1, 2],
            offset: 0,
        };
        assert_eq!(layout.gather(&storage, 1), Some(vec![0, 2, 4, 1, 3, 5]));
        let part = Layout {
            dims: &[2],
            strides: &[1],
            offset: 2,
        };
        assert_eq!(part.gather(&storage, 2), None);
        assert_eq!(part.gather(&storage, 1), Some(vec![2, 3]));
    }

    #[test]
    fn impossible_layouts_are_refused() {
        let storage = [0; 8];
        for (dims, strides, offset) in [
            (&[usize::MAX, 2][..], &[1, 1][..], 0),
            (&[2], &[usize::MAX], 0),
            (&[2], &[1], usize::MAX),
            (&[2, 2], &[1], 0),
            // One element for all: a shape far larger than the file.
            (&[1 << 40], &[0], 0),
        ] {
            assert_eq!(
                Layout {
                    dims,
                    strides,
                    offset
                }
                .gather(&storage, 4),
                None,
                "{dims:?}"
            );
        }
        let empty = Layout {
            dims: &[0, 5],
            strides: &[5, 1],
            offset: 0,
        };
        assert_eq!(empty.gather(&storage, 4), Some(Vec::new()));
    }
}
