//! All that training changes.

use std::collections::BTreeMap;

use candle_core::Tensor;
use candle_core::backprop::GradStore;
use model::{Freeze, Network, ParameterGroup};

use crate::adam::Adam;
use crate::fine_tuning::{FineTuning, Optimizer};
use crate::schedule::{Schedule, StepSchedule};
use crate::weight_average::WeightAverage;
use crate::{Settings, TrainError};

/// Prefix of the network's tensors in a checkpoint, which distinguishes them from the moments.
const NETWORK: &str = "network.";
/// Prefix of those of the average.
const AVERAGE: &str = "average.";

/// Network, optimizer and average of a training, and its phases: first, if there are any, the epochs of the head alone.
pub(crate) struct TrainingState<'a> {
    network: &'a mut Network,
    adam: Adam,
    average: Option<WeightAverage>,
    phases: Phases,
}

/// Phases of a training.
struct Phases {
    /// Epochs of the first phase.
    head_epochs: usize,
    /// Frozen parts in the second.
    freeze: Freeze,
    /// Steps of an epoch.
    steps: usize,
    /// Learning rate of the first phase.
    head_rate: f64,
    /// Learning rates of the second.
    schedule: StepSchedule,
}

impl<'a> TrainingState<'a> {
    /// The state before the first of `settings.epochs` epochs of `steps` steps.
    pub(crate) fn new(
        network: &'a mut Network,
        settings: &Settings,
        steps: usize,
    ) -> Result<Self, TrainError> {
        let FineTuning {
            optimizer,
            clip_norm,
            ema_decay,
            head_epochs,
            ..
        } = settings.fine_tuning;
        let Some(epochs) = settings.epochs.checked_sub(head_epochs).filter(|&n| n > 0) else {
            return Err(TrainError::HeadEpochs {
                head_epochs,
                epochs: settings.epochs,
            });
        };
        let adam = Adam::new(network.parameters(), settings.weight_decay)?
            .with_lr_factors(|name| settings.lr_factors.of(name))
            .with_clip_norm(clip_norm);
        let average = (ema_decay > 0.0).then(|| WeightAverage::new(network, ema_decay));
        let schedule: Schedule = settings.learning_rate;
        Ok(Self {
            adam: match optimizer {
                Optimizer::Adam => adam,
                Optimizer::AdamW => adam.decoupled(),
            },
            average: average.transpose()?,
            phases: Phases {
                head_epochs,
                freeze: network.frozen(),
                steps,
                head_rate: schedule.start,
                schedule: schedule.over(epochs, steps)?,
            },
            network,
        })
    }

    /// Freezes the parts that `epoch` doesn't train, and starts the optimizer anew where a phase begins.
    pub(crate) fn begin_epoch(&mut self, epoch: usize) -> Result<(), TrainError> {
        let Phases {
            head_epochs,
            freeze,
            ..
        } = self.phases;
        if epoch < head_epochs {
            self.network.freeze(Freeze {
                cnn: true,
                fc: true,
                batch_norm: true,
            });
            self.adam
                .train_only(|name| ParameterGroup::of(name) != ParameterGroup::Backbone);
            return Ok(());
        }
        self.network.freeze(freeze);
        self.adam.train_only(|_| true);
        if epoch == head_epochs && epoch > 0 {
            self.adam.reset()?;
        }
        Ok(())
    }

    /// Updates the weights and their average by the gradients of step number `step` of `epoch`, both counted from 0.
    pub(crate) fn step(
        &mut self,
        gradients: &GradStore,
        epoch: usize,
        step: usize,
    ) -> Result<(), TrainError> {
        let learning_rate = self.learning_rate(epoch, step);
        self.adam.step(gradients, learning_rate)?;
        if let Some(average) = &mut self.average {
            average.update(self.network, epoch * self.phases.steps + step + 1)?;
        }
        Ok(())
    }

    /// The learning rate of step number `step` of `epoch`, both counted from 0, before the factors of parameter groups.
    pub(crate) fn learning_rate(&self, epoch: usize, step: usize) -> f64 {
        match epoch.checked_sub(self.phases.head_epochs) {
            Some(epoch) => self.phases.schedule.at(epoch, step),
            None => self.phases.head_rate,
        }
    }

    /// The network that is trained.
    pub(crate) fn network(&self) -> &Network {
        self.network
    }

    /// The network that is evaluated and saved: that of the average, if there is one.
    pub(crate) fn evaluated(&self) -> &Network {
        match &self.average {
            Some(average) => average.network(),
            None => self.network,
        }
    }

    /// Number of steps of the optimizer since it started.
    pub(crate) fn optimizer_steps(&self) -> usize {
        self.adam.steps()
    }

    /// All tensors by name.
    pub(crate) fn tensors(&self) -> Result<BTreeMap<String, Tensor>, TrainError> {
        let mut tensors = self.adam.state();
        let average = self
            .average
            .as_ref()
            .map(|average| (AVERAGE, average.network()));
        for (prefix, network) in [(NETWORK, self.network())].into_iter().chain(average) {
            let state = network.state()?.into_iter();
            tensors.extend(state.map(|(name, tensor)| (format!("{prefix}{name}"), tensor)));
        }
        Ok(tensors)
    }

