//! Tensors of a file before they are read.

use std::collections::BTreeMap;

use candle_core::DType;

/// A tensor of a file before it is read.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// PyTorch's name of its type.
    pub(super) type_name: String,
    /// The same type, if it can be read.
    pub(super) dtype: Option<DType>,
    pub(super) dims: Vec<usize>,
    pub(super) data: Data,
}

/// Location of a tensor's numbers.
#[derive(Debug, Clone)]
pub(super) enum Data {
    /// Unknown.
    None,
    /// Under the tensor's own name in a safetensors file.
    View(String),
    /// In a storage, in elements from its start.
    Strided {
        storage: String,
        offset: usize,
        strides: Vec<usize>,
    },
}

impl Entry {
    /// A tensor of a type that cannot be read.
    pub(super) fn unsupported(type_name: &str) -> Self {
        Self {
            type_name: type_name.to_owned(),
            dtype: None,
            dims: Vec::new(),
            data: Data::None,
        }
    }
}

/// A dictionary of tensors in a file.
#[derive(Debug, Clone)]
pub(super) struct Dict {
    /// The keys that lead to it, joined by points; empty for the file's own.
    pub(super) key_path: String,
    /// Class of the pickled module, if it is one.
    pub(super) class: Option<String>,
    pub(super) tensors: BTreeMap<String, Entry>,
}
