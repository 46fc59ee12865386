//! The training of one fold, whole.

use std::collections::BTreeSet;

use model::{Mode, Network};
use numeric::top_k_accuracy;
use random::Seed;
use serde::{Deserialize, Serialize};
use table_history::History;
use table_timings::Timing;
use tables::Subset;

use crate::adam::Adam;
use crate::batches::{Pictures, View, balanced, for_each_batch, shuffled, training_steps};
use crate::checkpoint::{Checkpoints, Course};
use crate::evaluate::evaluate;
use crate::loss::Loss;
use crate::pending::Pending;
use crate::schedule::{ExponentialDecay, LrFactors};
use crate::{Outputs, Split, TrainError, streams};

/// How a network is trained.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Passes of as many looks as there are training pictures.
    pub epochs: usize,
    /// Which pictures a pass looks at.
    pub sampling: Sampling,
    /// Images a step; the last step of an epoch may have fewer, or one more: a single image left over joins it.
    pub batch_size: usize,
    /// The learning rate by epoch.
    pub learning_rate: ExponentialDecay,
    /// What it is multiplied by in parts of the network.
    pub lr_factors: LrFactors,
    /// Of [`Adam`].
    pub weight_decay: f64,
    /// The best epoch has the highest class-weighted top-`k` accuracy on the fold.
    pub selection_k: usize,
    /// The root of all randomness.
    pub seed: Seed,
}

/// Which training pictures an epoch looks at, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampling {
    /// Every picture once, in a random order.
    Shuffle,
    /// As many draws with replacement, every class as likely as any other.
    Balanced,
}

/// The clock of a training, and who hears how it goes.
pub trait Watch {
    /// Seconds since some moment.
    fn seconds(&self) -> f64;

    /// The epochs of `history` are taken from a checkpoint; none for a training from the start.
    fn resumed(&mut self, history: &[History]);

    /// An epoch of `steps` steps begins.
    fn epoch_begins(&mut self, steps: usize);

    /// A step is made.
    fn step_done(&mut self, loss: f64);

    /// An epoch is trained, evaluated and saved.
    fn epoch_done(&mut self, row: &History, timing: &Timing);
}

/// Trains `network` to make `loss` smaller on the training pictures of a fold, from the latest checkpoint on, and returns
/// the course of all epochs. The best model and the outputs of every epoch stay with `checkpoints`.
///
/// Outputs of training pictures are those of the training pass itself, the last where a picture was drawn several times;
/// all other pictures, those not drawn among them, are evaluated after it.
///
/// # Errors
/// A class has no training picture, a loss is not finite, a picture cannot be read, a checkpoint cannot be written, or
/// the device fails.
pub fn train(
    network: &mut Network,
    pictures: &dyn Pictures,
    split: &Split,
    settings: &Settings,
    loss: &dyn Loss,
    checkpoints: &mut Checkpoints,
    watch: &mut dyn Watch,
) -> Result<Course, TrainError> {
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
    let mut adam = Adam::new(network.parameters(), settings.weight_decay)?
        .with_lr_factors(|name| settings.lr_factors.of(name));
    let mut course = checkpoints.resume(network, &mut adam)?;
    watch.resumed(&course.history);

    for epoch in course.epochs()..settings.epochs {
        let learning_rate = settings.learning_rate.at(epoch);
        let mut outputs = Outputs::zeros(split.len(), n_classes, embedding_size);
        let started = watch.seconds();
        watch.epoch_begins(training_steps(training.len(), batch_size));

        let mut rng = settings.seed.stream(streams::ORDER).at(epoch as u64, 0);
        let order = match settings.sampling {
            Sampling::Shuffle => shuffled(&training, &mut rng),
            Sampling::Balanced => balanced(&training, &split.codes_of(&training), &mut rng),
        };
        let view = View::augmented(epoch);
        let mut losses = EpochLosses::of(epoch);
        let mut pending = Pending::on(&device);
        for_each_batch(pictures, &order, view, batch_size, &device, |batch| {
            let output = network.forward(&batch.values, Mode::Train)?;
            let labels = split.codes_of(batch.images);
            let batch_loss = loss.mean(&output, &labels)?;
            adam.step(&batch_loss.backward()?, learning_rate)?;
            // Read once the whole step is issued, so that a GPU has work meanwhile.
            pending.push(batch.images, &output, Some(&batch_loss));
            losses.weights.push(loss.total_weight(&labels));
            if pending.is_full() {
                losses.note(&pending.take(&mut outputs)?, watch)?;
            }
            Ok::<_, TrainError>(())
        })?;
        losses.note(&pending.take(&mut outputs)?, watch)?;
        let trained = watch.seconds();

        let drawn: BTreeSet<usize> = order.into_iter().collect();
        let undrawn = training.iter().filter(|&image| !drawn.contains(image));
        let undrawn: Vec<usize> = undrawn.copied().collect();
        let not_trained = [validation.as_slice(), &test, &unseen, &undrawn].concat();
        evaluate(network, pictures, &not_trained, &mut outputs, |_| ())?;
        let mean_loss = |images: &[usize]| mean_loss(loss, &outputs, split, images, epoch);
        let row = History {
            fold: split.fold,
            epoch: number(epoch),
            learning_rate,
            train_loss: losses.mean(),
            validation_loss: mean_loss(&validation)?,
            test_loss: (!test.is_empty()).then(|| mean_loss(&test)).transpose()?,
            score: top_k_accuracy(
                { validation.iter() }
                    .map(|&image| (outputs.logits(image), split.codes[image] as usize)),
                n_classes,
                settings.selection_k,
            ),
            best: false,
        };
        let timing = Timing {
            fold: split.fold,
            epoch: number(epoch),
            train_s: trained - started,
            evaluate_s: watch.seconds() - trained,
        };
        course.push(row, timing);
        checkpoints.save(&course, &outputs, network, &adam)?;
        watch.epoch_done(&course.history[epoch], &course.timings[epoch]);
    }
    Ok(course)
}

