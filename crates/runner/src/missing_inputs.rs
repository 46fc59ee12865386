//! Inputs that no stage makes: they are looked for before anything runs.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use keys::on_disk;
use ledger::source_lock::SourceLock;
use workflow::Workflow;
use workflow::graph::Selection;
use workflow::instance::{Input, Target};

use crate::error::{Error, Result};
use crate::program_name::PROGRAM;

/// All inputs of the selection that no stage makes and that don't exist.
///
/// # Errors
/// Some are missing; each is named with its stage and the param that gave it.
pub(crate) fn check(workflow: &Workflow, selection: &Selection) -> Result<()> {
    let mut missing: Vec<Missing> = Vec::new();
    // Many stages may read the same file.
    let mut known: BTreeSet<&OsStr> = BTreeSet::new();
    let tracked = SourceLock::load(&workflow.root)?;
    for id in workflow.graph.in_order(selection) {
        let instance = &workflow.graph.instances[id];
        if instance.rules.is_frozen {
            continue;
        }
        for (name, input) in &instance.inputs {
            if let Some(path) = missing_source(workflow, input, &mut known)? {
                let is_same = |known: &&mut Missing| known.path == path && known.input == *name;
                match missing.iter_mut().find(is_same) {
                    Some(known) => known.stages.push(instance.name.clone()),
                    None => missing.push(Missing {
                        stages: vec![instance.name.clone()],
                        input: name.clone(),
                        param: input.param.clone(),
                        path,
                    }),
                }
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let messages = missing.iter().map(|missing| {
        let source = tracked.around(Path::new(&missing.path));
        let cure = source.map(|source| format!("; `{PROGRAM} checkout {source}` brings it back"));
        missing_message(workflow, missing) + &cure.unwrap_or_default()
    });
    Err(Error::MissingInputs(messages.collect()))
}

/// The path or pattern of an input that no stage makes, if it doesn't exist. `known` has the paths that need no further
/// look.
fn missing_source<'w>(
    workflow: &Workflow,
    input: &'w Input,
    known: &mut BTreeSet<&'w OsStr>,
) -> Result<Option<String>> {
    match &input.target {
        Target::Path(path) if !known.contains(path.as_os_str()) => {
            if workflow.graph.is_made(path) || workflow.root.join(path).exists() {
                known.insert(path.as_os_str());
                return Ok(None);
            }
            Ok(Some(path.display().to_string()))
        }
        Target::Glob(pattern) => {
            let is_made = workflow.graph.makes(&input.target);
            let is_missing = !is_made && on_disk::matching(&workflow.root, pattern)?.is_empty();
            Ok(is_missing.then(|| pattern.clone()))
        }
        _ => Ok(None),
    }
}

fn missing_message(workflow: &Workflow, missing: &Missing) -> String {
    let Missing {
        stages,
        input,
        path,
        param,
    } = missing;
    let given = param.as_ref().map_or_else(String::new, |param| {
        let place = workflow.params.place(param);
        format!(
            ", given by `{param}`{}",
            place.map_or_else(String::new, |place| format!(" in {place}"))
        )
    });
    let need = match stages.as_slice() {
        [stage] => format!("stage `{stage}` needs"),
        stages => format!("stages {} need", all_of(stages)),
    };
    format!("{need} the input `{input}`: `{path}` does not exist{given}")
}

/// An input that no stage makes and that doesn't exist.
struct Missing {
    /// Instances that read it.
    stages: Vec<String>,
    input: String,
    path: String,
    /// The param that gave its path.
    param: Option<String>,
}

/// `a`, `b` and `c`.
fn all_of(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [name] => format!("`{name}`"),
        [names @ .., last] => format!("`{}` and `{last}`", names.join("`, `")),
    }
}
