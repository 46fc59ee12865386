//! Arguments that several commands have.

use std::path::PathBuf;

use clap::Args;
use runner::Sandbox;
use workflow::params::Overrides;

/// Changes of params for one command.
#[derive(Debug, Default, Args)]
pub struct Params {
    /// Take these values instead of those in params.toml, and instead of `default-params`; can be repeated
    #[arg(long = "params", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Take this value, after all files; can be repeated
    #[arg(long = "set", value_name = "TABLE.KEY=VALUE")]
    pub settings: Vec<String>,
}

impl Params {
    /// The same for the runner.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        Overrides {
            files: self.files.clone(),
            settings: self.settings.clone(),
        }
    }
}

/// Confinement of programs to declared files, by default where the kernel can.
#[derive(Debug, Clone, Copy, Args)]
pub struct Confine {
    /// Fail if the system cannot confine stages to declared files
    #[arg(long, conflicts_with = "no_sandbox")]
    sandbox: bool,
    /// Let stages access undeclared files
    #[arg(long)]
    no_sandbox: bool,
}

impl Confine {
    /// The same for the runner.
    #[must_use]
    pub fn sandbox(self) -> Sandbox {
        match (self.sandbox, self.no_sandbox) {
            (true, _) => Sandbox::Required,
            (_, true) => Sandbox::Off,
            _ => Sandbox::WherePossible,
        }
    }
}

/// Stages, under params.
#[derive(Debug, Args)]
pub(crate) struct Select {
    /// Stages, instances, output paths or patterns; all if none
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) params: Params,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}
