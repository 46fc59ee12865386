//! Training of the study's network: loop, loss, optimizer, schedule, checkpoint.
//!
//! Training writes what the network said of every picture in every epoch, and no scores but the one that it selects the
//! best epoch by; all others are computed from these outputs elsewhere.
//!
//! A picture is named by its row in the table `annotations`, from 0. Letters of shapes: `N` pictures, `B` pictures of a
//! batch, `K` classes, `D` dimensions of the embedding.

mod adam;
mod batches;
mod checkpoint;
mod choose;
mod error;
mod evaluate;
mod loss;
mod outputs;
mod parts;
mod pixels;
mod ranges;
mod schedule;
mod score;
mod train;

pub use adam::Adam;
pub use batches::{Batch, Pictures, View, for_each_batch, shuffled};
pub use checkpoint::{Checkpoints, Course};
pub use choose::{Rule, choose};
pub use error::TrainError;
pub use evaluate::evaluate;
pub use loss::{CrossEntropy, inverse_counts};
pub use outputs::Outputs;
pub use parts::{Part, Parts};
pub use pixels::PixelPictures;
pub use ranges::{BelowOne, NotNegative, Positive};
pub use schedule::ExponentialDecay;
pub use score::{softmax, top_k_accuracy};
pub use train::{Settings, Watch, train};
