//! Random forest beside the network.
//!
//! Letters of shapes: `N` rows, `F` features of a row, `K` classes. A forest depends on its rows, parameters and seed
//! alone: not on the number of threads.

mod balance;
mod error;
mod features;
mod grow;

pub use error::ForestError;
pub use features::Features;
pub use grow::{Criterion, Forest, ForestParams};
