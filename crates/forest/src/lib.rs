//! Random forest beside the network.
//!
//! Letters of shapes: `N` rows, `F` features of a row, `K` classes. A forest depends on its rows, parameters and seed
//! alone: not on the number of threads.

mod classes;
mod draw;
mod error;
mod features;
mod grow;
mod score;
mod tree;

pub use classes::Classes;
pub use error::ForestError;
pub use features::Features;
pub use grow::{Criterion, Forest, ForestParams, Shape};
pub use score::top_k_accuracy;
