//! The training loop of one fold.

use std::collections::BTreeSet;

use model::Network;
use numeric::top_k_accuracy;
use table_history::History;
use table_timings::Timing;
use tables::Subset;

use crate::batches::{ImageSource, Transform, balanced, for_each_batch, shuffled, training_steps};
use crate::checkpoint::Checkpoints;
use crate::evaluate::evaluate;
use crate::gradients::batch_gradients;
use crate::history::TrainingHistory;
use crate::loss::Loss;
use crate::pending_steps::PendingSteps;
use crate::settings::{Sampling, Settings};
use crate::state::TrainingState;
use crate::{FoldSplit, Outputs, TrainError, streams};

/// The clock of a training, and the receiver of its progress.
pub trait TrainingObserver {
    /// Seconds since a fixed moment.
    fn seconds(&self) -> f64;

    /// The training starts after the epochs of `history`, which come from a checkpoint; none for a new training.
    fn resumed(&mut self, history: &[History]);

    /// An epoch of `steps` steps starts.
    fn epoch_started(&mut self, steps: usize);

    /// A step is finished.
    fn step_finished(&mut self, loss: f64);

    /// An epoch is trained, evaluated and saved.
    fn epoch_finished(&mut self, row: &History, timing: &Timing);
}

/// Trains `network` to minimize `loss` on the training images of a fold, from the latest checkpoint on, and returns the
/// history of all epochs. The saved model and the outputs of every epoch are in the files of `checkpoints`.
///
/// Outputs of training images are those of the training pass itself, the last ones of an image drawn several times, and
/// of mixed images if batches are mixed; all other images, including those not drawn, are evaluated after it, by the
/// average of the weights if there is one.
///
/// # Errors
/// A class has no training image, the epochs of head or warm-up leave no others, a loss is not finite, an image cannot be
/// read, a checkpoint cannot be written, or the device fails.
pub fn train(
    network: &mut Network,
    source: &dyn ImageSource,
    split: &FoldSplit,
    settings: &Settings,
    loss: &dyn Loss,
    checkpoints: &mut Checkpoints,
    observer: &mut dyn TrainingObserver,
) -> Result<TrainingHistory, TrainError> {
    let (n_classes, embedding_size) = (split.classes.len(), network.config().embedding_size);
    let (batch_size, device) = (settings.batch_size, network.device().clone());
    let [training, validation, test, unseen] = [
        Subset::Train,
        Subset::Validation,
        Subset::Test,
        Subset::Unseen,
    ]
    .map(|subset| split.images(subset));
    split.train_counts()?;
    if settings.selection_k >= n_classes {
        let k = settings.selection_k;
        return Err(TrainError::SelectionK { k, n_classes });
    }
    let n_steps = training_steps(training.len(), batch_size);
    let mut state = TrainingState::new(network, settings, n_steps)?;
    let mut history = checkpoints.resume(&mut state)?;
    observer.resumed(&history.epochs);

    for epoch in history.n_epochs()..settings.epochs {
        state.begin_epoch(epoch)?;
        let mut outputs = Outputs::zeros(split.len(), n_classes, embedding_size);
        let started = observer.seconds();
        observer.epoch_started(n_steps);

        let mut rng = settings.seed.stream(streams::ORDER).at(epoch as u64, 0);
        let order = match settings.sampling {
            Sampling::Shuffle => shuffled(&training, &mut rng),
            Sampling::Balanced => balanced(&training, &split.class_indices_of(&training), &mut rng),
        };
        let transform = Transform::augmented(epoch);
        let mut losses = EpochLosses::new(epoch);
        let mut pending = PendingSteps::for_device(&device);
        for_each_batch(source, &order, transform, batch_size, &device, |batch| {
            let labels = split.class_indices_of(batch.images);
            let parts = settings.micro_batch_size;
            let computed = batch_gradients(state.network(), loss, &batch, &labels, parts)?;
            state.step(&computed.gradients, epoch, losses.weights.len())?;
            // Read after the whole step is issued, so that a GPU has work meanwhile.
            pending.push(batch.images, &computed.output, Some(&computed.loss));
            losses.weights.push(loss.total_weight(&labels));
            if pending.is_full() {
                losses.add(&pending.take(&mut outputs)?, observer)?;
            }
            Ok::<_, TrainError>(())
        })?;
        losses.add(&pending.take(&mut outputs)?, observer)?;
        let trained = observer.seconds();

        let drawn: BTreeSet<usize> = order.into_iter().collect();
        let undrawn = training.iter().filter(|&image| !drawn.contains(image));
        let undrawn: Vec<usize> = undrawn.copied().collect();
        let not_trained = [validation.as_slice(), &test, &unseen, &undrawn].concat();
        evaluate(
            state.evaluated(),
            source,
            &not_trained,
            &mut outputs,
            |_| (),
        )?;
        let mean_loss = |images: &[usize]| mean_loss(loss, &outputs, split, images, epoch);
        let row = History {
            fold: split.fold,
            epoch: number(epoch),
            learning_rate: state.learning_rate(epoch, n_steps - 1),
            train_loss: losses.mean(),
            validation_loss: mean_loss(&validation)?,
            test_loss: (!test.is_empty()).then(|| mean_loss(&test)).transpose()?,
            score: top_k_accuracy(
                { validation.iter() }
                    .map(|&image| (outputs.logits(image), split.class_indices[image] as usize)),
                n_classes,
                settings.selection_k,
            ),
            best: false,
        };
        let timing = Timing {
            fold: split.fold,
            epoch: number(epoch),
            train_s: trained - started,
            evaluate_s: observer.seconds() - trained,
        };
        history.push(row, timing, settings.fine_tuning.selection);
        checkpoints.save(&history, &outputs, &state)?;
        observer.epoch_finished(&history.epochs[epoch], &history.timings[epoch]);
    }
    Ok(history)
}

