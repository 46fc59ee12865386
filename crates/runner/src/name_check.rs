//! Checks of the names in `pipeline.toml` and `params.toml` by built stages, before the first one runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keys::code::located;
use protocol::{Fault, Input, Job, Part};
use workflow::Workflow;
use workflow::instance::{Instance, Target};

use crate::error::{Error, Result};
use crate::job_fault::JobFault;

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
    let stage = instance.stage.clone();
    if let Some(place) = fault.place()
        && let Some((input, param)) = absent(instance, fault.part(), place)
    {
        let error = Error::EmptyInput {
            param: param.to_owned(),
            stage,
            input: input.to_owned(),
        };
        return at_param(workflow, param, error);
    }
    let fault = JobFault {
        stage,
        fault: fault.clone(),
    };
    match fault
        .fault
        .place()
        .and_then(|place| dotted(instance, place))
    {
        Some(dotted) if fault.fault.part() == Part::Parameter => {
            at_param(workflow, &dotted, fault.into())
        }
        _ => {
            let located = located(&workflow.declaration, instance, fault.to_string());
            located.map_or(Error::Job(fault), Error::from)
        }
    }
}

/// An error that points at the key `dotted` of the params; without a place if no such key was given.
fn at_param(workflow: &Workflow, dotted: &str, error: Error) -> Error {
    let located = workflow.params.located(dotted, &error.to_string());
    located.map_or(error, Error::from)
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
