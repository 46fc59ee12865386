//! Logits in eval mode against candle-transformers' ResNets.
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod formula;

use candle_core::{DType, Device, Tensor};
use candle_nn::{Module, VarBuilder};
use candle_transformers::models::resnet;
use formula::{images, network, relative, values};
use kernels::Backend;
use model::{Depth, Mode};

/// Embeddings from candle-transformers' 1000 logits.
fn expected(depth: Depth, state: &std::collections::BTreeMap<String, Tensor>) -> Tensor {
    let tensors = state
        .iter()
        .map(|(name, tensor)| (name.clone(), tensor.clone()))
        .collect();
    let weights = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    let resnet = match depth {
        Depth::D18 => resnet::resnet18(1000, weights),
        Depth::D34 => resnet::resnet34(1000, weights),
        Depth::D50 => resnet::resnet50(1000, weights),
        Depth::D101 => resnet::resnet101(1000, weights),
        Depth::D152 => resnet::resnet152(1000, weights),
    };
    let images = images()
        .permute((0, 3, 1, 2))
        .unwrap()
        .contiguous()
        .unwrap();
    let logits = resnet.unwrap().forward(&images).unwrap().relu().unwrap();
    let embed = candle_nn::Linear::new(
        state["embed.weight"].clone(),
        Some(state["embed.bias"].clone()),
    );
    embed.forward(&logits).unwrap()
}

fn check(depth: Depth) {
    let network = network(depth, Backend::Cpu);
    let expected = expected(depth, &network.state().unwrap());
    for backend in [Backend::Cpu, Backend::Reference] {
        let network = formula::network(depth, backend);
        let found = network.forward(&images(), Mode::Eval).unwrap().embedding;
        let error = relative(&values(&found), &values(&expected));
        assert!(error < 1e-5, "{depth} differs by {error:e}");
    }
}

#[test]
fn resnet18() {
    check(Depth::D18);
}

#[test]
fn resnet50() {
    check(Depth::D50);
}
