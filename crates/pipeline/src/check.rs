//! Checks of the names in `pipeline.toml` and `params.toml` by built stages, before the first one runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use protocol::{Fault, Input, Job, Part};
use workflow::Workflow;
use workflow::instance::{Instance, Target};

use crate::code::at_stage;
use crate::error::{Error, Result};
use crate::ledger;

/// Has `executable` check the names and types of the job of `instance`.
///
/// # Errors
/// The stage cannot use one; the message points at it.
pub(crate) fn check_names(
    workflow: &Workflow,
    instance: &Instance,
    executable: &Path,
) -> Result<()> {
    let folder = ledger::own(&workflow.root, "work");
    fs_err::create_dir_all(&folder)?;
    let file = folder.join("check.json");
    let outline = serde_json::to_vec(&outline(instance)).map_err(std::io::Error::from)?;
    fs_err::write(&file, outline)?;
    let answer = Command::new(executable)
        .arg("--check")
        .arg(&file)
        .current_dir(&workflow.root)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    fs_err::remove_file(&file)?;
    // A stage that cannot answer fails when it runs.
    match serde_json::from_slice(&answer?.stdout) {
        Ok(found) => Err(error_of(workflow, instance, &found)),
        Err(_) => Ok(()),
    }
}

/// The error that points at a fault.
fn error_of(workflow: &Workflow, instance: &Instance, fault: &Fault) -> Error {
    let message = self::message(&instance.stage, fault);
    let Some(place) = fault.place() else {
        return at_stage(&workflow.declaration, instance, Error::Invalid(message));
    };
    if let Some((input, param)) = absent(instance, fault.part(), place) {
        let stage = &instance.stage;
        let message = format!("`{param}` is empty, and stage `{stage}` needs its input `{input}`");
        return at_param(workflow, param, message);
    }
    match dotted(instance, place) {
        Some(dotted) if fault.part() == Part::Parameter => at_param(workflow, &dotted, message),
        _ => at_stage(&workflow.declaration, instance, Error::Invalid(message)),
    }
}

/// An error that points at the key `dotted` of the params; without a place if no such key was given.
fn at_param(workflow: &Workflow, dotted: &str, message: String) -> Error {
    let located = workflow.params.located(dotted, &message);
    located.map_or(Error::Invalid(message), Error::from)
}

/// A fault of a stage's job, for people.
fn message(stage: &str, fault: &Fault) -> String {
    let (part, reason) = (fault.part(), fault.reason());
    match (fault, fault.place()) {
        (_, None) => format!("stage `{stage}` lacks one of its {part}s: {reason}"),
        (Fault::Unknown { key, expected, .. }, _) if !expected.is_empty() => {
            let name = key.rsplit('.').next().unwrap_or(key);
            let hint = nearest_name::hint(name, expected.iter().map(String::as_str));
            format!("stage `{stage}` has no {part} `{key}`{hint}")
        }
        (_, Some(place)) => format!("stage `{stage}` cannot use {part} `{place}`: {reason}"),
    }
}

/// The job before inputs are made, with empty paths.
fn outline(instance: &Instance) -> Job {
    let inputs = instance.inputs.iter().map(|(name, input)| {
        let input = match &input.target {
            Target::Absent => Input::Absent,
            Target::Path(path) => Input::One(path.clone()),
            Target::Glob(_) => Input::Many(Vec::new()),
        };
        (name.clone(), input)
    });
    let outputs = instance.outputs.iter();
    let outputs = outputs.map(|(name, output)| (name.clone(), output.path.clone()));
    Job {
        inputs: inputs.collect(),
        outputs: outputs.collect(),
        params: instance.params.clone().into_iter().collect(),
        scratch: PathBuf::new(),
        stage: instance.name.clone(),
    }
}

/// The input at fault and the param that left it empty, if that is the fault.
fn absent<'i>(instance: &'i Instance, part: Part, key: &str) -> Option<(&'i str, &'i str)> {
    let (name, input) = instance.inputs.get_key_value(key)?;
    let is_absent = part == Part::Input && input.target == Target::Absent;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(part: Part, key: &str, expected: &[&str]) -> Fault {
        Fault::Unknown {
            part,
            key: key.to_owned(),
            expected: expected.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn missing(key: &str) -> Fault {
        Fault::Missing {
            part: Part::Parameter,
            key: key.to_owned(),
        }
    }

    #[test]
    fn faults_are_worded_for_people() {
        let found = |fault: Fault| message("train", &fault);
        assert_eq!(
            found(unknown(Part::Parameter, "adam.bta1", &["beta1", "beta2"])),
            "stage `train` has no parameter `adam.bta1`; did you mean `beta1`?"
        );
        assert_eq!(
            found(unknown(Part::Output, "x", &["model", "history"])),
            "stage `train` has no output `x`; expected one of `model`, `history`"
        );
        assert_eq!(
            found(unknown(Part::Input, "x", &[])),
            "stage `train` cannot use input `x`: unknown field `x`, there are no fields"
        );
        assert_eq!(
            found(missing("epochs")),
            "stage `train` lacks one of its parameters: missing field `epochs`"
        );
        assert_eq!(
            found(missing("adam.beta1")),
            "stage `train` cannot use parameter `adam`: missing field `beta1`"
        );
        let unusable = |key: Option<&str>| Fault::Unusable {
            part: Part::Parameter,
            key: key.map(str::to_owned),
            reason: "invalid type: null, expected u32".to_owned(),
        };
        assert_eq!(
            found(unusable(Some("epochs"))),
            "stage `train` cannot use parameter `epochs`: invalid type: null, expected u32"
        );
        assert_eq!(
            found(unusable(None)),
            "stage `train` lacks one of its parameters: invalid type: null, expected u32"
        );
    }
}
