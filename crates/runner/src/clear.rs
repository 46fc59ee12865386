//! Clearing of the cache, once no repro is at work.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use executor::Interrupts;
use ledger::cache::Scope;
use store::{Amount, Digest};
use workflow::graph::{InstanceId, Selection};

use crate::error::Result;
use crate::events::Events;
use crate::executors::executor;
use crate::workspace::Workspace;
use crate::{staging, status};

/// Removes all contents outside of `scope` from the cache, once no repro runs; if the scope is empty, those that the
/// workspace doesn't use and the limits in `pipeline.toml` don't allow. Work folders of unfinished runs that no stage
/// would continue are removed, too. Returns the removed amount; where `is_trial`, nothing is removed.
///
/// # Errors
/// A version of the lock cannot be read, or a file cannot be removed.
pub fn clear_cache(
    workspace: &mut Workspace,
    scope: Scope,
    is_trial: bool,
    events: &mut dyn Events,
) -> Result<Amount> {
    let interrupts = Interrupts::catch()?;
    let _lock = workspace.acquire(&interrupts, events)?;
    workspace.reload_lock()?;
    // A folder in which a stage is still at work is not cleared under it.
    let mut executor = executor(NonZeroUsize::MIN, &interrupts);
    staging::recover(workspace, &mut executor, events)?;
    let swept = workspace.cache().sweep(scope, is_trial)?;
    let mut removed = swept.removed;
    if workspace.own("work").is_dir() {
        let wanted = wanted(workspace)?;
        let work = workspace.cache().clear_work(wanted, &swept, is_trial)?;
        removed.files += work.files;
        removed.bytes += work.bytes;
    }
    Ok(removed)
}

/// The keys under which a stage, as it is now, would run.
fn wanted(workspace: &mut Workspace) -> Result<BTreeSet<Digest>> {
    let all: BTreeSet<InstanceId> = workspace.workflow.graph.instances.ids().collect();
    let selection = Selection {
        named: all.clone(),
        reached: all,
    };
    let outcomes = status::outcomes(workspace, &selection, false)?;
    Ok(outcomes.iter().filter_map(|outcome| outcome.key).collect())
}
