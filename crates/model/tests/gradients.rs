//! The gradients of [`model::Network`] over the tape against those of candle's operations; networks for inference alone.
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod formula;

use std::path::Path;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};
use formula::{images, network, relative, values};
use kernels::Backend;
use model::{Depth, Freeze, LossGradients, Mode, ModelError, Network, Output, ResnetLayer};

/// Relative difference of gradients by the kernels and by candle's operations: rounding alone accounts for 1e-5 in the first
/// layers.
const TOLERANCE: f64 = 1e-4;

/// A loss that depends on all outputs.
fn loss(output: &Output) -> Result<Tensor> {
    output.logits.sqr()?.mean_all()? + output.embedding.sin()?.mean_all()?
}

fn frozen_network(depth: Depth, backend: Backend, freeze: Freeze) -> Network {
    let mut network: Network = network(depth, backend);
    network.freeze(freeze);
    network
}

fn loss_gradients(network: &Network) -> LossGradients {
    network
        .loss_gradients(&images(), |output| Ok::<_, ModelError>(loss(output)?))
        .unwrap()
}

/// Checks outputs, loss and running statistics of a step against those of a forward pass, to the bit.
fn check_forward(network: &Network, found: &LossGradients, forward: &Network) {
    let output = forward.forward(&images(), Mode::Train).unwrap();
    assert_eq!(values(&found.loss), values(&loss(&output).unwrap()));
    assert_eq!(values(&found.output.logits), values(&output.logits));
    assert_eq!(values(&found.output.embedding), values(&output.embedding));
    let (state, expected) = (network.state().unwrap(), forward.state().unwrap());
    for (name, tensor) in state {
        assert_eq!(values(&tensor), values(&expected[&name]), "{name}");
    }
}

/// Pairs of gradients by name; there are those of all parameters, and no others.
fn pairs(of: [(&Network, &GradStore); 2]) -> impl Iterator<Item = (String, [Vec<f64>; 2])> {
    let [found, expected] = of.map(|(network, gradients)| {
        let parameters = network.parameters();
        let gradient = |(name, var): (String, Var)| (name, values(gradients.get(&var).unwrap()));
        parameters.into_iter().map(gradient).collect::<Vec<_>>()
    });
    let (network, gradients) = of[0];
    assert_eq!(gradients.get_ids().count(), network.parameters().len());
    found
        .into_iter()
        .zip(expected)
        .map(|((name, found), (_, expected))| {
            assert!(expected.iter().any(|&value| value != 0.0), "{name}");
            (name, [found, expected])
        })
}

/// Checks the gradients over the tape against those of candle's operations.
fn check(depth: Depth, freeze: Freeze) {
    let [by_tape, forward] = [(); 2].map(|()| frozen_network(depth, Backend::Cpu, freeze));
    let by_candle = frozen_network(depth, Backend::Reference, freeze);
    let found = loss_gradients(&by_tape);
    check_forward(&by_tape, &found, &forward);
    let expected = loss_gradients(&by_candle);
    let of = [
        (&by_tape, &found.gradients),
        (&by_candle, &expected.gradients),
    ];
    for (name, [found, expected]) in pairs(of) {
        let difference = relative(&found, &expected);
        assert!(difference < TOLERANCE, "{name} differs by {difference:.1e}");
    }
}

#[test]
fn resnet18() {
    check(Depth::D18, Freeze::default());
}

#[test]
fn resnet50() {
    check(Depth::D50, Freeze::default());
}

#[test]
fn resnet18_by_the_operations_of_gpus() {
    let [network, by_candle] =
        [(); 2].map(|()| frozen_network(Depth::D18, Backend::Reference, Freeze::default()));
    let found = loss_gradients(&network);
    check_forward(&network, &found, &by_candle);
    // A forward pass by itself has the same gradients under candle's autograd.
    let output = by_candle.forward(&images(), Mode::Train).unwrap();
    let expected = loss(&output).unwrap().backward().unwrap();
    for (name, [found, expected]) in pairs([(&network, &found.gradients), (&by_candle, &expected)])
    {
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn frozen_parts() {
    for (cnn, batch_norm) in [(true, false), (false, true), (true, true)] {
        let freeze = Freeze {
            cnn,
            batch_norm,
            ..Freeze::default()
        };
        check(Depth::D18, freeze);
    }
}

#[test]
fn candle_finds_no_gradient_in_the_kernels() {
    for batch_norm in [false, true] {
        let freeze = Freeze {
            batch_norm,
            ..Freeze::default()
        };
        let network = frozen_network(Depth::D18, Backend::Cpu, freeze);
        let output = network.forward(&images(), Mode::Train).unwrap();
        let error = loss(&output).unwrap().backward().unwrap_err().to_string();
        assert!(error.contains("average-pool on CPU"), "{error}");
    }
    // Networks for inference: the gradient of activations.
    let network = network(Depth::D18, Backend::Cpu).into_constant().unwrap();
    let layer = ResnetLayer::Layer3;
    let activations = network.activations(&images(), layer).unwrap();
    let activations = Var::from_tensor(&activations).unwrap();
    let output = network.classify(&activations, layer).unwrap();
    assert!(loss(&output).unwrap().backward().is_err());
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
    let [expected, found] = [&variable, &constant].map(|network| {
        let value = |output: &Output| Ok::<_, ModelError>(loss(output)?);
        let gradient = network.activation_gradient(&activations, layer, value);
        values(&gradient.unwrap())
    });
    assert!(expected.iter().any(|&value| value != 0.0));
    assert!(relative(&found, &expected) < 1e-6);
}

#[test]
fn gradients_of_activations_are_those_of_candle() {
    let [by_tape, by_candle] = [Backend::Cpu, Backend::Reference].map(|backend| {
        let network: Network = network(Depth::D18, backend);
        network
    });
    for layer in ResnetLayer::ALL {
        let activations = by_tape.activations(&images(), layer).unwrap();
        let [found, expected] = [&by_tape, &by_candle].map(|network| {
            let value = |output: &Output| Ok::<_, ModelError>(loss(output)?);
            let gradient = network.activation_gradient(&activations, layer, value);
            let gradient = gradient.unwrap();
            assert_eq!(gradient.dims(), activations.dims());
            values(&gradient)
        });
        let difference = relative(&found, &expected);
        assert!(difference < TOLERANCE, "{layer:?}: {difference:.1e}");
        // No output depends on the activations.
        let value = |output: &Output| Ok::<_, ModelError>(output.logits.zeros_like()?.sum_all()?);
        let error = by_tape.activation_gradient(&activations, layer, value);
        let error = error.unwrap_err();
        assert!(matches!(error, ModelError::NoGradient { .. }), "{error}");
    }
}
