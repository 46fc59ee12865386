//! Tables, read and written by the program of the workspace that knows parquet.

use std::collections::BTreeMap;
use std::path::Path;

use executor::Interrupts;
use ledger::metrics::{Metrics, Read, Reading};
use ledger::states::StateResults;
use ledger::tables::TableProgram;
use serde_json::Value;
use store::Digest;
use workflow::declaration::MetricOutput;

use crate::build::TABLES;
use crate::error::{Error, Result};
use crate::program;
use crate::workspace::Workspace;

/// The metrics of each of the states. A content that was read before is not read again.
///
/// # Errors
/// A file cannot be read or written, or the program that reads tables cannot be built.
pub fn metrics(workspace: &mut Workspace, states: &[StateResults]) -> Result<Vec<Metrics>> {
    let reading = Reading::of(&workspace.workflow, workspace.state.store.as_ref(), states)?;
    let tables = numbers(workspace, reading.tables())?;
    Ok(reading.finish(tables)?)
}

/// The metrics of an output of an instance in the state of `workspace`, whether or not its stage declares them.
///
/// # Errors
/// As [`metrics`].
pub fn metrics_of_output(
    workspace: &mut Workspace,
    instance: &str,
    mark: &MetricOutput,
) -> Result<Metrics> {
    let results = workspace.results();
    let (workflow, store) = (&workspace.workflow, workspace.state.store.as_ref());
    let reading = Reading::of_output(workflow, store, &results, instance, mark)?;
    let tables = numbers(workspace, reading.tables())?;
    let metrics = reading.finish(tables)?.pop();
    Ok(metrics.unwrap_or_default())
}

/// The numbers in tables, by the hash of their bytes.
fn numbers(
    workspace: &mut Workspace,
    tables: &BTreeMap<Digest, Vec<u8>>,
) -> Result<BTreeMap<Digest, Read>> {
    if tables.is_empty() {
        return Ok(BTreeMap::new());
    }
    if !workspace.has_binary(TABLES)? {
        let fault = format!("the workspace has no `{TABLES}` to read tables with");
        let faults = tables.keys().map(|digest| (*digest, Err(fault.clone())));
        return Ok(faults.collect());
    }
    with_program(workspace, |program| program.numbers(tables))
}

/// Writes `columns`, each a name and its values, as a table in parquet to `path`, in one step.
///
/// # Errors
/// The workspace has no program for that, or the file cannot be written.
pub fn write(
    workspace: &mut Workspace,
    path: &Path,
    columns: Vec<(String, Vec<Value>)>,
) -> Result<()> {
    if !workspace.has_binary(TABLES)? {
        return Err(Error::NoTableProgram(TABLES));
    }
    with_program(workspace, |program| program.write(path, columns))
}

/// Builds the program and calls `work` with it.
fn with_program<T>(
    workspace: &mut Workspace,
    work: impl FnOnce(&TableProgram) -> ledger::Result<T>,
) -> Result<T> {
    let interrupts = Interrupts::catch()?;
    let program = TableProgram {
        name: TABLES,
        executable: program::build(workspace, TABLES, None, &interrupts)?,
        folder: workspace.own(&format!("work/tables-{}", std::process::id())),
    };
    let done = work(&program);
    interrupts.check()?;
    Ok(done?)
}
