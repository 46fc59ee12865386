//! Logistic regression on features.
//!
//! Letters of shapes: `N` rows, `F` features of a row, `K` classes.

mod error;
mod logistic;
mod scaling;
pub mod streams;

pub use error::ProbeError;
pub use logistic::{C, LogisticRegression};
