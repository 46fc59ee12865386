//! A training step of the configured network, on the CPU's kernels and on a device.

use std::time::Duration;

use candle_core::Tensor;
use model::{Config, Depth, LossGradients, Network, ParameterGroup};
use random::Seed;
use serde::Serialize;
use trainer::{Adam, CrossEntropy, Loss, TrainError};

use crate::comparison::Check;
use crate::failure::attempt;
use crate::fixture;
use crate::measure::{median, repeated, timed};
use crate::memory::{GIB, fitting};
use crate::named::Named;
use crate::parity::TOLERANCE;
use crate::side::Side;
use crate::streams;

/// Repeats of the step whose median counts.
pub const STEP_REPEATS: usize = 3;

/// No repeat begins after this time.
const LIMIT: Duration = Duration::from_secs(6);

/// A first step that takes longer is the one that counts.
const LONG_MS: f64 = 6e3;

/// Largest estimated memory of the step, on the kernels and on the reference backend on the CPU, where it takes several
/// times as long: it bounds the time of the whole command.
const KERNELS_BYTES: f64 = 4.0 * GIB;
const REFERENCE_BYTES: f64 = 0.75 * GIB;

/// A number of classes: how many a collection has is known from its images alone.
const N_CLASSES: u32 = 8;

/// The configured step.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Depth of the ResNet.
    pub depth: Depth,
    /// True if the ResNet's classifier is kept.
    pub classifier: bool,
    /// Dimensions of the embedding.
    pub embedding_size: usize,
    /// Side of the images, in pixels.
    pub side_px: usize,
    /// Images of a step.
    pub batch_size: usize,
}

/// Time of the step on a side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StepTime {
    /// Median of `repeats` steps after a first one, or of a single one that takes long.
    pub ms: f64,
    /// Images per second.
    pub images_per_s: f64,
    /// Number of steps.
    pub repeats: usize,
}

/// The step on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The network.
    pub network: String,
    /// Side of the images, in pixels.
    pub side_px: usize,
    /// Images of the step.
    pub batch_size: usize,
    /// Images of a step in training, which may be more.
    pub configured_batch_size: usize,
    /// Time of the kernels.
    pub cpu: Option<StepTime>,
    /// Time on the device.
    pub device: Option<StepTime>,
    /// Errors of the device's loss, outputs and gradients.
    #[serde(flatten)]
    pub check: Check,
}

/// Images of the step: as many of the configured ones as fit in `memory` bytes, where that is known, and take no longer than
/// the command should; two at least, as batch normalization of a small image needs them.
#[must_use]
pub fn batch_size(settings: &Settings, side: &Side, class: &str, memory: Option<f64>) -> usize {
    let limit = match side.device.is_cpu() {
        true => REFERENCE_BYTES,
        false => KERNELS_BYTES,
    };
    let limit = memory.map_or(limit, |memory| limit.min(memory));
    let most = settings.batch_size;
    let fitting = fitting(class, settings.depth, settings.side_px, most, limit);
    fitting.unwrap_or(0).max(2)
}

/// Measures a step of `batch_size` images by the kernels and on `side`.
#[must_use]
pub fn step(settings: &Settings, batch_size: usize, side: &Side) -> Step {
    let configured_batch_size = settings.batch_size;
    let settings = Settings {
        batch_size,
        ..settings.clone()
    };
    let on = |side: &Side| attempt(|| measure(&settings, side));
    let expected = on(&Side::kernels()).map_err(|failure| format!("the kernels failed: {failure}"));
    let found = on(side);
    let time = |measurement: &Result<(StepTime, Vec<Named>), String>| {
        measurement.as_ref().ok().map(|(time, _)| *time)
    };
    Step {
        network: settings.depth.to_string(),
        side_px: settings.side_px,
        batch_size,
        configured_batch_size,
        cpu: time(&expected),
        device: time(&found),
        check: match (found, expected) {
            (Ok((_, found)), Ok((_, expected))) => Check::of(&found, &expected, TOLERANCE),
            (Err(failure), _) | (_, Err(failure)) => Check::failed(failure, TOLERANCE),
        },
    }
}

/// Time of the step on a side, and the results of its first run.
fn measure(settings: &Settings, side: &Side) -> Result<(StepTime, Vec<Named>), TrainError> {
    let mut training = Training::new(settings, side)?;
    let (first_ms, results) = timed(side, || training.step())?;
    let results = results.on_host(settings.depth)?;
    let samples = match first_ms > LONG_MS {
        true => vec![first_ms],
        false => repeated(STEP_REPEATS, LIMIT, || {
            timed(side, || training.step()).map(|(ms, _)| ms)
        })?,
    };
    let repeats = samples.len();
    let ms = median(samples);
    let time = StepTime {
        ms,
        images_per_s: settings.batch_size as f64 / ms * 1e3,
        repeats,
    };
    Ok((time, results))
}

/// A network in training on one batch.
struct Training {
    network: Network,
    optimizer: Adam,
    loss: CrossEntropy,
    images: Tensor,
    labels: Vec<u32>,
}

/// Results of a step, on the device.
struct Results {
    loss: f32,
    logits: Tensor,
    embedding: Tensor,
    /// By name of the parameter.
    gradients: Vec<(String, Tensor)>,
}

