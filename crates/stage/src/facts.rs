//! Facts of a run, for outputs that are `volatile`.

use protocol::environment;

/// Facts of a run that differ between runs with the same results. The runner states them to a stage with a volatile output;
/// none of them may reach another output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Version of the runner.
    pub version: Option<String>,
    /// Commit of the workspace, whose files may have been edited since.
    pub commit: Option<String>,
    /// Device that the setting `device` stands for.
    pub device: Option<String>,
}

impl Facts {
    /// Facts of this run.
    #[must_use]
    pub fn find() -> Self {
        let of = |name| std::env::var(name).ok();
        Self {
            version: of(environment::VERSION),
            commit: of(environment::COMMIT),
            device: of(environment::DEVICE),
        }
    }
}
