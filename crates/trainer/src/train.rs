//! The training of one fold, whole.

use candle_core::{DType, Device, Tensor};
use model::{Mode, Network};
use stage::Seed;
use tables::history::History;
use tables::timing::Timing;

use crate::adam::Adam;
use crate::batches::{Pictures, View, for_each_batch, shuffled};
use crate::checkpoint::{Checkpoints, Course};
use crate::evaluate::evaluate;
use crate::loss::{CrossEntropy, inverse_counts};
use crate::schedule::ExponentialDecay;
use crate::score::top_k_accuracy;
use crate::{Outputs, Part, Parts, TrainError};

/// How a network is trained.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many times every training picture is seen.
    pub epochs: usize,
    /// Pictures a step; the last step of an epoch may have fewer.
    pub batch_size: usize,
    /// The learning rate by epoch.
    pub learning_rate: ExponentialDecay,
    /// Of [`Adam`].
    pub weight_decay: f64,
    /// Of [`CrossEntropy`], in `[0, 1)`.
    pub label_smoothing: f64,
    /// Whether a class weighs 1 over its number of training pictures in the loss; else all weigh 1.
    pub class_weights: bool,
    /// The best epoch has the highest class-weighted top-`k` accuracy on the fold.
    pub selection_k: usize,
    /// The root of all randomness.
    pub seed: Seed,
}

/// The clock of a training, and who hears how it goes.
pub trait Watch {
    /// Seconds since some moment.
    fn seconds(&self) -> f64;

    /// So many epochs are taken from a checkpoint.
    fn resumed(&mut self, epochs: usize);

    /// An epoch of `steps` steps begins.
    fn epoch_begins(&mut self, steps: usize);

    /// A step is made.
    fn step_done(&mut self, loss: f64);

    /// An epoch is trained, evaluated and saved.
    fn epoch_done(&mut self, row: &History, timing: &Timing);
}

/// Trains `network` on the training pictures of a fold, from the latest checkpoint on, and returns the course of
/// all epochs. The best model and the outputs of every epoch stay with `checkpoints`.
///
/// # Errors
/// A class has no training picture, a loss is not finite, a picture cannot be read, a checkpoint cannot be written, or
/// the device fails.
pub fn train(
    network: &mut Network,
    pictures: &dyn Pictures,
    parts: &Parts,
    settings: &Settings,
    checkpoints: &mut Checkpoints,
    watch: &mut dyn Watch,
) -> Result<Course, TrainError> {
    let (n_classes, embedding_size) = (parts.classes.len(), network.config().embedding_size);
    let (batch_size, device) = (settings.batch_size, network.device().clone());
    let [training, test, validation] =
        [Part::Train, Part::Test, Part::Val].map(|part| parts.images(part));
    let held_out: Vec<usize> = [test.as_slice(), &validation].concat();
    let counts = parts.train_counts()?;
    if settings.selection_k >= n_classes {
        let k = settings.selection_k;
        return Err(TrainError::SelectionK { k, n_classes });
    }
    let class_weights = if settings.class_weights {
        inverse_counts(&counts)
    } else {
        vec![1.0; n_classes]
    };
    let cross_entropy = CrossEntropy::new(class_weights, settings.label_smoothing);
    let mut adam = Adam::new(network.parameters(), settings.weight_decay)?;
    let mut course = checkpoints.resume(network, &mut adam)?;
    watch.resumed(course.epochs());

    for epoch in course.epochs()..settings.epochs {
        let learning_rate = settings.learning_rate.at(epoch);
        let mut outputs = Outputs::zeros(parts.len(), n_classes, embedding_size);
        let started = watch.seconds();
        watch.epoch_begins(training.len().div_ceil(batch_size));

        let mut rng = settings.seed.stream("order").at(epoch as u64, 0);
        let order = shuffled(&training, &mut rng);
        let view = View::Augmented { epoch };
        let (mut loss_sum, mut weight_sum, mut step) = (0.0, 0.0, 0);
        for_each_batch(pictures, &order, view, batch_size, &device, |batch| {
            let output = network.forward(&batch.values, Mode::Train)?;
            let labels = parts.codes_of(batch.images);
            let loss = cross_entropy.forward(&output.logits, &labels)?;
            let gradients = loss.backward()?;
            let loss = scalar(&loss)?;
            if !loss.is_finite() {
                return Err(TrainError::LossNotFinite { loss, epoch, step });
            }
            adam.step(&gradients, learning_rate)?;
            outputs.set(batch.images, &output)?;
            // Batches differ in weight: weighted by it, their losses make the mean over the pictures.
            let weight = cross_entropy.total_weight(&labels);
            loss_sum += loss * weight;
            weight_sum += weight;
            step += 1;
            watch.step_done(loss);
            Ok(())
        })?;
        let trained = watch.seconds();

        evaluate(network, pictures, &held_out, &mut outputs, |_| ())?;
        let mean_loss =
            |images: &[usize]| mean_loss(&cross_entropy, &outputs, parts, images, epoch);
        let row = History {
            fold: parts.fold,
            epoch: number(epoch),
            learning_rate,
            train_loss: loss_sum / weight_sum,
            test_loss: mean_loss(&test)?,
            val_loss: (!validation.is_empty())
                .then(|| mean_loss(&validation))
                .transpose()?,
            score: top_k_accuracy(
                &outputs.logits_of(&test),
                &parts.codes_of(&test),
                n_classes,
                settings.selection_k,
            ),
            best: false,
        };
        let timing = Timing {
            fold: parts.fold,
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

/// The loss of pictures that the network has been evaluated on.
fn mean_loss(
    cross_entropy: &CrossEntropy,
    outputs: &Outputs,
    parts: &Parts,
    images: &[usize],
    epoch: usize,
) -> Result<f64, TrainError> {
    let shape = (images.len(), parts.classes.len());
    let logits = Tensor::from_vec(outputs.logits_of(images), shape, &Device::Cpu)?;
    let loss = scalar(&cross_entropy.forward(&logits, &parts.codes_of(images))?)?;
    if loss.is_finite() {
        Ok(loss)
    } else {
        Err(TrainError::EvaluationNotFinite { loss, epoch })
    }
}

fn scalar(loss: &Tensor) -> Result<f64, TrainError> {
    Ok(loss.to_dtype(DType::F64)?.to_scalar()?)
}

fn number(epoch: usize) -> u32 {
    u32::try_from(epoch).expect("epochs are counted by hand")
}
