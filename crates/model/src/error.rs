//! Errors of networks and their weights.

use std::path::PathBuf;

use crate::config::{Depth, UnknownDepth};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A number of layers that no ResNet has.
    #[error(transparent)]
    UnknownDepth(#[from] UnknownDepth),
    /// A pass in train mode of a network for inference alone.
    #[error("a network with constant weights is not trained")]
    Constant,
    /// A layer without units.
    #[error("`{name}` is 0: expected at least 1")]
    EmptyLayer {
        /// The field of [`Config`](crate::Config).
        name: &'static str,
    },
    /// A device class that does not exist.
    #[error("`{class}` is not a device: expected `cpu`, `metal` or `cuda`")]
    UnknownDevice {
        /// The class given.
        class: String,
    },
    /// A device class that this build leaves out.
    #[error("device `{class}` is not in this build: build with `--features {class}`")]
    DeviceNotBuilt {
        /// The class given.
        class: &'static str,
    },
    /// A device that does not open.
    #[error("cannot open device `{class}`")]
    DeviceUnavailable {
        /// The class given.
        class: &'static str,
        /// The cause, which a chain of errors shows after this message.
        source: candle_core::Error,
    },
    /// A file that cannot be opened, read or written; the message names it.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// A file that cannot be read as its format.
    #[error("cannot read `{}` as {format}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The format that it was read as.
        format: &'static str,
        /// The reason.
        reason: String,
    },
    /// Weights of another ResNet.
    #[error(
        "{origin} does not fit {expected}: these look like {found}'s weights; set `model.resnet = {}`, or take \
         {expected}'s, for instance by `cargo xtask weights get resnet{}`",
        found.layers(),
        expected.layers()
    )]
    WrongDepth {
        /// The file or state with the weights.
        origin: String,
        /// The network's depth.
        expected: Depth,
        /// The depth whose blocks the weights have.
        found: Depth,
    },
    /// Weights that do not fit the network.
    #[error("{origin} does not fit {expected}: {problems}")]
    Mismatch {
        /// The file or state with the weights.
        origin: String,
        /// The network's depth.
        expected: Depth,
        /// Missing, unexpected and mis-shaped tensors.
        problems: String,
    },
    /// A file without weights for this network.
    #[error("{origin} has no weights for the network: {reason}")]
    Foreign {
        /// The file.
        origin: String,
        /// The reason, and the cure.
        reason: String,
    },
    /// A frozen classifier without pretrained weights.
    #[error(
        "`model.freeze_fc` keeps the ResNet's classifier of 1000 classes as it is, and {origin} has {found}: set \
         `model.freeze_fc = false`, or take weights with one of 1000"
    )]
    FrozenClassifier {
        /// The file.
        origin: String,
        /// The classifier in the file.
        found: String,
    },
    /// Numbers that are not finite.
    #[error(
        "{origin} has numbers that cannot be trained from or predicted with: {problems}; the training that wrote it \
         diverged, or the file is damaged: take an earlier checkpoint, or fetch it again"
    )]
    NotFinite {
        /// The file.
        origin: String,
        /// Tensors, with counts.
        problems: String,
    },
    /// Weights that cannot be written as safetensors.
    #[error("cannot encode weights as safetensors: {0}")]
    Encode(#[from] safetensors::SafeTensorError),
    /// Images of a wrong shape or type.
    #[error("images are {found}, expected [B, H, W, 3] of f32, none of them 0")]
    Images {
        /// The shape and type found.
        found: String,
    },
    /// A batch too small for a variance.
    #[error(
        "batch-norm `{layer}` sees one value a channel, which has no variance: train on more or larger images a batch"
    )]
    NoVariance {
        /// The batch-norm's name.
        layer: String,
    },
    /// A value that does not depend on the activations that its gradient is of.
    #[error(
        "the value has no gradient in the activations of `{layer}`: expected it to depend on them"
    )]
    NoGradient {
        /// Name of the layer.
        layer: &'static str,
    },
    /// An operation on tensors failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
