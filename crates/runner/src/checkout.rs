//! Checkout: restores the outputs of `pipeline.lock`, also of stages that have changed.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use executor::Interrupts;
use keys::reason::Reason;
use ledger::runs::State;
use ledger::states::StateResults;
use store::Digest;
use workflow::graph::{InstanceId, Selection};
use workflow::instance::{Instance, Output};

use crate::error::{Error, Result};
use crate::events::{Events, Outcome};
use crate::executors::executor;
use crate::staging;
use crate::workspace::Workspace;

/// Restores the outputs of the selected instances as `pipeline.lock` has them. Outputs without an entry are left alone;
/// instances whose outputs the cache has lost are among the outcomes, as failed.
///
/// # Errors
/// A file cannot be written, or a signal to stop came.
pub fn checkout(
    workspace: &mut Workspace,
    selection: &Selection,
    events: &mut dyn Events,
) -> Result<Vec<Outcome>> {
    let interrupts = Interrupts::catch()?;
    let _lock = workspace.acquire(&interrupts, events)?;
    workspace.reload_lock()?;
    check_out_all(workspace, selection, &interrupts, events)
}

/// Makes the results of a state beside the current one the current results, and restores their outputs. Results of
/// stages without one in that state stay as they are.
///
/// # Errors
/// As for [`checkout`], or the lock of either state cannot be read or written.
pub fn take_state(
    workspace: &mut Workspace,
    results: StateResults,
    events: &mut dyn Events,
) -> Result<Vec<Outcome>> {
    let interrupts = Interrupts::catch()?;
    let _lock = workspace.acquire(&interrupts, events)?;
    workspace.reload_lock()?;
    let instances = workspace.workflow.graph.instances.with_ids();
    let has_result = |name: &str| results.lock.get(name).is_some();
    let taken = instances.filter(|(_, instance)| has_result(&instance.name));
    let taken: BTreeSet<InstanceId> = taken.map(|(id, _)| id).collect();
    let mut executor = executor(NonZeroUsize::MIN, &interrupts);
    staging::recover(workspace, &mut executor, events)?;
    // Before the lock changes, which has the present outputs.
    copy_uncached(workspace, &taken, &results, events)?;
    for (name, locked) in results.lock.iter() {
        workspace.state.lock.insert(name.to_owned(), locked.clone());
    }
    workspace.save_lock()?;
    let selection = Selection {
        named: taken.clone(),
        reached: taken,
    };
    check_out_all(workspace, &selection, &interrupts, events)
}

/// Copies outputs that aren't cached from the folder of another state, if they still exist there.
fn copy_uncached(
    workspace: &mut Workspace,
    taken: &BTreeSet<InstanceId>,
    results: &StateResults,
    events: &mut dyn Events,
) -> Result<()> {
    let Some(folder) = &results.folder else {
        return Ok(());
    };
    for &id in taken {
        let instance = Arc::clone(&workspace.workflow.graph.instances[id]);
        let locked = results.lock.get(&instance.name);
        for (name, output) in &instance.outputs {
            let digest = locked.and_then(|locked| locked.outputs.get(name));
            let (Some(digest), false) = (digest, output.treatment.is_cached) else {
                continue;
            };
            let (from, to) = (
                folder.join(&output.path),
                workspace.workflow.root.join(&output.path),
            );
            let is_it = workspace
                .state
                .index
                .digest(&from)
                .is_ok_and(|there| there == *digest);
            if !is_it || is_in_place(workspace, output, digest) {
                continue;
            }
            staging::check(workspace, &instance, name, output)?;
            staging::back_up(workspace, &instance, output, &to, events)?;
            if let Some(parent) = to.parent() {
                fs_err::create_dir_all(parent)?;
            }
            store::remove_path(&to)?;
            store::copy_path(&from, &to)?;
        }
    }
    Ok(())
}

fn check_out_all(
    workspace: &mut Workspace,
    selection: &Selection,
    interrupts: &Interrupts,
    events: &mut dyn Events,
) -> Result<Vec<Outcome>> {
    let mut executor = executor(NonZeroUsize::MIN, interrupts);
    staging::recover(workspace, &mut executor, events)?;
    let mut outcomes = Vec::new();
    for id in workspace.workflow.graph.in_order(selection) {
        interrupts.check()?;
        let instance = Arc::clone(&workspace.workflow.graph.instances[id]);
        outcomes.extend(check_out_one(workspace, &instance, events)?);
    }
    workspace.save_caches()?;
    Ok(outcomes)
}

