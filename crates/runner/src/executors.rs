//! Choice of the executor.

use std::num::NonZeroUsize;

use executor::{Executor, Interrupts, LocalExecutor};

/// The executor of a command that runs at most `jobs` stages at once.
pub(crate) fn executor(jobs: NonZeroUsize, interrupts: &Interrupts) -> impl Executor + use<> {
    LocalExecutor::new(jobs, interrupts.clone())
}
