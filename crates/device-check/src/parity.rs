//! Comparison of a device with the CPU.
//!
//! A training step, forward, backward and optimizer, runs twice from the same weights and images: on the reference
//! backend on the device, and on the kernels on the CPU.

use candle_core::{Device, Tensor};
use model::{Config, Depth, Network};
use random::Seed;
use trainer::{Adam, CrossEntropy, Loss, TrainError};

use crate::fixture;
use crate::named::{Named, norm, relative_error};
use crate::side::Side;
use crate::streams;

/// Size of the step: a small, odd number of images, large enough that the last block has more than one pixel.
const BATCH_SIZE: usize = 5;
const SIDE_PX: usize = 64;
const N_CLASSES: u32 = 3;

/// Largest relative error of a sound device: single precision alone accounts for some 2e-2 in the smallest
/// gradients of a fresh ResNet, those of biases, and a wrong operation for more than a tenth.
pub const TOLERANCE: f64 = 5e-2;

/// Difference of a device from the CPU in a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Parity {
    /// The result with the largest error: `loss`, `logits`, a gradient or a tensor of the state after the step.
    pub worst: String,
    /// Its relative error, `‖found − expected‖ / ‖expected‖`; infinite if it has numbers that are not finite.
    pub error: f64,
}

impl Parity {
    /// Returns `true` if the device has the CPU's results, within the tolerance.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.error <= TOLERANCE
    }
}

/// Compares a step on `device` with one on the CPU.
///
/// # Errors
/// The device fails.
pub fn parity(device: &Device) -> Result<Parity, TrainError> {
    parity_of(&Side::of(device))
}

/// Compares a step on `side` with one by the kernels.
///
/// # Errors
/// The device fails.
pub(crate) fn parity_of(side: &Side) -> Result<Parity, TrainError> {
    compare(&results(&network(side)?)?)
}

fn network(side: &Side) -> Result<Network, TrainError> {
    let config = Config {
        depth: Depth::D18,
        classifier: true,
        embedding_size: 4,
        n_classes: N_CLASSES as usize,
    };
    let mut rng = Seed::new(1).stream(streams::PARITY).rng();
    Ok(Network::with_backend(
        &config,
        &side.device,
        side.backend,
        &mut rng,
    )?)
}

/// The results of a step: loss, outputs, gradients, and the state after it.
fn results(network: &Network) -> Result<Vec<Named>, TrainError> {
    let device = network.device().clone();
    let images = fixture::images(BATCH_SIZE, SIDE_PX);
    let images = Tensor::from_vec(images, (BATCH_SIZE, SIDE_PX, SIDE_PX, 3), &device)?;
    let labels = fixture::labels(BATCH_SIZE, N_CLASSES);
    let loss = CrossEntropy::new(vec![1.0, 2.0, 0.5], 0.1);
    let computed = network.loss_gradients(&images, |output| loss.mean(output, &labels))?;
    let (output, loss, gradients) = (computed.output, computed.loss, computed.gradients);
    let mut results = vec![
        named("loss", &loss)?,
        named("logits", &output.logits)?,
        named("embedding", &output.embedding)?,
    ];
    for (name, parameter) in network.parameters() {
        let gradient = gradients.get(&parameter);
        let gradient = gradient.ok_or_else(|| TrainError::NoGradient(name.clone()))?;
        results.push(named(&format!("the gradient of `{name}`"), gradient)?);
    }
    Adam::new(network.parameters(), 1e-4)?.step(&gradients, 1e-4)?;
    for (name, tensor) in network.state()? {
        // Biases start at 0 or near it, and Adam's first step is the sign of the gradient, which rounding may change.
        if tensor.dtype().is_float() && !name.ends_with("bias") {
            results.push(named(&format!("`{name}` after the step"), &tensor)?);
        }
    }
    results.push(nan(&device)?);
    Ok(results)
}

/// NaN in the output of a ReLU: 1 for NaN as input, 0 for a number. Kernels compiled with fast math may lose it.
fn nan(device: &Device) -> Result<Named, TrainError> {
    let y = kernels::relu(&Tensor::new(&[f32::NAN, 1.0, -1.0], device)?)?;
    let is_nan = y.to_vec1::<f32>()?.into_iter();
    let is_nan = is_nan.map(|value| f32::from(u8::from(value.is_nan())));
    Ok(("NaN behind a ReLU".to_owned(), is_nan.collect()))
}

fn named(name: &str, tensor: &Tensor) -> Result<Named, TrainError> {
    Ok((name.to_owned(), tensor.flatten_all()?.to_vec1()?))
}

/// Compares results with those of the CPU.
fn compare(found: &[Named]) -> Result<Parity, TrainError> {
    let expected = results(&network(&Side::kernels())?)?;
    // A result far smaller than the largest is compared by the scale of the largest: it may be rounding alone.
    let largest = expected.iter().map(|(_, values)| norm(values));
    let least = 1e-4 * largest.fold(0.0, f64::max);
    let mut parity = Parity {
        worst: String::new(),
        error: 0.0,
    };
    for ((name, found), (_, expected)) in found.iter().zip(&expected) {
        let error = relative_error(found, expected, least);
        if error > parity.error {
            parity = Parity {
                worst: name.clone(),
                error,
            };
        }
    }
    Ok(parity)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_reference_backend() -> Vec<Named> {
        results(&network(&Side::reference_on_cpu()).unwrap()).unwrap()
    }

    #[test]
    fn the_reference_backend_has_the_results_of_the_kernels() {
        let parity = compare(&on_reference_backend()).unwrap();
        assert!(parity.is_sound(), "{parity:?}");
    }

    #[test]
    fn a_wrong_gradient_or_nan_is_not_sound() {
        let right = on_reference_backend();
        let at = right
            .iter()
            .position(|(name, _)| name.contains("layer2.0.conv1"))
            .unwrap();
        for wrong in [0.5, f32::NAN] {
            let mut results = right.clone();
            results[at].1.iter_mut().for_each(|value| *value *= wrong);
            let parity = compare(&results).unwrap();
            assert!(!parity.is_sound());
            assert_eq!(parity.worst, right[at].0);
        }
    }
}
