//! Tasks on this machine, each under a supervisor.
//!
//! A thread for each running task listens to its supervisor.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::error::ExecutorError;
use crate::executor::Executor;
use crate::interrupts::Interrupts;
use crate::resources::{Allocation, Pool, Resources};
use crate::task::{Task, TaskId};
use crate::update::{Reclaimed, Update};

mod cgroup;
pub(crate) mod client;
mod group;
mod machine;
pub(crate) mod message;
mod reclaim;
mod supervisor;
#[cfg(test)]
mod tests;

use client::{Last, Supervisor, Supervisors};
use reclaim::{GRACE, reclaim};

pub use supervisor::supervise;

/// The argument that makes this program a supervisor: `main` calls [`supervise`] for it.
pub const SUPERVISE: &str = "__supervise";

/// Runs tasks on this machine.
pub struct LocalExecutor {
    pool: Pool,
    n_gpus: usize,
    supervisors: Supervisors,
    interrupts: Interrupts,
    running: BTreeMap<TaskId, Running>,
    sender: Sender<(TaskId, Update)>,
    updates: Receiver<(TaskId, Update)>,
}

/// A task that had no last update yet.
struct Running {
    allocation: Allocation,
    is_killed: Arc<AtomicBool>,
}

impl LocalExecutor {
    /// An executor of at most `jobs` tasks at once, which share the part of the machine that this process may use. This
    /// program is started again as supervisor, with the argument [`SUPERVISE`]. `interrupts` end the wait of
    /// [`reclaim`](Executor::reclaim).
    #[must_use]
    pub fn new(jobs: NonZeroUsize, interrupts: Interrupts) -> Self {
        Self::with_supervisor(machine::pool(jobs), interrupts, &[SUPERVISE])
    }

    fn with_supervisor(pool: Pool, interrupts: Interrupts, arguments: &[&str]) -> Self {
        let (sender, updates) = channel();
        LocalExecutor {
            n_gpus: pool.n_gpus(),
            pool,
            supervisors: Supervisors::new(arguments),
            interrupts,
            running: BTreeMap::new(),
            sender,
            updates,
        }
    }
}

impl Executor for LocalExecutor {
    fn n_gpus(&self) -> usize {
        self.n_gpus
    }

    fn has_room(&self, needed: &Resources) -> bool {
        self.pool.fits(needed)
    }

    fn start(&mut self, mut task: Task) -> Result<(), ExecutorError> {
        let supervisor = self.supervisors.take()?;
        let allocation = self.pool.take(&task.resources);
        task.environment.extend(allocation.environment());
        let is_killed = Arc::new(AtomicBool::new(false));
        let listener = Listener {
            supervisors: self.supervisors.clone(),
            interrupts: self.interrupts.clone(),
            is_killed: Arc::clone(&is_killed),
        };
        let running = Running {
            allocation,
            is_killed,
        };
        self.running.insert(task.id.clone(), running);
        let (id, sender) = (task.id.clone(), self.sender.clone());
        // The receiver of the updates outlives the task.
        let mut report = move |update| {
            let _ = sender.send((id.clone(), update));
        };
        std::thread::spawn(move || {
            let last = listener.run(supervisor, task, &mut report);
            report(last);
        });
        Ok(())
    }

    fn next(&mut self, timeout: Duration) -> Option<(TaskId, Update)> {
        let (id, mut update) = self.updates.recv_timeout(timeout).ok()?;
        let ended = update.is_last().then(|| self.running.remove(&id));
        if let Some(Running { allocation, .. }) = ended.flatten() {
            if let Update::Ended(ending) = &mut update {
                ending.environment.extend(allocation.environment());
            }
            self.pool.give_back(allocation);
        }
        Some((id, update))
    }

    fn kill(&mut self, id: &TaskId) {
        if let Some(running) = self.running.get(id) {
            running.is_killed.store(true, Ordering::Relaxed);
        }
    }

    fn reclaim(
        &mut self,
        work: &Path,
        report: &mut dyn FnMut(&Reclaimed),
    ) -> Result<(), ExecutorError> {
        reclaim(work, GRACE, &self.interrupts, report)
    }
}

/// Listens to the supervisor of one task.
struct Listener {
    supervisors: Supervisors,
    interrupts: Interrupts,
    is_killed: Arc<AtomicBool>,
}

impl Listener {
    /// Runs a task to its end and returns its last update.
    fn run(
        self,
        mut supervisor: Supervisor,
        task: Task,
        report: &mut impl FnMut(Update),
    ) -> Update {
        let work = task.work.clone();
        let last = match supervisor.run(task, &self.is_killed, report) {
            Ok(Last::Ended(ending)) => Update::Ended(ending),
            Ok(Last::NotStarted(why)) => Update::NotStarted(why),
            Ok(Last::Died(status)) => {
                let why = format!("its supervisor ended with {status}");
                return self.lost(&work, why, report);
            }
            Err(error) => {
                // Without its supervisor the task ends.
                drop(supervisor);
                return self.lost(&work, error.to_string(), report);
            }
        };
        // A signal that comes late is not for the next task.
        if !self.is_killed.load(Ordering::Relaxed) {
            self.supervisors.put_back(supervisor);
        }
        last
    }

    /// Ends a task that has no supervisor.
    fn lost(&self, work: &Path, why: String, report: &mut impl FnMut(Update)) -> Update {
        let ended = reclaim(work, Duration::ZERO, &self.interrupts, &mut |reclaimed| {
            report(Update::Warning(reclaimed.text(work)));
        });
        match ended {
            Ok(()) => Update::Lost(why),
            Err(error) => Update::Lost(format!("{why}; it may be at work still: {error}")),
        }
    }
}
