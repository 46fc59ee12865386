//! The declared workflow: `pipeline.toml`, `params.toml`, stage instances and their graph.
//!
//! [`declaration`] is `pipeline.toml` as written and [`params`] the parameters with their overrides; [`instance`] fills
//! the templates of each stage, and [`graph`] links the instances through their paths. Nothing here runs, and nothing is
//! read but the two files and overlays of parameters.

mod advice;
pub mod declaration;
pub mod device;
pub mod diagnostic;
pub mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod glob;
pub mod graph;
pub mod instance;
pub mod json;
pub mod params;
pub mod path;
pub mod quantity;
pub mod schema;
pub mod source;
pub mod template;
mod workflow;

pub use error::{Error, Result};
pub use workflow::Workflow;
