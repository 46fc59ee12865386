//! A program with everything that is needed to run it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use sandbox::Limits;
use serde::{Deserialize, Serialize};

use crate::resources::Resources;

/// Identity of a task: the key of the result that it makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TaskId(String);

impl TaskId {
    /// From a text that no other task of a run has.
    pub fn new(text: impl Into<String>) -> Self {
        TaskId(text.into())
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A program with everything that is needed to run it. All paths are absolute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Identity, the same in every run.
    pub id: TaskId,
    /// Name of the stage instance, for people.
    pub instance: String,
    /// Resources that the task occupies while it runs.
    pub resources: Resources,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The folder in which it starts.
    pub folder: PathBuf,
    /// Variables added to the environment. Among them is [`protocol::environment::JOB`], a path in `work`, by which
    /// processes of the task are recognized.
    pub environment: Vec<(String, String)>,
    /// Paths that it may reach; everything if not given.
    pub limits: Option<Limits>,
    /// Time limit.
    pub timeout: Option<Duration>,
    /// File for its standard error, and for lines of its standard output that are no [`protocol::Message`]. It exists.
    pub log: PathBuf,
    /// Its work folder, which no other task uses at the same time.
    pub work: PathBuf,
}
