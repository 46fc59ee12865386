//! Weights and images by the formula of `golden/resnet.py`, bit for bit.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use kernels::Backend;
use model::{Config, Depth, Network};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Images in a batch.
pub(crate) const BATCH: usize = 4;
/// Pixels a side.
pub(crate) const SIDE: usize = 64;
/// Classes.
const CLASSES: usize = 8;

/// Numbers in [-1, 1) that depend on the name and the index.
pub(crate) fn formula(name: &str, n: usize) -> impl Iterator<Item = f64> {
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

/// The value of `u` of the formula in the state's tensor of that name.
fn value(name: &str, shape: &[usize], u: f64) -> f64 {
    let ends = |end| name.ends_with(end);
    match *shape {
        _ if ends("running_mean") => 0.2 * u,
        _ if ends("running_var") => 1.0 + 0.5 * u,
        [n_out, _, rows, columns] => (6.0 / (n_out * rows * columns) as f64).sqrt() * u,
        [_, n_in] => 1.0 / (n_in as f64).sqrt() * u,
        _ if ends("bn3.weight") => 0.3 + 0.1 * u,
        _ if ends("weight") => 1.0 + 0.3 * u,
        _ if ends("bn1.bias") => 2f64.copysign(u) + 0.2 * u,
        _ if name.contains("bn2") || name.contains("downsample") => 2.0 + 0.2 * u,
        _ => 0.2 * u,
    }
}

/// The state's tensor of that name.
pub(crate) fn weight(name: &str, shape: &[usize]) -> Tensor {
    let n = shape.iter().product();
    // PyTorch's side rounds to f32 at the same place.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the formula's values become f32 here"
    )]
    let values: Vec<f32> = formula(name, n)
        .map(|u| value(name, shape, u) as f32)
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// A batch of images, `[B, H, W, 3]`.
pub(crate) fn images() -> Tensor {
    (weight("images", &[BATCH, SIDE, SIDE, 3]) * 5.0).unwrap()
}

/// A network with the formula's weights.
pub(crate) fn network(depth: Depth, backend: Backend) -> Network {
    let config = Config {
        depth,
        classifier: true,
        embedding_size: 16,
        n_classes: CLASSES,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut network = Network::with_backend(&config, &Device::Cpu, backend, &mut rng).unwrap();
    let state: BTreeMap<String, Tensor> = network
        .state()
        .unwrap()
        .into_iter()
        .map(|(name, tensor)| match tensor.dtype() {
            DType::F32 => (name.clone(), weight(&name, tensor.dims())),
            _ => (name, tensor),
        })
        .collect();
    network.set_state(&state).unwrap();
    network
}

/// All values of a tensor, in f64.
pub(crate) fn values(tensor: &Tensor) -> Vec<f64> {
    tensor
        .to_dtype(DType::F64)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap()
}

/// Relative L2 error of values.
pub(crate) fn relative(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let off: f64 = found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).powi(2))
        .sum();
    let size: f64 = expected.iter().map(|b| b.powi(2)).sum();
    (off / size).sqrt()
}
