//! Asks stages, once built, whether they know what `pipeline.toml` and `params.toml` give them, before the first runs.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use workflow::instance::{Instance, Target};

use crate::error::{Error, Result};
use crate::workspace::Workspace;

/// What a stage cannot use, in its own words.
#[derive(Debug, Deserialize)]
struct Fault {
    /// `parameter`, `input` or `output`.
    what: String,
    /// Its dotted name; none where one is missing.
    key: Option<String>,
    reason: String,
}

impl Workspace {
    /// Asks `executable` about the names and types of what `instance` would give it.
    ///
    /// # Errors
    /// The stage cannot use one; the message points at it.
    pub(crate) fn check_names(&self, instance: &Instance, executable: &Path) -> Result<()> {
        let folder = self.own("work");
        fs_err::create_dir_all(&folder)?;
        let file = folder.join("check.json");
        fs_err::write(&file, self.outline(instance).to_string())?;
        let answer = Command::new(executable)
            .arg("--check")
            .arg(&file)
            .current_dir(&self.workflow.root)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        fs_err::remove_file(&file)?;
        // What cannot be asked will say so when it runs.
        match serde_json::from_slice(&answer?.stdout) {
            Ok(fault) => Err(self.fault(instance, &fault)),
            Err(_) => Ok(()),
        }
    }

    /// The job file, as far as it is known before inputs are made.
    fn outline(&self, instance: &Instance) -> Value {
        let inputs = instance.inputs.iter().map(|(name, input)| {
            let value = match &input.target {
                Target::Absent => Value::Null,
                Target::Path(path) => Value::from(path.display().to_string()),
                Target::Glob(_) => json!([]),
            };
            (name.clone(), value)
        });
        let outputs = instance.outputs.iter();
        let outputs = outputs.map(|(name, output)| {
            let path = output.path.display().to_string();
            (name.clone(), Value::from(path))
        });
        json!({
            "stage": instance.name,
            "params": instance.params,
            "in": inputs.collect::<Map<_, _>>(),
            "out": outputs.collect::<Map<_, _>>(),
            "scratch": "",
        })
    }

    fn fault(&self, instance: &Instance, fault: &Fault) -> Error {
        let Fault { what, key, reason } = fault;
        let stage = &instance.stage;
        let Some(key) = key else {
            let message = format!("stage `{stage}` lacks one of its {what}s: {reason}");
            return self.at_stage(instance, Error::Invalid(message));
        };
        if let Some((input, param)) = absent(instance, what, key) {
            let message =
                format!("`{param}` is empty, and stage `{stage}` needs its input `{input}`");
            return self.at_param(param, message);
        }
        let message = match reason.split_once(", expected ") {
            Some((unknown, valid)) if unknown.starts_with("unknown field") => {
                let name = key.rsplit('.').next().unwrap_or(key);
                let hint = nearest_name::hint(name, quoted(valid));
                format!("stage `{stage}` has no {what} `{key}`{hint}")
            }
            _ => format!("stage `{stage}` cannot use {what} `{key}`: {reason}"),
        };
        match dotted(instance, key) {
            Some(dotted) if what == "parameter" => self.at_param(&dotted, message),
            _ => self.at_stage(instance, Error::Invalid(message)),
        }
    }

    /// An error that points at the key `dotted` of the params; without a place if no such key was given.
    fn at_param(&self, dotted: &str, message: String) -> Error {
        let located = self.workflow.params.located(dotted, &message);
        located.map_or(Error::Invalid(message), Error::from)
    }
}

/// The input at fault and the param that left it empty, if that is the fault.
fn absent<'i>(instance: &'i Instance, what: &str, key: &str) -> Option<(&'i str, &'i str)> {
    let (name, input) = instance.inputs.get_key_value(key)?;
    let is_absent = what == "input" && input.target == Target::Absent;
    Some((name, input.param.as_deref().filter(|_| is_absent)?))
}

/// The key of `params.toml` for the stage's own dotted name of a parameter.
fn dotted(instance: &Instance, key: &str) -> Option<String> {
    let (first, rest) = match key.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (key, None),
    };
    let known = instance.param_keys.get(first)?;
    Some(rest.map_or_else(|| known.clone(), |rest| format!("{known}.{rest}")))
}

/// The names between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}
