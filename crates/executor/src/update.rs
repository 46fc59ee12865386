//! Reports of an executor.

use std::path::Path;
use std::time::Duration;

use protocol::Progress;
use serde::{Deserialize, Serialize};
use signal_hook::consts::SIGKILL;

/// A report on a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// Progress of the task.
    Progress(Progress),
    /// Text for people.
    Warning(String),
    /// The task ended. Last update of the task.
    Ended(Ending),
    /// The program was not started, for this reason. Last update of the task.
    NotStarted(String),
    /// The end of the task is unknown, for this reason. Last update of the task.
    Lost(String),
}

impl Update {
    /// Returns whether no update of the same task follows.
    #[must_use]
    pub fn is_last(&self) -> bool {
        match self {
            Update::Progress(_) | Update::Warning(_) => false,
            Update::Ended(_) | Update::NotStarted(_) | Update::Lost(_) => true,
        }
    }
}

/// End of a task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// Exit status; none after a signal.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The timeout after which it was stopped.
    pub timeout: Option<Duration>,
    /// Time and memory, if known.
    pub usage: Option<Usage>,
    /// Set if the kernel killed a process for lack of memory meanwhile.
    #[serde(default)]
    pub memory: Option<MemoryKill>,
    /// Variables that the executor added to the environment of the task, such as the names of its GPUs.
    #[serde(default)]
    pub environment: Vec<(String, String)>,
}

/// The kernel killed a process for lack of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryKill {
    /// The memory that was allowed, in bytes, where a limit was set.
    pub limit_bytes: Option<u64>,
}

/// Time and memory of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Seconds by the clock.
    pub wall_s: f64,
    /// Seconds of the processors, in user and system mode, of all its processes.
    pub cpu_s: f64,
    /// The largest resident memory of one of its processes.
    pub peak_bytes: u64,
}

impl Ending {
    /// Returns whether it was killed by SIGKILL, or ended as a shell does whose command was.
    pub(crate) fn is_killed(&self) -> bool {
        self.signal == Some(SIGKILL) || self.code == Some(128 + SIGKILL)
    }

    /// Returns whether it was killed for lack of memory.
    #[must_use]
    pub fn is_out_of_memory(&self) -> bool {
        self.memory.is_some() && self.is_killed() && self.timeout.is_none()
    }

    /// Returns whether it succeeded.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.code == Some(0) && self.timeout.is_none()
    }
}

/// A task of a killed run that was still at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reclaimed {
    /// Its processes, which were killed; empty if they cannot be listed and their end is waited for.
    pub processes: Vec<i32>,
}

impl Reclaimed {
    /// A line for people.
    #[must_use]
    pub fn text(&self, work: &Path) -> String {
        let work = work.display();
        match self.processes.as_slice() {
            [] => format!("a killed run left it at work in `{work}`: waiting for its end"),
            processes => {
                let numbers: Vec<String> = processes.iter().map(ToString::to_string).collect();
                format!(
                    "a killed run left it at work: stopped (process {})",
                    numbers.join(", ")
                )
            }
        }
    }
}
