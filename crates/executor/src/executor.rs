//! The contract between the runner and an executor of its tasks.

use std::path::Path;
use std::time::Duration;

use crate::error::ExecutorError;
use crate::resources::Resources;
use crate::task::{Task, TaskId};
use crate::update::{Reclaimed, Update};

/// Runs tasks. A run of the runner has one executor, and calls it from one thread.
///
/// # What an implementation may rely on
///
/// - The files that a task reads, its job file and an empty `work/out` stand in place before
///   [`start`](Executor::start), and stay untouched until the last update of the task.
/// - At any time there is one task of an id. A work folder that an earlier run left is given to
///   [`reclaim`](Executor::reclaim) before a task is started in it.
/// - Outputs are read from `work/out` after [`Update::Ended`]. A stage may also write outputs in their final places:
///   such a task runs on this machine alone.
/// - [`next`](Executor::next) is called until each started task had its last update. Minutes may pass between two calls
///   while the runner builds programs or moves files.
/// - Resources, log and executor are no part of a key.
///
/// # What it must provide
///
/// - Exactly one last update a task that was started: [`Update::Ended`], [`Update::NotStarted`] or [`Update::Lost`],
///   after the last write of the task to its files.
/// - Updates of one task in their order. Progress may be dropped.
/// - At most one writer in `work`, also after the runner was killed: [`reclaim`](Executor::reclaim) finds a task of a
///   killed run without any state in memory, and waits for its end or ends it.
/// - [`Usage`](crate::Usage) where it is known.
pub trait Executor {
    /// Number of GPUs that tasks can have at the same time.
    fn n_gpus(&self) -> usize;

    /// Returns whether a task with these needs can start now. A task that needs more than there is runs alone.
    fn has_room(&self, needed: &Resources) -> bool;

    /// Starts a task, and adds the GPUs that it gives to its environment. Call it only if there is room.
    ///
    /// # Errors
    /// Nothing was started, and no update of the task will come.
    fn start(&mut self, task: Task) -> Result<(), ExecutorError>;

    /// The next update; none if there is none within `timeout`.
    fn next(&mut self, timeout: Duration) -> Option<(TaskId, Update)>;

    /// Signals a running task to end, and returns at once: the end is its last update. A task that doesn't end by
    /// itself is killed after a while.
    fn kill(&mut self, id: &TaskId);

    /// Waits until no task of a killed run uses the folder `work`. A task that is still there after a while is ended
    /// and passed to `report`.
    ///
    /// # Errors
    /// The state of the folder cannot be read, or a signal to stop came.
    fn reclaim(
        &mut self,
        work: &Path,
        report: &mut dyn FnMut(&Reclaimed),
    ) -> Result<(), ExecutorError>;
}
