//! `pipeline.toml` as it is written: stages with their commands, inputs and outputs.
//!
//! [`keys`] lists the keys of its tables; `docs/pipeline.md` explains them, with templates and advice.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::source::Source;

mod items;
pub mod keys;
mod read;

/// The file of stages; the folder that holds it is the workspace root.
pub const FILE: &str = "pipeline.toml";

/// The file's content.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// The file, for errors that point into it.
    pub source: Source,
    /// `default-params`: the overlay of params, from the workspace root, that holds where none is given.
    pub default_params: Option<Spanned<String>>,
    /// `renamed-params`: new names of parameters by old ones.
    pub renamed_params: BTreeMap<String, String>,
    /// Limits of the cache's size and of the age of unused results.
    pub cache: CacheLimits,
    /// Stages in the order of the file.
    pub stages: Vec<Stage>,
    /// Warnings about settings, in the order of the file.
    pub advice: Vec<Advice>,
    /// The program that tries an accelerator.
    pub device_check: Option<DeviceCheck>,
}

/// A warning for settings that work and are seldom meant; not part of any key.
#[derive(Debug, Clone)]
pub struct Advice {
    /// The stage before which it is given.
    pub stage: String,
    /// Values by parameter that all must hold.
    pub when: BTreeMap<String, Value>,
    /// Values by parameter of which none may hold.
    pub unless: BTreeMap<String, Value>,
    /// The warning.
    pub text: String,
    /// Its place in the file.
    pub span: Range<usize>,
}

/// Limits of unused results in the cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheLimits {
    /// `max-size`: bytes of all that it holds.
    pub max_size: Option<u64>,
    /// `max-age`: time since a result was made.
    pub max_age: Option<Duration>,
}

/// The program that finds out whether an accelerator can be used.
#[derive(Debug, Clone)]
pub struct DeviceCheck {
    /// `crate/binary` of this workspace.
    pub run: String,
    /// Keys of `params.toml` by the program's own names.
    pub params: BTreeMap<String, String>,
}

/// A stage as declared, its templates unresolved.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The name after `stage.`.
    pub name: String,
    /// Description in one line; not part of any key.
    pub desc: Option<String>,
    /// Its action.
    pub action: Action<Spanned<String>>,
    /// Inputs by name: path templates.
    pub inputs: BTreeMap<String, Spanned<String>>,
    /// Outputs by name.
    pub outputs: BTreeMap<String, DeclaredOutput>,
    /// Keys of `params.toml`; none stands for the stage's own section.
    pub params: Option<Vec<Spanned<String>>>,
    /// Variables; each combination of their values makes an instance.
    pub each: Vec<(String, Spanned<Value>)>,
    /// The output whose text is shown at the end of a repro.
    pub show: Option<String>,
    /// Outputs that hold metrics, in the order in which these are shown; not part of any key.
    pub metrics: Vec<MetricOutput>,
    /// Environment variables that the result depends on.
    pub env: Vec<String>,
    /// True if the stage runs only where another one, or the user, asks for it.
    pub is_source: bool,
    /// Stages that must have succeeded before it starts; not part of any key.
    pub after: Vec<Spanned<String>>,
    /// When and how it runs.
    pub rules: Rules,
}

/// An output, or a part of it, that holds metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricOutput {
    /// The output's name.
    pub output: String,
    /// Pattern of the names of its metrics; none for all of them.
    pub pattern: Option<String>,
}

impl MetricOutput {
    /// Reads `output` or `output.pattern`.
    #[must_use]
    pub fn parse(mark: &str) -> Self {
        let (output, pattern) = match mark.split_once('.') {
            Some((output, pattern)) => (output, Some(pattern.to_owned())),
            None => (mark, None),
        };
        MetricOutput {
            output: output.to_owned(),
            pattern,
        }
    }
}

/// When and how a stage runs. None of it is part of its key.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// True if the stage never runs.
    pub is_frozen: bool,
    /// True if it runs in every repro that selects it.
    pub is_always: bool,
    /// Resources that it occupies while it runs.
    pub resources: Resources,
    /// Maximum duration of a run.
    pub timeout: Option<Duration>,
    /// True if it may access undeclared paths.
    pub is_unconfined: bool,
    /// Requirements on the rows of outputs, by output, as the crate `checks` defines them.
    pub checks: BTreeMap<String, Spanned<Value>>,
}

/// Resources that a stage occupies while it runs. None of it is part of its key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resources {
    /// Processor cores.
    pub cores: Option<u32>,
    /// Memory in bytes.
    pub memory: u64,
    /// GPUs.
    pub gpus: u32,
}

/// Action of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action<T> {
    /// `crate/binary` of this workspace, started with a job file.
    Run(T),
    /// Texts for one shell, started in the workspace root.
    Command(Vec<T>),
}

/// An output's place.
#[derive(Debug, Clone)]
pub struct DeclaredOutput {
    /// Path template, from the workspace root.
    pub path: Spanned<String>,
    /// Treatment of its file.
    pub treatment: Treatment,
}

/// Treatment of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Treatment {
    /// `volatile`: whether it is a by-product, such as timings, on which no result depends.
    pub is_volatile: bool,
    /// `cache`: whether its content is kept in the cache. One that is not can't be restored: it is made anew.
    pub is_cached: bool,
    /// `keep`: whether a run starts with the last one's output instead of none.
    pub is_kept: bool,
}

impl Default for Treatment {
    fn default() -> Self {
        Treatment {
            is_volatile: false,
            is_cached: true,
            is_kept: false,
        }
    }
}

/// A value and the bytes of `pipeline.toml` that gave it.
#[derive(Debug, Clone)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Range<usize>,
}

impl Declaration {
    /// Returns whether outputs with metrics are declared.
    #[must_use]
    pub fn has_metrics(&self) -> bool {
        self.stages.iter().any(|stage| !stage.metrics.is_empty())
    }

    /// The overlay that `default-params` names, if it does, as `read` finds it by its path from the workspace root.
    ///
    /// # Errors
    /// `read` fails, or finds no value there; the message points at the key.
    pub fn default_overlay<E: From<Error>>(
        &self,
        read: impl FnOnce(&str) -> Result<Option<Source>, E>,
    ) -> Result<Option<Source>, E> {
        let Some(Spanned { value, span }) = &self.default_params else {
            return Ok(None);
        };
        let found = read(value)?;
        found.map(Some).ok_or_else(|| {
            let message = format!("`default-params` names `{value}`, which does not exist");
            self.source.error(span.clone(), message).into()
        })
    }
}

#[cfg(test)]
mod tests;
