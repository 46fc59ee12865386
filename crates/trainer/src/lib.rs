//! Training of the study's networks: loop, loss, optimizer, schedule, checkpoint.
//!
//! [`train()`] is one loop for every [`Loss`]: the cross-entropy of stage `train`, and those of metric learning, which are
//! a crate of their own.
//!
//! Training writes what the network said of every picture in every epoch, and no scores but the one that it selects the
//! best epoch by; all others are computed from these outputs elsewhere.
//!
//! A picture is named by its row in the table `annotations`, from 0. Letters of shapes: `N` pictures, `B` pictures of a
//! batch, `K` classes, `D` dimensions of the embedding.

mod adam;
mod batches;
mod checkpoint;
mod error;
mod evaluate;
mod loss;
mod outputs;
mod pending;
mod pixels;
mod pretrained;
mod ranges;
mod schedule;
mod split;
pub mod streams;
mod teller;
mod train;

pub use adam::Adam;
pub use batches::{Batch, Pictures, View, balanced, for_each_batch, shuffled, training_steps};
pub use checkpoint::{Checkpoints, Course, Identity};
pub use error::TrainError;
pub use evaluate::{EVALUATION_BATCH_SIZE, evaluate};
pub use loss::{CrossEntropy, Loss, check_logits};
pub use outputs::Outputs;
pub use pixels::PixelPictures;
pub use pretrained::load_pretrained;
pub use ranges::{Angle, BelowOne, NotNegative, Positive};
pub use schedule::{ExponentialDecay, LrFactors};
pub use split::Split;
pub use teller::Teller;
pub use train::{Sampling, Settings, Watch, train};