    /// Continues from [`Self::tensors`] after `optimizer_steps` steps.
    pub(crate) fn restore(
        &mut self,
        tensors: &BTreeMap<String, Tensor>,
        optimizer_steps: usize,
    ) -> Result<(), TrainError> {
        let of = |prefix: &str| -> BTreeMap<String, Tensor> {
            tensors
                .iter()
                .filter_map(|(name, tensor)| {
                    Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone()))
                })
                .collect()
        };
        self.adam.set_state(tensors, optimizer_steps)?;
        self.network.set_state(&of(NETWORK))?;
        if let Some(average) = &mut self.average {
            average.network_mut().set_state(&of(AVERAGE))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use model::{Config, Depth, ModelError, Output};
    use random::Seed;
    use table_history::EpochSelection;

    use super::*;
    use crate::{LrFactors, Sampling};

    fn network() -> Network {
        let config = Config {
            depth: Depth::D18,
            classifier: true,
            embedding_size: 2,
            n_classes: 2,
        };
        let mut rng = Seed::new(1).stream("weights").rng();
        Network::new(&config, &Device::Cpu, &mut rng).unwrap()
    }

    fn settings(fine_tuning: FineTuning) -> Settings {
        Settings {
            epochs: 2,
            sampling: Sampling::Shuffle,
            batch_size: 2,
            micro_batch_size: None,
            learning_rate: Schedule::exponential(0.1, 0.1, 1.0),
            lr_factors: LrFactors {
                backbone: 1.0,
                head: 1.0,
                layer_decay: 1.0,
                classifier: true,
            },
            weight_decay: 0.1,
            fine_tuning,
            selection_k: 1,
            seed: Seed::new(1),
        }
    }

    /// A step on two images.
    fn step(state: &mut TrainingState<'_>, epoch: usize) -> GradStore {
        let images: Vec<f32> = (0..2 * 32 * 32 * 3).map(|i| (i as f32).sin()).collect();
        let images = Tensor::from_vec(images, (2, 32, 32, 3), &Device::Cpu).unwrap();
        let loss = |output: &Output| Ok::<_, ModelError>(output.logits.sqr()?.sum_all()?);
        let computed = state.network().loss_gradients(&images, loss).unwrap();
        let gradients = computed.gradients;
        state.step(&gradients, epoch, 0).unwrap();
        gradients
    }

    /// Names of the tensors that differ.
    fn changed(before: &BTreeMap<String, Tensor>, after: &BTreeMap<String, Tensor>) -> Vec<String> {
        let bits = |tensor: &Tensor| -> Vec<u64> {
            let tensor = tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
            let numbers = tensor.to_vec1::<f64>().unwrap().into_iter();
            numbers.map(f64::to_bits).collect()
        };
        let differs = |name: &&String| bits(&before[*name]) != bits(&after[*name]);
        before.keys().filter(differs).cloned().collect()
    }

    #[test]
    fn the_head_is_trained_alone_and_then_everything_anew() {
        let mut network = network();
        let settings = settings(FineTuning {
            head_epochs: 1,
            ..FineTuning::default()
        });
        let mut state = TrainingState::new(&mut network, &settings, 1).unwrap();
        state.begin_epoch(0).unwrap();
        let before = state.network().state().unwrap();
        let gradients = step(&mut state, 0);
        let of_head = changed(&before, &state.network().state().unwrap());
        assert_eq!(
            of_head,
            ["embed.bias", "embed.weight", "head.bias", "head.weight"]
        );
        // No pass backward through the ResNet.
        state.begin_epoch(1).unwrap();
        let parameters = state.network().parameters();
        let with_gradient = { parameters.iter() }.filter(|(_, var)| gradients.get(var).is_some());
        assert_eq!(with_gradient.count(), 4);
        assert_eq!(state.optimizer_steps(), 0);
        let before = state.network().state().unwrap();
        step(&mut state, 1);
        let changed = changed(&before, &state.network().state().unwrap());
        assert_eq!(changed.len(), before.len(), "{changed:?}");
        // The schedule begins with the second phase.
        for epoch in [0, 1] {
            approx::assert_abs_diff_eq!(state.learning_rate(epoch, 0), 0.1);
        }
    }

    #[test]
    fn the_average_is_evaluated_and_restored() {
        let mut network = network();
        let settings = settings(FineTuning {
            optimizer: Optimizer::AdamW,
            ema_decay: 0.9,
            selection: EpochSelection::Last,
            ..FineTuning::default()
        });
        let mut state = TrainingState::new(&mut network, &settings, 1).unwrap();
        for epoch in 0..2 {
            state.begin_epoch(epoch).unwrap();
            step(&mut state, epoch);
        }
        let tensors = state.tensors().unwrap();
        let of_average = state.evaluated().state().unwrap();
        assert!(!changed(&of_average, &state.network().state().unwrap()).is_empty());
        let mut other = super::tests::network();
        let mut restored = TrainingState::new(&mut other, &settings, 1).unwrap();
        restored.restore(&tensors, 2).unwrap();
        let none: [&str; 0] = [];
        assert_eq!(changed(&tensors, &restored.tensors().unwrap()), none);
        assert_eq!(
            changed(&of_average, &restored.evaluated().state().unwrap()),
            none
        );
    }

    #[test]
    fn epochs_of_the_head_leave_others() {
        let settings = settings(FineTuning {
            head_epochs: 2,
            ..FineTuning::default()
        });
        let mut network = network();
        let error = TrainingState::new(&mut network, &settings, 1)
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "`head_epochs` is 2: expected less than `epochs`, 2, so that epochs of all parts follow"
        );
    }
}
