//! Failures of an executor itself.

use std::io;

use crate::interrupts::Interrupted;

/// A failure of an executor itself, not of a task.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// A file operation, or a process that cannot be started.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A signal to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}
