//! A ResNet's weights in a file of another origin: search, checks, reading.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use candle_core::{DType, Tensor};

use super::assign::{listed_problems, recognize};
use super::entry::Entry;
use super::file::File;
use super::finite;
use super::names::{self, Naming, ResnetTensors};
use crate::block::{IMAGENET_CLASSES, layout};
use crate::{Depth, Freeze, ModelError};

/// Suffix of the name of a batch-norm's count of batches.
const COUNT: &str = ".num_batches_tracked";

/// The classifier of a ResNet in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classifier {
    /// One of ImageNet's 1000 classes, which is used.
    Pretrained,
    /// None: the network's own keeps its random initial weights.
    Absent,
    /// One of another number of classes: the network's own keeps its random initial weights.
    Other {
        /// Its number of classes.
        n_classes: usize,
    },
}

/// Description of a file of pretrained weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The file's name in messages.
    pub origin: String,
    /// The file's format.
    pub format: &'static str,
    /// Keys that lead to the dictionary with the ResNet, joined by points: `state_dict`; empty for the file's own.
    pub key_path: String,
    /// Prefix removed from the tensors' names: `module.`; usually empty.
    pub prefix: String,
    /// Library whose names the tensors have.
    pub naming: Naming,
    /// Class of the module, if the file is a whole pickled module.
    pub class: Option<String>,
    /// The ResNet's depth.
    pub depth: Depth,
    /// Type of the first convolution's numbers: `float32`, `float16`, `bfloat16` or `float64`.
    pub dtype: String,
    /// The ResNet's own classifier.
    pub classifier: Classifier,
    /// Parts that belong to no ResNet and are ignored, with their numbers of tensors.
    pub ignored: BTreeMap<String, usize>,
}

impl Summary {
    /// Checks that the weights suit a network of this depth with these frozen parts.
    ///
    /// # Errors
    /// The depth is another, or the classifier is frozen and not in the file.
    pub fn check(&self, depth: Depth, freeze: Freeze) -> Result<(), ModelError> {
        if self.depth != depth {
            return Err(ModelError::WrongDepth {
                origin: self.origin.clone(),
                expected: depth,
                found: self.depth,
            });
        }
        if freeze.fc && self.classifier != Classifier::Pretrained {
            return Err(ModelError::FrozenClassifier {
                origin: self.origin.clone(),
                found: self.classifier.to_string(),
            });
        }
        Ok(())
    }
}

impl fmt::Display for Classifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pretrained => write!(f, "a classifier of {IMAGENET_CLASSES} classes"),
            Self::Absent => f.write_str("no classifier"),
            Self::Other { n_classes } if *n_classes == IMAGENET_CLASSES => {
                write!(f, "a classifier of {n_classes} classes in another form")
            }
            Self::Other { n_classes } => write!(f, "a classifier of {n_classes} classes"),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} ({}, {}",
            self.origin, self.depth, self.format, self.dtype
        )?;
        if let Some(class) = &self.class {
            write!(f, ", a whole `{class}`")?;
        }
        if !self.key_path.is_empty() {
            write!(f, ", key `{}`", self.key_path)?;
        }
        if !self.prefix.is_empty() {
            write!(f, ", prefix `{}` removed", self.prefix)?;
        }
        match self.naming {
            Naming::Torchvision => {}
            Naming::Children => f.write_str(", numbered children renamed")?,
            Naming::Transformers => f.write_str(", names of transformers renamed")?,
        }
        write!(f, ") with {}", self.classifier)?;
        if !self.ignored.is_empty() {
            let n: usize = self.ignored.values().sum();
            let parts = names::listed(self.ignored.keys().map(String::as_str));
            write!(f, "; ignored: {n} other tensors, of {parts}")?;
        }
        Ok(())
    }
}

/// Finds, checks and reads the weights of a ResNet: those of a network of `expected` depth, by torchvision's
/// names, as f32 and, for counts of batches, i64.
pub(super) fn read(
    path: &Path,
    expected: Option<Depth>,
) -> Result<(Summary, BTreeMap<String, Tensor>), ModelError> {
    let mut file = File::open(path)?;
    let origin = file.origin();
    let foreign = |reason: String| ModelError::Foreign {
        origin: origin.clone(),
        reason,
    };
    let mut found = names::find(&file.dicts).map_err(foreign)?;
    let depth = depth(&found, expected).map_err(foreign)?;
    if let Some(expected) = expected.filter(|expected| *expected != depth) {
        return Err(ModelError::WrongDepth {
            origin,
            expected,
            found: depth,
        });
    }
    let classifier = take_classifier(&mut found.tensors, depth);
    check_shapes(&found, depth, &origin)?;
    let dtype = found.tensors["conv1.weight"].1.type_name.clone();
    let tensors = tensors(&mut file, &found.tensors)?;
    finite::check(&tensors, &origin)?;
    let summary = Summary {
        origin,
        format: file.format,
        key_path: found.key_path,
        prefix: found.prefix,
        naming: found.naming,
        class: found.class,
        depth,
        dtype,
        classifier,
        ignored: found.ignored,
    };
    Ok((summary, tensors))
}

