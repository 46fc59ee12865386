//! `pipeline.toml` as it is written: stages with their commands, inputs and outputs.
//!
//! Keys of `[stage.NAME]`, of which one of `run` and `cmd` is needed:
//!
//! | key | is |
//! |---|---|
//! | `desc` | a line for people |
//! | `run` | `crate/binary` of this workspace, started with a job file |
//! | `cmd` | text for the shell, started in the workspace root; a list of texts runs in one shell and stops at the first that fails |
//! | `in` | `name = "path"`: a file, a folder or a pattern with `*`, `?`, `**`; an empty path is an absent input |
//! | `out` | `name = "path"`, or a table of [`DeclaredOutput`]'s keys: `path`, `volatile`, `cache`, `keep` |
//! | `params` | keys of `params.toml`, `table.*` for all keys of a table; by default the section with the stage's name |
//! | `each` | `variable = n`, a list or a table: an instance for each value `0…n-1`, item or entry, for each combination if there are several; the stage gets its values as params |
//! | `env` | names of environment variables whose values the result depends on |
//! | `show` | the output whose text a repro prints at its end |
//! | `source` | whether it runs only for a stage that needs it, or by name |
//! | `after` | stages that must have succeeded before it starts, though it reads nothing of theirs: order alone |
//! | `frozen` | whether it stays as it is, whatever changes |
//! | `always` | whether it runs in every repro that comes to it |
//! | `cores`, `memory`, `gpu` | what it occupies while it runs: `2`, `"4 GB"`, `1` |
//! | `timeout` | how long it may run: `"90 s"`, `"2 h"` |
//! | `sandbox` | `false` lets it reach what it doesn't declare; elsewhere that fails, on systems that can tell (`ARCHITECTURE.md`, "The sandbox") |
//! | `metrics` | outputs that hold metrics, in JSON or as tables of numbers, in the order in which they are shown: `scores`, or `scores.test.*` for some of them |
//! | `check` | by output, what its rows must be like: see the crate `checks` |
//!
//! `env` is part of a stage's key; none of the keys below it is.
//!
//! Beside the stages stand `default-params = "FILE"`, the overlay of `params.toml` that holds where a command is given no
//! `--params`, and `[cache]` with `max-size = "20 GB"` and `max-age = "30 d"`: what is beyond them and in no use is removed
//! from the cache after a run. `[renamed-params]` has new names by old ones, `"split.validation" = "split.test"`: the
//! error for an old name in an overlay or in `--set` tells the new one.
//!
//! Keys of `[device]`, which may be missing: `check`, the `crate/binary` that finds out whether the accelerator that
//! `device = "auto"` means can be used, and `params`, a table of what it gets, `name = "key of params.toml"`.
//!
//! `${table.key}` in `in`, `out`, `cmd` and `each` is a value of `params.toml`, whose `*` and `?` stand for themselves,
//! `${variable}` one of `each`. Where `each` goes through a table, or through a list of
//! tables, `${variable.key}` is the entry's name, or its number, and `${variable.x}` its `x`.
//!
//! In `cmd`, `${in.name}` is the input's path (several for a pattern) and `${out.name}` a
//! path to write the output to, both quoted for the shell; an output that isn't asked for in this way is expected in its
//! declared place, and what stands there is set aside while the command runs.
//!
//! `[[advice]]` declares a warning before a repro that reaches a stage:
//!
//! | key | is |
//! |---|---|
//! | `stage` | the stage |
//! | `when` | parameters and values that all must hold: `{ "model.weights" = "" }` |
//! | `unless` | parameters and values of which none may hold |
//! | `text` | what is printed |

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::source::Source;

mod items;
mod read;

/// The file of stages; the folder that holds it is the workspace root.
pub const FILE: &str = "pipeline.toml";

/// Keys at the top of the file.
pub const ROOT_KEYS: [&str; 6] = [
    "advice",
    "cache",
    "default-params",
    "device",
    "renamed-params",
    "stage",
];

const CACHE_KEYS: [&str; 2] = ["max-size", "max-age"];

