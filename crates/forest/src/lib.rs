//! Random forest beside the network.
//!
//! Letters of shapes: `N` rows, `F` features of a row, `K` classes. A forest depends on its rows, parameters and seed
//! alone: not on the number of threads.

mod draw;
mod error;
mod forest;
mod params;
mod selection_score;
pub mod streams;
mod tree;

pub use error::ForestError;
pub use forest::Forest;
pub use params::{Criterion, ForestParams, Shape};
pub use selection_score::{SelectionScore, log_loss};
