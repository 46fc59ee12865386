//! Features against timm's, on weights by a formula; `golden/make.py` makes them.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use backbones::{Backbone, Name};
use candle_core::{DType, Device, Tensor};
use serde::Deserialize;
use tempfile::TempDir;

/// Allowed error, in multiples of timm's own.
const MARGIN: f64 = 5.0;
/// Allowed error where that one happens to be small.
const FLOOR: f64 = 2e-6;

#[derive(Deserialize)]
struct Golden {
    side: usize,
    error: f64,
    shapes: BTreeMap<String, Vec<usize>>,
    features: Vec<Vec<f64>>,
}

impl Golden {
    fn read(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let text = fs_err::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn weights(&self) -> BTreeMap<String, Tensor> {
        let tensor = |(name, shape): (&String, &Vec<usize>)| (name.clone(), weight(name, shape));
        self.shapes.iter().map(tensor).collect()
    }
}

/// Numbers in [-1, 1) that depend on the name and the index, as in `make.py`.
fn formula(name: &str, n: usize) -> impl Iterator<Item = f64> {
    let seed = name.bytes().fold(0x811C_9DC5_u32, |seed, byte| {
        (seed ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    (0..u32::try_from(n).unwrap()).map(move |i| {
        let x = i.wrapping_mul(0x9E37_79B1).wrapping_add(seed);
        let x = (x ^ (x >> 16)).wrapping_mul(0x85EB_CA6B);
        let x = (x ^ (x >> 13)).wrapping_mul(0xC2B2_AE35);
        let x = x ^ (x >> 16);
        f64::from(x >> 8) / f64::from(1 << 23) - 1.0
    })
}

/// The tensor of that name, as in `make.py`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the formula's values become f32 here"
)]
fn weight(name: &str, shape: &[usize]) -> Tensor {
    let ends = |end| name.ends_with(end);
    let (middle, width) = match *shape {
        _ if ends("running_mean") => (0.0, 0.2),
        _ if ends("running_var") => (1.0, 0.5),
        [_, n_in, rows, columns] => (0.0, (6.0 / (n_in * rows * columns) as f64).sqrt()),
        [_, n_in] => (0.0, (3.0 / n_in as f64).sqrt()),
        [_] if ends("weight") || ends("gamma") => (0.5, 0.3),
        _ => (0.0, 0.2),
    };
    let values = formula(name, shape.iter().product());
    let values: Vec<f32> = values.map(|u| (middle + width * u) as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// A file of weights in a folder of its own.
struct File(TempDir);

impl File {
    fn of(tensors: BTreeMap<String, Tensor>) -> Self {
        let file = Self(TempDir::new().unwrap());
        candle_core::safetensors::save(&tensors.into_iter().collect(), file.path()).unwrap();
        file
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("weights.safetensors")
    }

    fn load(&self, name: &str) -> Result<Backbone, String> {
        let name = Name::try_from(name.to_owned()).unwrap();
        let backbone = Backbone::load(&name, &self.path(), &Device::Cpu);
        backbone.map_err(|error| error.to_string())
    }
}

fn check(name: &str) {
    check_within(name, FLOOR);
}

fn check_within(name: &str, floor: f64) {
    let golden = Golden::read(name);
    let mut weights = golden.weights();
    // A head is ignored.
    weights.insert("head.fc.bias".to_owned(), weight("head.fc.bias", &[3]));
    let backbone = File::of(weights).load(name).unwrap();
    let shape = [golden.features.len(), golden.side, golden.side, 3];
    // The name is part of the formula; `make.py` has the same numbers before it permutes them.
    let images = (weight("pictures", &shape) * 2.0).unwrap();
    let found = backbone.features(&images).unwrap();
    let found: Vec<Vec<f64>> = found.to_dtype(DType::F64).unwrap().to_vec2().unwrap();
    let error = relative(&found.concat(), &golden.features.concat());
    let allowed = MARGIN * golden.error + floor;
    println!("{name}: {error:.1e}, timm's float32 {:.1e}", golden.error);
    assert!(
        error <= allowed,
        "{name} differs by {error:e}, allowed {allowed:e}"
    );
}

/// Relative L2 error of values.
fn relative(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let squares = found.iter().zip(expected).map(|(a, b)| (a - b).powi(2));
    let size: f64 = expected.iter().map(|b| b.powi(2)).sum();
    (squares.sum::<f64>() / size).sqrt()
}

#[test]
fn convnext() {
    check("convnext_atto");
    check("convnext_tiny");
}

#[test]
fn convnext_v2() {
    check("convnextv2_atto");
    check("convnextv2_tiny");
}

#[test]
fn hiera() {
    // Its GELU is approximated.
    check_within("hiera_tiny_224", 2e-3);
}

#[test]
fn mobilenet_v4() {
    check("mobilenetv4_conv_small");
    check("mobilenetv4_conv_medium");
    check("mobilenetv4_hybrid_medium");
}

#[test]
fn repvgg() {
    check("repvgg_a0");
    check("repvgg_b1g4");
}

#[test]
fn weights_of_another_network_are_refused() {
    let atto = File::of(Golden::read("convnext_atto").weights());
    let error = |file: &File, name: &str| file.load(name).err().unwrap();
    let message = error(&atto, "convnext_femto.d1_in1k");
    assert!(
        message.contains("weights.safetensors` does not fit `convnext_femto.d1_in1k`: `stem.0.weight` is [40, 3, 4, 4], expected [48, 3, 4, 4]"),
        "{message}"
    );
    // candle-transformers ignores this silently.
    let message = error(&atto, "convnextv2_atto");
    assert!(
        message.contains("`stages.0.blocks.0.mlp.grn.weight` is missing"),
        "{message}"
    );
    let second = File::of(Golden::read("convnextv2_atto").weights());
    let message = error(&second, "convnext_atto");
    assert!(
        message.contains("`stages.0.blocks.0.gamma` is missing") && message.ends_with("and 6 more"),
        "{message}"
    );

    let mut more = Golden::read("convnext_atto").weights();
    more.insert("stages.4.extra".to_owned(), weight("extra", &[3]));
    let message = error(&File::of(more), "convnext_atto");
    assert!(
        message.ends_with("does not fit `convnext_atto`: `stages.4.extra` is unexpected"),
        "{message}"
    );
    let mut fewer = Golden::read("mobilenetv4_conv_small").weights();
    let gone = "blocks.2.0.dw_start.conv.weight";
    assert!(fewer.remove(gone).is_some());
    let message = error(&File::of(fewer), "mobilenetv4_conv_small");
    assert!(
        message.ends_with(&format!("`{gone}` is missing")),
        "{message}"
    );
}

#[test]
fn a_prefix_before_all_names_is_removed() {
    let weights = Golden::read("repvgg_a0").weights();
    let wrapped = weights.into_iter();
    let wrapped = wrapped.map(|(name, tensor)| (format!("module.model.{name}"), tensor));
    File::of(wrapped.collect()).load("repvgg_a0").unwrap();
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    let mut weights = Golden::read("convnext_atto").weights();
    let name = "stages.0.blocks.0.gamma";
    let shape = weights[name].shape().clone();
    let numbers = vec![f32::INFINITY; shape.elem_count()];
    let n = numbers.len();
    weights.insert(
        name.to_owned(),
        Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap(),
    );
    let message = File::of(weights).load("convnext_atto").err().unwrap();
    let part = format!("has numbers that are not finite: {n} of {n} in `{name}`");
    assert!(message.contains(&part), "{message}");
}

#[test]
fn a_file_that_is_none_of_weights_is_named() {
    let file = File(TempDir::new().unwrap());
    let message = file.load("repvgg_a0").err().unwrap();
    assert!(message.contains("weights.safetensors"), "{message}");
    fs_err::write(file.path(), "no weights").unwrap();
    let message = file.load("repvgg_a0").err().unwrap();
    assert!(
        message.starts_with("cannot read `") && message.contains("as safetensors: "),
        "{message}"
    );
}
