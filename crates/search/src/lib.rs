//! Search spaces, samplers and a pruner.
//!
//! A [`Space`] is declared in TOML, one line a parameter:
//!
//! ```toml
//! "train.lr" = { float = [1e-4, 1e-2], log = true }
//! "model.embedding_size" = { int = [2, 64], log = true }
//! "model.resnet" = { choice = [18, 34, 50] }
//! "model.freeze_cnn" = { choice = [false, true] }
//! "model.freeze_fc" = { choice = [false, true], when = { "model.freeze_cnn" = true } }
//! ```
//!
//! - `float = [low, high]` and `int = [low, high]` include both ends; `log = true` draws evenly on a logarithmic scale.
//!   A float is rounded to four significant digits, so that the best value can be written down.
//! - `step = 4` takes every fourth whole number of an `int`, from `low`.
//! - `points = 5` is the number of values that a grid takes of a `float`, or of an `int` with more values than that.
//! - `when` names parameters and the values that they must have; else the parameter isn't part of the trial.
//!
//! The trials that a [`Search`] draws depend on its seed and on the completed trials alone. A search that was stopped
//! resumes with the same trials.

mod error;
mod grid;
mod prune;
mod sampler;
mod space;
mod swarm;
mod tpe;
mod trial;

pub use error::SearchError;
pub use prune::MedianPruner;
pub use sampler::{Method, Search};
pub use space::{Assignment, Domain, Param, Space, Value};
pub use trial::{State, Trial};
