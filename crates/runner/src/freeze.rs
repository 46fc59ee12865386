//! Writing into `pipeline.toml` that stages stay as they are.

use toml_edit::{Item, value};
use workflow::Workflow;
use workflow::declaration::FILE;
use workflow::source::Source;

use crate::error::Result;

/// Writes `frozen = true` into the stages that `targets` name, or takes it out; all else in the file stays as it is.
/// Returns the stages that this changes.
///
/// # Errors
/// A target names nothing, or some instances of a stage and not all; the file cannot be written.
pub fn freeze(workflow: &Workflow, targets: &[String], is_frozen: bool) -> Result<Vec<String>> {
    let stages = workflow.graph.whole_stages(&workflow.root, targets)?;
    // A link stays a link.
    let path = fs_err::canonicalize(workflow.root.join(FILE))?;
    let mut document = Source::read(&path, FILE)?.parse()?.into_mut();
    let mut changed = Vec::new();
    for stage in stages {
        let table = document
            .get_mut("stage")
            .and_then(|all| all.get_mut(&stage));
        let Some(table) = table.and_then(Item::as_table_like_mut) else {
            continue;
        };
        let was_frozen = table.get("frozen").and_then(Item::as_bool) == Some(true);
        if is_frozen {
            table.insert("frozen", value(true));
        } else {
            table.remove("frozen");
        }
        if was_frozen != is_frozen {
            changed.push(stage);
        }
    }
    let text = document.to_string();
    store::write_whole_in(&ledger::own(&workflow.root, ""), &path, text.as_bytes())?;
    Ok(changed)
}
