//! Keys: what a stage's result depends on, and the hash of it.
//!
//! The [`manifest`] of an instance is made in [`inputs`] of its parameters, its inputs and its [`code`], which is found
//! by cargo's knowledge of the crates. [`reason`] words what differs between two manifests, [`lock`] remembers the last
//! key of each instance.

pub mod cargo;
mod closure;
pub mod code;
pub mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod inputs;
pub mod lock;
pub mod manifest;
pub mod on_disk;
pub mod prebuilt;
pub mod reason;

pub use error::{Error, Result};
