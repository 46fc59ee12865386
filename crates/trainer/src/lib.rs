//! Training of the networks: loop, loss, optimizer, schedule, checkpoint.
//!
//! [`train()`] is one loop for every [`Loss`]: the cross-entropy of stage `train`, and those of metric learning, which are
//! a crate of their own.
//!
//! Training writes the network's outputs for every image in every epoch, and no scores but the one that selects the best
//! epoch; all others are computed from these outputs elsewhere.
//!
//! An image is named by its row in the table `annotations`, from 0. Letters of shapes: `N` images, `B` images of a batch,
//! `K` classes, `D` dimensions of the embedding.

mod adam;
mod batches;
mod checkpoint;
mod error;
mod evaluate;
mod fine_tuning;
mod gradients;
mod history;
mod loss;
mod mixing;
mod outputs;
mod pending_steps;
mod pixels;
mod pretrained;
mod progress;
mod ranges;
mod schedule;
mod settings;
mod split;
mod stage_run;
mod state;
pub mod streams;
mod train;
mod weight_average;

pub use adam::Adam;
pub use batches::{
    Batch, ImageSource, Transform, balanced, for_each_batch, shuffled, training_steps,
};
pub use checkpoint::{Checkpoints, Identity};
pub use error::TrainError;
pub use evaluate::{EVALUATION_BATCH_SIZE, evaluate};
pub use fine_tuning::{FineTuning, Optimizer};
pub use history::TrainingHistory;
pub use loss::{CrossEntropy, Loss, check_logits};
pub use mixing::{Mixing, Mixture};
pub use outputs::Outputs;
pub use pixels::DecodedImages;
pub use pretrained::load_pretrained;
pub use progress::ProgressReporter;
pub use ranges::{Angle, BelowOne, NotNegative, Positive, UpToOne};
pub use schedule::{Decay, LrFactors, Schedule, StepSchedule};
pub use settings::{Sampling, Settings};
pub use split::FoldSplit;
pub use stage_run::{StageRun, TrainingData, TrainingInputs};
pub use train::{TrainingObserver, train};
pub use weight_average::WeightAverage;