impl Training {
    fn new(settings: &Settings, side: &Side) -> Result<Self, TrainError> {
        let config = Config {
            depth: settings.depth,
            classifier: settings.classifier,
            embedding_size: settings.embedding_size,
            n_classes: N_CLASSES as usize,
        };
        let mut rng = Seed::new(1).stream(streams::PARITY).rng();
        let network = Network::with_backend(&config, &side.device, side.backend, &mut rng)?;
        let (batch_size, side_px) = (settings.batch_size, settings.side_px);
        let images = fixture::images(batch_size, side_px);
        let weights = (0..N_CLASSES).map(|class| 1.0 + class as f32 / 4.0);
        Ok(Self {
            optimizer: Adam::new(network.parameters(), 1e-2)?.decoupled(),
            network,
            loss: CrossEntropy::new(weights.collect(), 0.1),
            images: Tensor::from_vec(images, (batch_size, side_px, side_px, 3), &side.device)?,
            labels: fixture::labels(batch_size, N_CLASSES),
        })
    }

    /// A step: forward, loss, backward, optimizer, and the loss on the host.
    fn step(&mut self) -> Result<Results, TrainError> {
        let computed = self
            .network
            .loss_gradients(&self.images, |output| self.loss.mean(output, &self.labels))?;
        let LossGradients {
            output,
            loss,
            gradients,
        } = computed;
        self.optimizer.step(&gradients, 1e-4)?;
        let parameters = self.network.parameters().into_iter();
        let gradients = parameters.map(|(name, parameter)| {
            let gradient = gradients.get(&parameter).cloned();
            let gradient = gradient.ok_or_else(|| TrainError::NoGradient(name.clone()))?;
            Ok::<_, TrainError>((name, gradient))
        });
        Ok(Results {
            loss: loss.to_scalar()?,
            logits: output.logits,
            embedding: output.embedding,
            gradients: gradients.collect::<Result<_, _>>()?,
        })
    }
}

impl Results {
    /// Loss, outputs, and gradients of all weights as one; of a deep network, those behind the ResNet.
    ///
    /// At 48 px, rounding to single precision alone accounts for 1e-5 in all gradients of fresh networks up to ResNet-34, for 2e-2,
    /// 6e-2 and 1e-1 in those of ResNet-50, 101 and 152, and for 1e-3 at most in outputs and in the gradients of embedder
    /// and head.
    fn on_host(&self, depth: Depth) -> Result<Vec<Named>, TrainError> {
        let values = |tensor: &Tensor| tensor.detach().flatten_all()?.to_vec1::<f32>();
        let is_deep = depth >= Depth::D50;
        let (mut compared, mut are_finite) = (Vec::new(), true);
        for (name, gradient) in &self.gradients {
            let gradient = values(gradient)?;
            are_finite &= gradient.iter().all(|value| value.is_finite());
            if !is_deep || ParameterGroup::of(name) != ParameterGroup::Backbone {
                compared.extend(gradient);
            }
        }
        let of = match is_deep {
            true => "gradient of embedder and head",
            false => "gradient of all weights",
        };
        Ok(vec![
            ("loss".to_owned(), vec![self.loss]),
            ("logits".to_owned(), values(&self.logits)?),
            ("embedding".to_owned(), values(&self.embedding)?),
            (of.to_owned(), compared),
            (
                "finite gradients".to_owned(),
                vec![f32::from(u8::from(are_finite))],
            ),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_network_is_compared_behind_the_resnet() {
        let results = Results {
            loss: 1.0,
            logits: Tensor::new(&[1_f32], &candle_core::Device::Cpu).unwrap(),
            embedding: Tensor::new(&[1_f32], &candle_core::Device::Cpu).unwrap(),
            gradients: [("conv1.weight", 2_f32), ("head.weight", 3.0)]
                .map(|(name, value)| {
                    let gradient = Tensor::new(&[value], &candle_core::Device::Cpu);
                    (name.to_owned(), gradient.unwrap())
                })
                .into(),
        };
        let gradients = |depth| results.on_host(depth).unwrap().swap_remove(3).1;
        assert_eq!(gradients(Depth::D18), [2.0, 3.0]);
        assert_eq!(gradients(Depth::D152), [3.0]);
    }

    fn settings(side_px: usize, batch_size: usize) -> Settings {
        Settings {
            depth: Depth::D18,
            classifier: false,
            embedding_size: 4,
            side_px,
            batch_size,
        }
    }

    #[test]
    fn a_step_of_the_reference_backend_has_the_results_of_the_kernels() {
        let step = step(&settings(64, 5), 4, &Side::reference_on_cpu());
        assert!(step.check.is_sound, "{step:?}");
        assert_eq!(step.check.errors.len(), 5);
        let [cpu, device] = [step.cpu, step.device].map(Option::unwrap);
        for time in [cpu, device] {
            assert!((time.images_per_s * time.ms - 4e3).abs() < 1e-6);
        }
    }

    #[test]
    fn a_batch_is_reduced_by_memory_and_never_to_one_image() {
        let side = Side::reference_on_cpu();
        let of = |settings: &Settings, memory| batch_size(settings, &side, "cpu", memory);
        assert_eq!(of(&settings(48, 16), None), 16);
        let reduced = of(&settings(224, 32), None);
        assert!((2..32).contains(&reduced), "{reduced}");
        assert_eq!(of(&settings(224, 32), Some(1.0)), 2);
        assert_eq!(of(&settings(48, 1), None), 2);
    }
}