/// The depth whose blocks the tensors have. If they are no ResNet's, a part is missing, which the expected
/// depth shows.
fn depth(found: &ResnetTensors, expected: Option<Depth>) -> Result<Depth, String> {
    if let Some(reason) = variant(&found.tensors) {
        return Err(format!(
            "{reason}, and `model` has a plain ResNet: take other weights, for instance by `cargo xtask weights get \
             resnet{}`",
            expected.unwrap_or(Depth::D50).layers()
        ));
    }
    let recognized = recognize(|name| found.tensors.contains_key(name));
    recognized.or(expected).ok_or_else(|| {
        "its blocks are those of no ResNet-18, -34, -50, -101 or -152: the file is incomplete, or another network's"
            .to_owned()
    })
}

/// The classifier of the file, which stays among the tensors if a network can use it.
fn take_classifier(tensors: &mut BTreeMap<String, (String, Entry)>, depth: Depth) -> Classifier {
    let dims = |name: &str| tensors.get(name).map(|(_, entry)| entry.dims.clone());
    let (weight, bias) = (dims("fc.weight"), dims("fc.bias"));
    let fits = weight.as_deref() == Some(&[IMAGENET_CLASSES, depth.features()])
        && bias.as_deref() == Some(&[IMAGENET_CLASSES]);
    if fits {
        return Classifier::Pretrained;
    }
    tensors.remove("fc.weight");
    tensors.remove("fc.bias");
    match weight.and_then(|dims| dims.first().copied()) {
        Some(n_classes) => Classifier::Other { n_classes },
        None => Classifier::Absent,
    }
}

/// The difference of the tensors from a plain ResNet's, in a known architecture.
fn variant(tensors: &BTreeMap<String, (String, Entry)>) -> Option<String> {
    let dims = |name: &str| tensors.get(name).map(|(_, entry)| entry.dims.as_slice());
    let has = |part: &str| tensors.keys().any(|name| name.contains(part));
    if has("conv1.0.weight") {
        return Some(
            "its stem is several convolutions (`conv1.0.weight`), as in ResNet-D and ResNeSt"
                .into(),
        );
    }
    match dims("conv1.weight") {
        Some([_, 3, 7, 7]) | None => {}
        Some([_, channels, 7, 7]) => {
            return Some(format!(
                "its first convolution takes images of {channels} channels and not of 3"
            ));
        }
        Some([_, _, height, width]) => {
            return Some(format!(
                "its first convolution is {height}×{width} and not 7×7, as in ResNets for images of 32 px"
            ));
        }
        Some(_) => {}
    }
    if has(".se.") || has(".se_module.") {
        return Some("it has squeeze-and-excitation layers, as SE-ResNets have".into());
    }
    if !has(".running_mean") {
        return Some(
            "it has no running statistics of batch-norm (`…running_mean`), either because `parameters()` was saved instead of \
             `state_dict()` or because its normalization is another"
                .into(),
        );
    }
    match (dims("layer1.0.conv2.weight"), dims("layer1.0.conv3.weight")) {
        (Some(dims @ [n_out, n_in, ..]), Some(_)) if n_in < n_out => Some(format!(
            "its convolutions have groups (`layer1.0.conv2.weight` is {dims:?}), as in ResNeXt"
        )),
        (Some(dims @ [n_out, ..]), Some(_)) if *n_out > 64 => Some(format!(
            "it is wider (`layer1.0.conv2.weight` is {dims:?}), as Wide ResNets are"
        )),
        _ => None,
    }
}

fn check_shapes(found: &ResnetTensors, depth: Depth, origin: &str) -> Result<(), ModelError> {
    let mut problems = Vec::new();
    let layout = layout(depth);
    for (name, shape) in &layout {
        match found.tensors.get(name) {
            None if name.ends_with(COUNT) => {}
            None => problems.push(format!("`{name}` is missing")),
            Some((original, entry))
                if !name.ends_with(COUNT) && entry.dims != *shape && entry.dtype.is_some() =>
            {
                problems.push(format!(
                    "`{original}` is {:?}, expected {shape:?}",
                    entry.dims
                ));
            }
            Some(_) => {}
        }
    }
    let expected: Vec<&str> = layout.iter().map(|(name, _)| name.as_str()).collect();
    for (name, (original, _)) in &found.tensors {
        if !expected.contains(&name.as_str()) && !name.starts_with("fc.") {
            problems.push(format!("`{original}` is unexpected"));
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(ModelError::Mismatch {
        origin: origin.to_owned(),
        expected: depth,
        problems: listed_problems(problems),
    })
}

fn tensors(
    file: &mut File,
    found: &BTreeMap<String, (String, Entry)>,
) -> Result<BTreeMap<String, Tensor>, ModelError> {
    let mut tensors = BTreeMap::new();
    for (name, (original, entry)) in found {
        let is_count = name.ends_with(COUNT);
        let is_float = matches!(
            entry.dtype,
            Some(DType::F32 | DType::F16 | DType::BF16 | DType::F64)
        );
        if is_count && (entry.dtype.is_none() || entry.dims.iter().product::<usize>() != 1) {
            continue;
        }
        if is_count {
            let count = file.read(original, entry)?.reshape(())?;
            tensors.insert(name.clone(), count.to_dtype(DType::I64)?);
            continue;
        }
        let readable = Entry {
            dtype: entry.dtype.filter(|_| is_float),
            ..entry.clone()
        };
        tensors.insert(
            name.clone(),
            file.read(original, &readable)?.to_dtype(DType::F32)?,
        );
    }
    Ok(tensors)
}