fn check_out_one(
    workspace: &mut Workspace,
    instance: &Instance,
    events: &mut dyn Events,
) -> Result<Option<Outcome>> {
    let Some(locked) = workspace.state.lock.get(&instance.name).cloned() else {
        return Ok(None);
    };
    // By-products stand in the record alone.
    let record = workspace.state.store()?.recorded(&locked.key);
    // Outputs that weren't in place, and whether the cache had them.
    let mut restored = BTreeMap::new();
    for (name, output) in &instance.outputs {
        let digest = locked.outputs.get(name);
        let of_record = { record.as_ref() }.and_then(|record| record.outputs.get(name));
        let Some(digest) = digest.or(of_record) else {
            continue;
        };
        if !is_in_place(workspace, output, digest) {
            let is_restored = check_out(workspace, instance, (name, output), digest, events)?;
            restored.insert(name.as_str(), is_restored);
        }
    }
    Ok(Some(outcome(instance, locked.key, &restored)))
}

/// The outcome for an instance, given for each output that wasn't in place whether it was restored.
fn outcome(instance: &Instance, key: Digest, restored: &BTreeMap<&str, bool>) -> Outcome {
    let (mut is_restored, mut has_failed) = (false, false);
    let mut reasons = Vec::new();
    for (&name, &is_there) in restored {
        let treatment = instance.outputs[name].treatment;
        let output = name.to_owned();
        if is_there {
            is_restored = true;
        } else if !treatment.is_cached {
            reasons.push(Reason::MadeByRunAlone { output });
        } else if !treatment.is_volatile {
            has_failed = true;
            reasons.push(Reason::OutputNotCached { output });
        }
    }
    let state = match (has_failed, is_restored) {
        (true, _) => State::Failed,
        (false, true) => State::Restored,
        (false, false) => State::UpToDate,
    };
    Outcome {
        stage: instance.name.clone(),
        state,
        reasons,
        key: Some(key),
        usage: None,
    }
}

/// Restores an output; whether the cache had it.
fn check_out(
    workspace: &mut Workspace,
    instance: &Instance,
    (name, output): (&str, &Output),
    digest: &Digest,
    events: &mut dyn Events,
) -> Result<bool> {
    // The present file is moved only if there is another to restore.
    if !workspace.state.store()?.contains(digest) {
        return Ok(false);
    }
    match staging::restore(workspace, instance, name, output, digest, events) {
        Ok(()) => Ok(true),
        Err(Error::Store(store::Error::Missing { .. } | store::Error::Damaged { .. })) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_in_place(workspace: &mut Workspace, output: &Output, digest: &Digest) -> bool {
    let path = workspace.workflow.root.join(&output.path);
    if output.treatment.is_volatile {
        return path.exists();
    }
    workspace
        .state
        .index
        .digest(&path)
        .is_ok_and(|there| there == *digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Declare, stage};
    use keys::reason::listed;

    #[test]
    fn lost_outputs_fail_unless_a_run_makes_them_or_nothing_depends_on_them() {
        let instance = stage("a").makes("x").makes("y");
        let instance = instance.makes_uncached("z").makes_volatile("log");
        let check = |restored: &[(&str, bool)], expected: &str| {
            let restored = restored.iter().copied().collect();
            let outcome = outcome(&instance, Digest::of_bytes(b"key"), &restored);
            let shown = format!("{}: {}", outcome.state.name(), listed(&outcome.reasons));
            assert_eq!(shown, expected);
        };
        check(&[], "up to date: ");
        check(&[("x", true)], "restored: ");
        check(&[("log", false)], "up to date: ");
        check(
            &[("z", false)],
            "up to date: output z is made by a run alone",
        );
        check(
            &[("x", true), ("z", false)],
            "restored: output z is made by a run alone",
        );
        check(
            &[("x", true), ("y", false), ("z", false)],
            "failed: the cache does not have output y, output z is made by a run alone",
        );
    }
}
