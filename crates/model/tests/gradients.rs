//! The gradients of [`model::Network::loss_gradients`] against candle's autograd; networks for inference alone.
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod formula;

use std::path::Path;

use candle_core::{Result, Tensor, Var};
use formula::{images, network, relative, values};
use kernels::Backend;
use model::{Depth, Freeze, Mode, ModelError, Network, Output, ResnetLayer};

/// A loss that depends on all outputs.
fn loss(output: &Output) -> Result<Tensor> {
    output.logits.sqr()?.mean_all()? + output.embedding.sin()?.mean_all()?
}

/// Checks outputs, loss, gradients and running statistics of two equal networks, to the bit.
fn check(depth: Depth, backend: Backend, freeze: Freeze) {
    let [by_candle, by_tape] = [(); 2].map(|()| {
        let mut network: Network = network(depth, backend);
        network.freeze(freeze);
        network
    });
    let output = by_candle.forward(&images(), Mode::Train).unwrap();
    let expected_loss = loss(&output).unwrap();
    let expected = expected_loss.backward().unwrap();
    let computed = by_tape
        .loss_gradients(&images(), |output| Ok::<_, ModelError>(loss(output)?))
        .unwrap();
    assert_eq!(values(&computed.loss), values(&expected_loss));
    assert_eq!(values(&computed.output.logits), values(&output.logits));
    assert_eq!(
        values(&computed.output.embedding),
        values(&output.embedding)
    );
    let parameters = by_candle.parameters().into_iter().zip(by_tape.parameters());
    for ((name, var), (_, var_of_tape)) in parameters {
        let [expected, found] = [(&expected, &var), (&computed.gradients, &var_of_tape)]
            .map(|(gradients, var)| values(gradients.get(var).unwrap()));
        assert!(expected.iter().any(|&value| value != 0.0), "{name}");
        assert_eq!(found, expected, "{name}");
    }
    let n_gradients = computed.gradients.get_ids().count();
    assert_eq!(n_gradients, by_tape.parameters().len());
    let (state, expected) = (by_tape.state().unwrap(), by_candle.state().unwrap());
    for (name, tensor) in state {
        let both = [&tensor, &expected[&name]];
        let [found, expected] =
            both.map(|tensor| tensor.to_dtype(candle_core::DType::F32).unwrap());
        assert_eq!(values(&found), values(&expected), "{name}");
    }
}

#[test]
fn resnet18() {
    check(Depth::D18, Backend::Cpu, Freeze::default());
}

#[test]
fn resnet50() {
    check(Depth::D50, Backend::Cpu, Freeze::default());
}

#[test]
fn resnet18_by_the_operations_of_gpus() {
    check(Depth::D18, Backend::Reference, Freeze::default());
}

#[test]
fn frozen_parts() {
    for (cnn, batch_norm) in [(true, false), (false, true), (true, true)] {
        let freeze = Freeze {
            cnn,
            batch_norm,
            ..Freeze::default()
        };
        check(Depth::D18, Backend::Cpu, freeze);
    }
}

#[test]
fn a_constant_network_has_the_outputs_of_the_variable_one() {
    for (depth, backend) in [
        (Depth::D18, Backend::Cpu),
        (Depth::D50, Backend::Cpu),
        (Depth::D18, Backend::Reference),
    ] {
        let variable: Network = network(depth, backend);
        let expected = variable.forward(&images(), Mode::Eval).unwrap();
        let state = variable.state().unwrap();
        let mut constant = variable.into_constant().unwrap();
        // Twice: packed and transformed weights are kept from the first time.
        for n_images in [4, 1, 4] {
            let some = images().narrow(0, 0, n_images).unwrap();
            let found = constant.forward(&some, Mode::Eval).unwrap();
            let expected = expected.logits.narrow(0, 0, n_images).unwrap();
            let difference = relative(&values(&found.logits), &values(&expected));
            assert!(difference < 1e-5, "{difference:.1e} by {n_images}");
        }
        assert!(constant.parameters().is_empty());
        let refusals = [
            constant.forward(&images(), Mode::Train).map(drop),
            constant.set_state(&state),
            constant.approach(&network(depth, backend), 0.5),
            constant.load_backbone(Path::new("none")).map(drop),
        ];
        for refused in refusals {
            let refused = refused.unwrap_err();
            assert!(matches!(refused, ModelError::Constant), "{refused}");
        }
    }
}

/// Gradients of activations, as class activation maps need them.
#[test]
fn a_constant_network_has_gradients_of_activations() {
    let [variable, constant] = [false, true].map(|is_constant| {
        let network: Network = network(Depth::D18, Backend::Cpu);
        match is_constant {
            true => network.into_constant().unwrap(),
            false => network,
        }
    });
    let layer = ResnetLayer::Layer3;
    let activations = variable.activations(&images(), layer).unwrap();
    let activations = Var::from_tensor(&activations).unwrap();
    let [expected, found] = [&variable, &constant].map(|network| {
        let output = network.classify(&activations, layer).unwrap();
        let gradients = loss(&output).unwrap().backward().unwrap();
        values(gradients.get(&activations).unwrap())
    });
    assert!(expected.iter().any(|&value| value != 0.0));
    assert!(relative(&found, &expected) < 1e-6);
}
