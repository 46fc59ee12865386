//! The network against PyTorch and torchvision, on weights by a formula: see `golden/resnet.py`.
//!
//! A deep net's rounding grows by its own conditioning, so each quantity is compared by the difference
//! between PyTorch's own float32 and float64.
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod formula;

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var, backprop::GradStore};
use formula::{BATCH, SIDE, formula, images, network, relative, values};
use kernels::{AdamStep, Backend, WeightDecay};
use model::{Depth, LossGradients, Mode, ModelError, Network, ResnetLayer};
use serde::Deserialize;

/// Allowed error, in multiples of PyTorch's own.
const MARGIN: f64 = 5.0;
/// Allowed error where PyTorch's own happens to be small.
const FLOOR: f64 = 2e-6;

/// A tensor's L2 norm, and its dot product with the formula's vector of its name.
type Digest = [f64; 2];

#[derive(Deserialize)]
struct Golden {
    eval_logits: Vec<f64>,
    eval_embedding: Vec<f64>,
    logits: Vec<f64>,
    embedding: Vec<f64>,
    gradients: BTreeMap<String, Digest>,
    statistics: BTreeMap<String, Digest>,
    losses: Vec<f64>,
    logits_after: Vec<f64>,
    error: BTreeMap<String, f64>,
}

impl Golden {
    fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap()
    }

    fn check(&self, name: &str, error: f64) {
        let allowed = MARGIN * self.error[name] + FLOOR;
        println!(
            "{name}: {error:.1e}, PyTorch's float32 {:.1e}",
            self.error[name]
        );
        assert!(
            error <= allowed,
            "{name} differs by {error:e}, allowed {allowed:e}"
        );
    }

    fn check_values(&self, name: &str, found: &Tensor, expected: &[f64]) {
        self.check(name, relative(&values(found), expected));
    }

    fn check_digests(
        &self,
        name: &str,
        found: &BTreeMap<String, Tensor>,
        expected: &BTreeMap<String, Digest>,
    ) {
        assert!(
            found.keys().eq(expected.keys()),
            "the names of {name} differ"
        );
        let mut errors: Vec<f64> = found
            .iter()
            .map(|(name, tensor)| digest_error(name, tensor, expected[name]))
            .collect();
        errors.sort_by(f64::total_cmp);
        self.check(name, errors[errors.len() - 1]);
        self.check(&format!("{name}_median"), errors[errors.len() / 2]);
    }
}

fn digest_error(name: &str, tensor: &Tensor, [norm, product]: Digest) -> f64 {
    let values = values(tensor);
    let found_norm = values.iter().map(|v| v * v).sum::<f64>().sqrt();
    let found_product: f64 = values
        .iter()
        .zip(formula(name, values.len()))
        .map(|(v, u)| v * u)
        .sum();
    (found_norm - norm)
        .abs()
        .max((found_product - product).abs())
        / norm
}

/// Cross-entropy with class weights 1, 1/2, …, 1/K, on classes 0, 3, 6, …
fn loss(logits: &Tensor) -> Tensor {
    let labels: Vec<u32> = (0..)
        .step_by(3)
        .map(|label| label % 8)
        .take(BATCH)
        .collect();
    let weights: Vec<f32> = labels
        .iter()
        .map(|&label| 1.0 / (label as f32 + 1.0))
        .collect();
    let total: f32 = weights.iter().sum();
    let labels = Tensor::from_vec(labels, (BATCH, 1), &Device::Cpu).unwrap();
    let weights = Tensor::from_vec(weights, (BATCH, 1), &Device::Cpu).unwrap();
    let log_likelihood = candle_nn::ops::log_softmax(logits, 1)
        .unwrap()
        .gather(&labels, 1)
        .unwrap();
    ((log_likelihood * weights).unwrap().sum_all().unwrap() / -f64::from(total)).unwrap()
}

struct Adam {
    moments: Vec<(Var, Var)>,
    step: usize,
}

impl Adam {
    fn new(network: &Network) -> Self {
        let zeros = |var: &Var| Var::zeros(var.shape(), DType::F32, &Device::Cpu).unwrap();
        let moments = network
            .parameters()
            .iter()
            .map(|(_, v)| (zeros(v), zeros(v)))
            .collect();
        Self { moments, step: 0 }
    }

