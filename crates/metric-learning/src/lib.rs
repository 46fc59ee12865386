//! Metric learning: losses of embeddings, and training without some of the classes.

mod arcface;
mod error;
mod split;
pub mod streams;
mod triplet;

pub use arcface::ArcFace;
pub use error::HoldOutError;
pub use split::hold_out;
pub use triplet::{Triplet, TripletAndCrossEntropy};