/// Keys of `[stage.NAME]`.
pub const STAGE_KEYS: [&str; 20] = [
    "desc", "run", "cmd", "in", "out", "params", "each", "env", "show", "metrics", "source",
    "after", "frozen", "always", "cores", "memory", "gpu", "timeout", "sandbox", "check",
];

const ADVICE_KEYS: [&str; 4] = ["stage", "when", "unless", "text"];

/// Keys of an output.
pub const OUTPUT_KEYS: [&str; 4] = ["path", "volatile", "cache", "keep"];

/// The file's content.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// The file, for errors that point into it.
    pub source: Source,
    /// `default-params`: the overlay of params, from the workspace root, that holds where none is given.
    pub default_params: Option<Spanned<String>>,
    /// `renamed-params`: new names of parameters by old ones.
    pub renamed_params: BTreeMap<String, String>,
    /// How large and how old what is in the cache may become.
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

/// Limits of what the cache holds beyond what the workspace uses.
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
    /// Keys of `params.toml` by the names that the program knows.
    pub params: BTreeMap<String, String>,
}

/// A stage as declared, its templates unresolved.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The name after `stage.`.
    pub name: String,
    /// One line for people; not part of any key.
    pub desc: Option<String>,
    /// What it does.
    pub action: Action<Spanned<String>>,
    /// Inputs by name: path templates.
    pub inputs: BTreeMap<String, Spanned<String>>,
    /// Outputs by name.
    pub outputs: BTreeMap<String, DeclaredOutput>,
    /// Keys of `params.toml`; none stands for the stage's own section.
    pub params: Option<Vec<Spanned<String>>>,
    /// Variables of which each combination of values makes an instance.
    pub each: Vec<(String, Spanned<Value>)>,
    /// The output whose text is shown at the end of a repro.
    pub show: Option<String>,
    /// What of its outputs holds metrics, in the order in which they are shown; not part of any key.
    pub metrics: Vec<Marked>,
    /// Environment variables that the result depends on.
    pub env: Vec<String>,
    /// Whether the stage runs only where another one, or the user, asks for it.
    pub is_source: bool,
    /// Stages that must have succeeded before it starts; not part of any key.
    pub after: Vec<Spanned<String>>,
    /// When and how it runs.
    pub rules: Rules,
}

/// An output, or a part of it, that holds metrics.
#[derive(Debug, Clone)]
pub struct Marked {
    /// The output's name.
    pub output: String,
    /// What the names of its metrics match; none for all of them.
    pub pattern: Option<String>,
}

/// When and how a stage runs. None of it is part of its key.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Whether the stage stays as it is, whatever changes.
    pub is_frozen: bool,
    /// Whether it runs in every repro that comes to it.
    pub is_always: bool,
    /// What it occupies while it runs.
    pub resources: Resources,
    /// How long it may run.
    pub timeout: Option<Duration>,
    /// Whether it may reach what it doesn't declare.
    pub is_unconfined: bool,
    /// By output, what its rows must be like, in the words of the crate `checks`.
    pub checks: BTreeMap<String, Spanned<Value>>,
}

/// What a stage occupies while it runs. None of it is part of its key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resources {
    /// Processor cores.
    pub cores: Option<u32>,
    /// Memory in bytes.
    pub memory: u64,
    /// GPUs.
    pub gpus: u32,
}

/// How a stage is carried out.
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
    /// How it is treated.
    pub treatment: Treatment,
}

/// How an output is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Treatment {
    /// `volatile`: whether it is a by-product, such as timings, that decides nothing.
    pub is_volatile: bool,
    /// `cache`: whether its content is kept in the cache. One that is not can't be restored: it is made anew.
    pub is_cached: bool,
    /// `keep`: whether a run goes on from what the last one left, instead of from nothing.
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
    /// Whether outputs with metrics are declared.
    #[must_use]
    pub fn has_metrics(&self) -> bool {
        self.stages.iter().any(|stage| !stage.metrics.is_empty())
    }

    /// The overlay that `default-params` names, if it does, as `read` finds it by its path from the workspace root.
    ///
    /// # Errors
    /// `read` fails, or finds nothing there; the message points at the key.
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
