//! Errors of training.

use std::path::PathBuf;

use thiserror::Error;

/// An error of this crate.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The loss is infinite or not a number.
    #[error(
        "the loss is {loss} in step {step} of epoch {epoch}: expected a finite number; a lower learning rate may help"
    )]
    LossNotFinite {
        /// The loss.
        loss: f64,
        /// The epoch, from 0.
        epoch: usize,
        /// The step within the epoch, from 0.
        step: usize,
    },
    /// The loss of images not trained on is infinite or not a number.
    #[error(
        "the loss is {loss} in the evaluation of epoch {epoch}: expected a finite number; a lower learning rate may help"
    )]
    EvaluationNotFinite {
        /// The loss.
        loss: f64,
        /// The epoch, from 0.
        epoch: usize,
    },
    /// A class has no training image.
    #[error(
        "class `{0}` has no training image: expected at least one outside of the fold left out and the test set"
    )]
    UntrainedClass(String),
    /// A fold does not exist.
    #[error("fold {fold} does not exist: expected one of {existing:?}")]
    NoSuchFold {
        /// The fold asked for.
        fold: u32,
        /// The existing folds.
        existing: Vec<u32>,
    },
    /// The selection score would be the same for every network.
    #[error(
        "`selection_k` is {k}: expected less than the {n_classes} classes, since all else scores 1"
    )]
    SelectionK {
        /// The `k` of top-`k`.
        k: usize,
        /// Number of classes.
        n_classes: usize,
    },
    /// The head alone would be trained to the end.
    #[error(
        "`head_epochs` is {head_epochs}: expected less than `epochs`, {epochs}, so that epochs of all parts follow"
    )]
    HeadEpochs {
        /// Epochs of the head alone.
        head_epochs: usize,
        /// All epochs.
        epochs: usize,
    },
    /// The warm-up would last to the end.
    #[error(
        "`warmup_epochs` is {warmup_epochs}: expected less than the {epochs} epochs that all parts are trained for"
    )]
    Warmup {
        /// Epochs of the warm-up.
        warmup_epochs: f64,
        /// Epochs of the schedule.
        epochs: usize,
    },
    /// Two tables have different numbers of images.
    #[error("`annotations` has {annotations} images and `folds` has {folds}: expected the same")]
    RowCounts {
        /// Rows of `annotations`.
        annotations: usize,
        /// Rows of `folds`.
        folds: usize,
    },
    /// Two tables name different images.
    #[error(
        "row {row} is `{annotated}` in `annotations` and `{found}` in `folds`: expected the same image"
    )]
    DifferentImage {
        /// The row, from 0.
        row: usize,
        /// Path in `annotations`.
        annotated: String,
        /// Path in `folds`.
        found: String,
    },
    /// An image is not decoded.
    #[error("`pixels` has no image `{0}`, which `annotations` names")]
    NoPixels(String),
    /// The images are decoded for another size.
    #[error(
        "`pixels` is decoded for a side of {pixels} px: expected the side of the network, {expected} px"
    )]
    Side {
        /// The side of the file.
        pixels: u32,
        /// The side asked for.
        expected: u32,
    },
    /// There are fewer than two classes.
    #[error("found {0} classes: expected at least 2")]
    TooFewClasses(usize),
    /// A class index has two labels.
    #[error("class index {class_index} stands for `{}` and `{}`: expected one label", labels[0], labels[1])]
    TwoLabels {
        /// The class index.
        class_index: u32,
        /// Its labels.
        labels: [String; 2],
    },
    /// Class indices have a gap.
    #[error("no image has class index {0}: expected all class indices from 0 to occur")]
    MissingClassIndex(u32),
    /// A label is not a class of the loss.
    #[error("label {label} is not a class: expected a class index below {n_classes}")]
    NoSuchClass {
        /// The label.
        label: u32,
        /// Number of classes.
        n_classes: usize,
    },
    /// Logits have the wrong shape.
    #[error("the logits have shape {found:?}: expected {expected:?}")]
    LogitsShape {
        /// Their shape.
        found: Vec<usize>,
        /// Numbers of labels and classes.
        expected: [usize; 2],
    },
    /// The network's output has the wrong shape.
    #[error("the network's output has shape {found:?}: expected {expected:?}")]
    OutputShape {
        /// Its shape.
        found: Vec<usize>,
        /// Numbers of images and of values of each.
        expected: [usize; 2],
    },
    /// A parameter has no gradient.
    #[error("parameter `{0}` has no gradient: expected the loss to depend on it")]
    NoGradient(String),
    /// The optimizer's state lacks a moment.
    #[error("the optimizer's state has no `{0}`")]
    NoMoment(String),
    /// A file lacks a tensor.
    #[error("`{}` has no tensor `{name}`", file.display())]
    NoTensor {
        /// The tensor.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// A file of a checkpoint has changed.
    #[error("`{0}` is damaged")]
    DamagedCheckpoint(String),
    /// A checkpoint belongs to other parameters or inputs.
    #[error("it belongs to a training with other parameters or inputs")]
    OtherTraining,
    /// The network failed.
    #[error(transparent)]
    Model(#[from] model::ModelError),
    /// The images cannot be read.
    #[error(transparent)]
    Images(#[from] images::ImageError),
    /// The device failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// A tensor file cannot be written.
    #[error(transparent)]
    Safetensors(#[from] safetensors::SafeTensorError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// A checkpoint's record cannot be read or written.
    #[error("cannot read or write a checkpoint's record: {0}")]
    Record(#[from] serde_json::Error),
}
