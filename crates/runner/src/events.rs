//! Reports of the runner while it works; their presentation is up to the receiver.

use executor::Usage;
use protocol::Progress;
use serde::Serialize;
use store::Digest;

use keys::reason::Reason;
use ledger::runs::State;

/// Receives the runner's reports.
pub trait Events {
    /// Called for each report, in order.
    fn event(&mut self, event: Event<'_>);

    /// Returns whether the stage may run, in an interactive run.
    fn may_run(&mut self, _stage: &str, _reasons: &[Reason]) -> bool {
        true
    }
}

/// A report.
#[derive(Debug)]
pub enum Event<'a> {
    /// Another repro is at work; `holder` is its process id.
    Waiting {
        /// Who holds the lock.
        holder: &'a str,
    },
    /// This system cannot confine stages to declared files. Reported once in a workspace.
    Unconfined,
    /// The run was planned.
    Planned {
        /// Number of instances to look at.
        n_stages: usize,
        /// Length of the longest of their names.
        width: usize,
    },
    /// Something is about to run for the first time in this run.
    Forecast(&'a Forecast),
    /// Cargo is about to build.
    Building {
        /// `crate/binary` of each.
        binaries: &'a [String],
    },
    /// A stage starts.
    Started {
        /// Instance.
        stage: &'a str,
        /// Why.
        reasons: &'a [Reason],
    },
    /// Progress of a running stage.
    Progress {
        /// Instance.
        stage: &'a str,
        /// Its message.
        progress: &'a Progress,
    },
    /// A warning of a stage or of the runner.
    Warning {
        /// Instance.
        stage: &'a str,
        /// The message.
        text: &'a str,
    },
    /// A running stage has ended; a later report has the outcome.
    Ended {
        /// Instance.
        stage: &'a str,
    },
    /// A stage failed, and others go on.
    Failed {
        /// Instance.
        stage: &'a str,
        /// The error.
        message: &'a str,
    },
    /// An instance is finished; it is reported as such in its turn.
    Held(&'a Outcome),
    /// A stage failed: nothing else starts, and the end of those that run is waited for.
    Stopping {
        /// Instance.
        stage: &'a str,
        /// Those that run.
        running: &'a [String],
    },
    /// An instance is done with. These reports, and those of warnings and failures, come in the order of the plan,
    /// whatever ends first.
    Finished(&'a Outcome),
    /// Contents beyond the limits of the cache were removed.
    Trimmed {
        /// Files.
        files: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// The text of an output that the user wants to see.
    Show {
        /// Instance.
        stage: &'a str,
        /// Contents of the output.
        text: &'a str,
    },
}

/// Plan of a run, before the first stage starts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Forecast {
    /// Instances that will run, in the order of the plan.
    pub to_run: Vec<String>,
    /// Instances that run unless a stage before them makes known outputs.
    pub may_run: Vec<String>,
    /// Sum of the known times of the last runs of the instances to run, in seconds.
    pub known_s: f64,
    /// The same sum of the instances that may run.
    pub may_s: f64,
    /// Least time of all that will run with as many stages at once as the run allows, in seconds.
    pub least_s: f64,
    /// Instances to run of which no comparable run ended well in this workspace.
    pub unknown: Vec<String>,
}

/// Outcome of an instance, or the predicted one.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Instance.
    pub stage: String,
    /// State, or predicted state.
    pub state: State,
    /// Reasons; empty for an instance that is up to date.
    pub reasons: Vec<Reason>,
    /// The hash of the manifest; none where inputs are still to be made.
    pub key: Option<Digest>,
    /// Time and memory of the run; none where nothing ran.
    pub usage: Option<Usage>,
}