/// The losses of an epoch's steps that were copied from the device.
struct EpochLosses {
    epoch: usize,
    /// Weight of the batch of each step issued: weighted by it, losses have the mean over the images.
    weights: Vec<f64>,
    /// Number of steps with a known loss.
    n_known: usize,
    loss_sum: f64,
    weight_sum: f64,
}

impl EpochLosses {
    fn new(epoch: usize) -> Self {
        Self {
            epoch,
            weights: Vec::new(),
            n_known: 0,
            loss_sum: 0.0,
            weight_sum: 0.0,
        }
    }

    /// Adds the losses of the next steps.
    fn add(
        &mut self,
        losses: &[f64],
        observer: &mut dyn TrainingObserver,
    ) -> Result<(), TrainError> {
        for &loss in losses {
            let step = self.n_known;
            if !loss.is_finite() {
                let epoch = self.epoch;
                return Err(TrainError::LossNotFinite { loss, epoch, step });
            }
            self.loss_sum += loss * self.weights[step];
            self.weight_sum += self.weights[step];
            self.n_known += 1;
            observer.step_finished(loss);
        }
        Ok(())
    }

    fn mean(&self) -> f64 {
        self.loss_sum / self.weight_sum
    }
}

/// The mean loss of evaluated images.
fn mean_loss(
    loss: &dyn Loss,
    outputs: &Outputs,
    split: &FoldSplit,
    images: &[usize],
    epoch: usize,
) -> Result<f64, TrainError> {
    let loss = loss.mean(&outputs.batch(images)?, &split.class_indices_of(images))?;
    // Converted on the host, since Metal has no f64.
    let loss = f64::from(loss.to_scalar::<f32>()?);
    if loss.is_finite() {
        Ok(loss)
    } else {
        Err(TrainError::EvaluationNotFinite { loss, epoch })
    }
}

fn number(epoch: usize) -> u32 {
    u32::try_from(epoch).expect("the number of epochs is a setting far below 2^32")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observer that records the losses of steps.
    #[derive(Default)]
    struct Recorder(Vec<f64>);

    impl TrainingObserver for Recorder {
        fn seconds(&self) -> f64 {
            0.0
        }

        fn resumed(&mut self, _: &[History]) {}

        fn epoch_started(&mut self, _: usize) {}

        fn step_finished(&mut self, loss: f64) {
            self.0.push(loss);
        }

        fn epoch_finished(&mut self, _: &History, _: &Timing) {}
    }

    #[test]
    fn delayed_losses_belong_to_their_steps() {
        let mut losses = EpochLosses::new(3);
        let mut recorder = Recorder::default();
        losses.weights.extend([1.0, 3.0]);
        losses.add(&[2.0], &mut recorder).unwrap();
        losses.weights.push(4.0);
        losses.add(&[1.0, 0.5], &mut recorder).unwrap();
        assert_eq!(recorder.0, [2.0, 1.0, 0.5]);
        assert!((losses.mean() - 7.0 / 8.0).abs() < 1e-12);
        // Three more steps are issued, of which the second is not finite.
        losses.weights.extend([1.0; 3]);
        let error = losses
            .add(&[1.0, f64::NAN, 1.0], &mut recorder)
            .unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("the loss is NaN in step 4 of epoch 3"),
            "{message}"
        );
    }
}