    fn step(&mut self, network: &Network, gradients: &GradStore) {
        self.step += 1;
        let step = AdamStep {
            learning_rate: 1e-4,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: WeightDecay::Penalty(0.0),
            step: self.step,
        };
        for ((name, var), (first, second)) in network.parameters().iter().zip(&self.moments) {
            let gradient = gradients
                .get(var)
                .unwrap_or_else(|| panic!("no gradient of {name}"));
            kernels::adam_step(var, gradient, first, second, &step).unwrap();
        }
    }
}

fn gradients_by_name(network: &Network, gradients: &GradStore) -> BTreeMap<String, Tensor> {
    let named = |(name, var): (String, Var)| {
        let gradient = gradients
            .get(&var)
            .unwrap_or_else(|| panic!("no gradient of {name}"));
        (name, gradient.clone())
    };
    network.parameters().into_iter().map(named).collect()
}

fn statistics(network: &Network) -> BTreeMap<String, Tensor> {
    let mut state = network.state().unwrap();
    state.retain(|name, _| name.contains("running"));
    state
}

fn check(depth: Depth, backend: Backend, golden: &Golden) {
    let network = network(depth, backend);
    let images = images();
    let output = network.forward(&images, Mode::Eval).unwrap();
    golden.check_values("eval_logits", &output.logits, &golden.eval_logits);
    golden.check_values("eval_embedding", &output.embedding, &golden.eval_embedding);
    // The two halves of the network give the same outputs, wherever it is cut.
    for layer in ResnetLayer::ALL {
        let activations = network.activations(&images, layer).unwrap();
        let side = layer.cells(SIDE);
        assert_eq!(activations.dims()[..3], [BATCH, side, side]);
        let output = network.classify(&activations, layer).unwrap();
        golden.check_values("eval_logits", &output.logits, &golden.eval_logits);
        if layer == ResnetLayer::Layer4 {
            let features = network.features(&images).unwrap();
            let pooled = activations.flatten(1, 2).unwrap().mean(1).unwrap();
            assert!(relative(&values(&features), &values(&pooled)) < 1e-6);
        }
    }

    let mut adam = Adam::new(&network);
    let mut losses = Vec::new();
    for step in 0..3 {
        let LossGradients {
            output,
            loss,
            gradients,
        } = network
            .loss_gradients(&images, |output| Ok::<_, ModelError>(loss(&output.logits)))
            .unwrap();
        if step == 0 {
            golden.check_values("logits", &output.logits, &golden.logits);
            golden.check_values("embedding", &output.embedding, &golden.embedding);
            let named = gradients_by_name(&network, &gradients);
            golden.check_digests("gradients", &named, &golden.gradients);
            golden.check_digests("statistics", &statistics(&network), &golden.statistics);
        }
        adam.step(&network, &gradients);
        losses.push(loss);
    }
    let output = network.forward(&images, Mode::Train).unwrap();
    losses.push(loss(&output.logits));
    golden.check_values(
        "losses",
        &Tensor::stack(&losses, 0).unwrap(),
        &golden.losses,
    );
    golden.check_values("logits_after", &output.logits, &golden.logits_after);
    assert_eq!(
        network.state().unwrap()["bn1.num_batches_tracked"]
            .to_scalar::<i64>()
            .unwrap(),
        4
    );
}

#[test]
fn resnet18_on_the_cpu_backend() {
    check(
        Depth::D18,
        Backend::Cpu,
        &Golden::read(include_str!("golden/resnet18.json")),
    );
}

#[test]
fn resnet18_on_the_reference_backend() {
    check(
        Depth::D18,
        Backend::Reference,
        &Golden::read(include_str!("golden/resnet18.json")),
    );
}

#[test]
fn resnet50_on_the_cpu_backend() {
    check(
        Depth::D50,
        Backend::Cpu,
        &Golden::read(include_str!("golden/resnet50.json")),
    );
}

#[test]
fn resnet50_on_the_reference_backend() {
    check(
        Depth::D50,
        Backend::Reference,
        &Golden::read(include_str!("golden/resnet50.json")),
    );
}