/// The losses of an epoch's steps, as far as the device has handed them over.
struct EpochLosses {
    epoch: usize,
    /// Weight of each step issued: batches differ in it, and weighted by it their losses make the mean over the images.
    weights: Vec<f64>,
    /// Steps whose loss is known.
    n_known: usize,
    loss_sum: f64,
    weight_sum: f64,
}

impl EpochLosses {
    fn of(epoch: usize) -> Self {
        Self {
            epoch,
            weights: Vec::new(),
            n_known: 0,
            loss_sum: 0.0,
            weight_sum: 0.0,
        }
    }

    /// Adds the losses of the steps after those known.
    fn note(&mut self, losses: &[f64], watch: &mut dyn Watch) -> Result<(), TrainError> {
        for &loss in losses {
            let step = self.n_known;
            if !loss.is_finite() {
                let epoch = self.epoch;
                return Err(TrainError::LossNotFinite { loss, epoch, step });
            }
            self.loss_sum += loss * self.weights[step];
            self.weight_sum += self.weights[step];
            self.n_known += 1;
            watch.step_done(loss);
        }
        Ok(())
    }

    fn mean(&self) -> f64 {
        self.loss_sum / self.weight_sum
    }
}

/// The loss of pictures that the network has been evaluated on.
fn mean_loss(
    loss: &dyn Loss,
    outputs: &Outputs,
    split: &Split,
    images: &[usize],
    epoch: usize,
) -> Result<f64, TrainError> {
    let loss = loss.mean(&outputs.of(images)?, &split.codes_of(images))?;
    // Widened here and not on the device: Metal has no f64.
    let loss = f64::from(loss.to_scalar::<f32>()?);
    if loss.is_finite() {
        Ok(loss)
    } else {
        Err(TrainError::EvaluationNotFinite { loss, epoch })
    }
}

fn number(epoch: usize) -> u32 {
    u32::try_from(epoch).expect("epochs are counted by hand")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Losses of the steps that were reported.
    #[derive(Default)]
    struct Heard(Vec<f64>);

    impl Watch for Heard {
        fn seconds(&self) -> f64 {
            0.0
        }

        fn resumed(&mut self, _: &[History]) {}

        fn epoch_begins(&mut self, _: usize) {}

        fn step_done(&mut self, loss: f64) {
            self.0.push(loss);
        }

        fn epoch_done(&mut self, _: &History, _: &Timing) {}
    }

    #[test]
    fn losses_that_come_late_belong_to_their_steps() {
        let mut losses = EpochLosses::of(3);
        let mut heard = Heard::default();
        losses.weights.extend([1.0, 3.0]);
        losses.note(&[2.0], &mut heard).unwrap();
        losses.weights.push(4.0);
        losses.note(&[1.0, 0.5], &mut heard).unwrap();
        assert_eq!(heard.0, [2.0, 1.0, 0.5]);
        assert!((losses.mean() - 7.0 / 8.0).abs() < 1e-12);
        // Three steps more are issued when the second of them turns out not to be finite.
        losses.weights.extend([1.0; 3]);
        let error = losses.note(&[1.0, f64::NAN, 1.0], &mut heard).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("the loss is NaN in step 4 of epoch 3"),
            "{message}"
        );
    }
}
