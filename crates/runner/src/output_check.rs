//! Checks of outputs' rows, as stages declare them.
//!
//! A program of the workspace carries them out: it alone reads tables, and it is built only where a stage declares a
//! check. A passed check has a stamp in the cache under the hash of check and content, so that no content is checked
//! twice, and a new check of an old result runs the check and not the stage.

use std::path::{Path, PathBuf};
use std::process::Command;

use ledger::check_stamp;
use ledger::tables::{NoAnswer, ask};
use serde_json::Value;
use store::{Digest, Store};
use table_protocol::{Answer, Question};
use workflow::Workflow;
use workflow::declaration::Declaration;
use workflow::instance::Instance;

use crate::build::TABLES;
use crate::error::{Error, Result};

/// Ensures that the workspace has the program that the instance's checks need.
///
/// # Errors
/// There's no such program.
pub(crate) fn check_checker(
    declaration: &Declaration,
    instance: &Instance,
    has_checker: impl FnOnce() -> Result<bool>,
) -> Result<()> {
    let Some(check) = instance.rules.checks.values().next() else {
        return Ok(());
    };
    if has_checker()? {
        return Ok(());
    }
    let message = format!("the workspace has no `{TABLES}` to check with");
    Err(declaration.source.error(check.span.clone(), message).into())
}

/// Has `checker` read the declared checks of an instance.
///
/// # Errors
/// One is malformed; the message points at it.
pub(crate) fn check_words(workflow: &Workflow, instance: &Instance, checker: &Path) -> Result<()> {
    for check in instance.rules.checks.values() {
        let faults = faults(workflow, checker, check.value.clone(), None)?;
        if !faults.is_empty() {
            let message = format!("stage `{}`: {}", instance.stage, faults.join("; "));
            return Err(workflow
                .declaration
                .source
                .error(check.span.clone(), message)
                .into());
        }
    }
    Ok(())
}

/// Has `checker` check the output `name` at `path`.
///
/// # Errors
/// The check fails.
pub(crate) fn check_output(
    workflow: &Workflow,
    store: &Store,
    instance: &Instance,
    checker: &Path,
    (name, path): (&str, &Path),
    digest: &Digest,
) -> Result<()> {
    let check = &instance.rules.checks[name].value;
    let faults = faults(workflow, checker, check.clone(), Some(path.to_owned()))?;
    if !faults.is_empty() {
        return Err(Error::CheckFailed {
            stage: instance.name.clone(),
            name: name.to_owned(),
            faults,
            place: None,
        });
    }
    Ok(check_stamp::note(store, check, digest)?)
}

/// Faults of the table at `path`, or of the declaration alone.
fn faults(
    workflow: &Workflow,
    checker: &Path,
    check: Value,
    path: Option<PathBuf>,
) -> Result<Vec<String>> {
    let folder = ledger::own(&workflow.root, "work");
    fs_err::create_dir_all(&folder)?;
    let mut command = Command::new(checker);
    command.current_dir(&workflow.root);
    let question = Question::Check { check, path };
    match ask(command, &question, &folder.join("question.json"))? {
        Ok(Answer::Faults(faults)) => Ok(faults),
        Ok(_) => Err(ledger::Error::UnclearAnswer.into()),
        Err(NoAnswer { status, errors }) => Err(Error::CheckProgram {
            program: TABLES,
            status,
            errors,
        }),
    }
}
