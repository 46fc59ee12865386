//! Messages between the runner and the programs that it starts, defined once for both sides.
//!
//! | exchange | type |
//! |---|---|
//! | job file, the last argument of a program | [`Job`] |
//! | answer to `--check JOB`, on standard output | [`Fault`] |
//! | a line of a stage's standard output | [`Message`] |
//! | result of the device check, in a file | [`Verdict`] |
//! | variables of the environment | [`environment`] |
//!
//! Every message is JSON. The crate is small, as it is in the key of every stage.

mod argument;
pub mod environment;
mod fault;
mod job;
mod message;
mod refusal;
mod value;
mod verdict;

pub use argument::ArgumentError;
pub use fault::{Fault, Part};
pub use job::{Input, Job};
pub use message::{Message, Progress};
pub use verdict::Verdict;
