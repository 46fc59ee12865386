//! The command line: parse, call, print.
//!
//! The binary `atelier` has the commands that every repository can use. Another program adds commands of its own to them
//! and has another name ([`Program`]).

pub mod arguments;
mod cache;
pub mod command;
mod comparison;
mod completion;
mod dispatch;
mod experiments;
mod failure;
mod history;
pub mod print;
pub mod program;
mod progress;
mod search;
mod stages;
pub mod table;
mod take;
mod watch;
pub mod workspace;

use std::process::ExitCode;

pub use program::{Program, Scripts, Subcommand};

/// Runs the command of the command line.
#[must_use]
pub fn main(program: &Program) -> ExitCode {
    dispatch::main(program)
}
