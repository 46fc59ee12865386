//! Output staging: outputs are moved to their places, and their old contents stashed or backed up.

use std::path::{Path, PathBuf};

use executor::Executor;
use keys::on_disk::{LEADS_OUT, is_inside};
use serde::{Deserialize, Serialize};
use store::{Digest, remove_path};
use workflow::instance::{Instance, Output};
use workflow::path::output_path;

use crate::error::{Error, JournalFault, Result};
use crate::events::{Event, Events};
use crate::state::State;
use crate::workspace::Workspace;

/// The job file, in the work folder.
pub(crate) const JOB: &str = "job.json";

const IS_MOUNT: &str = "is a mount point, which no move can replace: mount a folder above it, or declare what is in it";

/// Refuses an output whose folder leads out of the workspace by a symbolic link, or that is a mount point.
pub(crate) fn check(
    workspace: &Workspace,
    instance: &Instance,
    name: &str,
    output: &Output,
) -> Result<()> {
    let why = if !is_inside(&workspace.workflow.root, &output.path)? {
        LEADS_OUT
    } else if store::is_mount_point(&workspace.workflow.root.join(&output.path)) {
        IS_MOUNT
    } else {
        return Ok(());
    };
    Err(Error::OutputPlace {
        stage: instance.name.clone(),
        name: name.to_owned(),
        path: output.path.display().to_string(),
        why,
    })
}

/// Puts the content `digest` at the place of an output, unless it is there.
pub(crate) fn restore(
    workspace: &mut Workspace,
    instance: &Instance,
    name: &str,
    output: &Output,
    digest: &Digest,
    events: &mut dyn Events,
) -> Result<()> {
    check(workspace, instance, name, output)?;
    let path = workspace.workflow.root.join(&output.path);
    if path.exists() && workspace.state.index.digest(&path)? == *digest {
        return Ok(());
    }
    back_up(workspace, instance, output, &path, events)?;
    let State { store, index, .. } = &mut workspace.state;
    if let Some(store) = store {
        store.restore(index, digest, &path)?;
    }
    workspace.state.forget_observed();
    Ok(())
}

/// Moves a finished output from the work folder to its place.
pub(crate) fn move_in(
    workspace: &mut Workspace,
    instance: &Instance,
    name: &str,
    made: &Path,
    digest: &Digest,
    events: &mut dyn Events,
) -> Result<()> {
    let output: &Output = &instance.outputs[name];
    // The stage may have made a link there since it started.
    check(workspace, instance, name, output)?;
    let path = workspace.workflow.root.join(&output.path);
    back_up(workspace, instance, output, &path, events)?;
    if let Some(parent) = path.parent() {
        fs_err::create_dir_all(parent)?;
    }
    let is_free = path.symlink_metadata().is_err();
    // The plain call: the code below handles another file system and a folder in the way.
    if is_free && fs_err::rename(made, &path).is_ok() {
        return Ok(());
    }
    // The store replaces a file or folder in the way in one step.
    let State { store, index, .. } = &mut workspace.state;
    let Some(store) = store else { return Ok(()) };
    if output.treatment.is_cached {
        return Ok(store.restore(index, digest, &path)?);
    }
    // Without the store there is a moment without the output; a runner killed in it runs the stage again.
    remove_path(&path)?;
    Ok(store::move_path(made, &path)?)
}

/// Moves the file or folder at `path` to the folder of backups, unless the cache has it: nothing that a person made is
/// overwritten.
pub(crate) fn back_up(
    workspace: &mut Workspace,
    instance: &Instance,
    output: &Output,
    path: &Path,
    events: &mut dyn Events,
) -> Result<()> {
    if path.symlink_metadata().is_err() || is_known(workspace, instance, path, output) {
        return Ok(());
    }
    let folder = free_folder(&workspace.own("backup"));
    let backup = folder.join(&output.path);
    if let Some(parent) = backup.parent() {
        fs_err::create_dir_all(parent)?;
    }
    store::move_path(path, &backup)?;
    let shown = backup
        .strip_prefix(&workspace.workflow.root)
        .unwrap_or(&backup);
    let text = format!(
        "`{}` was not made by this pipeline or was edited since; it is now `{}`",
        output.path.display(),
        shown.display()
    );
    events.event(Event::Warning {
        stage: &instance.name,
        text: &text,
    });
    Ok(())
}

/// Returns whether the pipeline made the content at `path`: the cache or the lock has it. By-products and empty folders
/// count as made by it.
fn is_known(workspace: &mut Workspace, instance: &Instance, path: &Path, output: &Output) -> bool {
    let is_empty_folder =
        || fs_err::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if output.treatment.is_volatile || is_empty_folder() {
        return true;
    }
    let State {
        store, index, lock, ..
    } = &mut workspace.state;
    let Ok(digest) = index.digest(path) else {
        return false;
    };
    let last = lock.get(&instance.name);
    let is_last = last.is_some_and(|last| last.outputs.values().any(|known| *known == digest));
    is_last || store.as_ref().is_some_and(|store| store.contains(&digest))
}

/// The first of `backup/1`, `backup/2`, … that doesn't exist.
fn free_folder(backups: &Path) -> PathBuf {
    let mut number = 1_u64;
    loop {
        let folder = backups.join(number.to_string());
        if !folder.exists() {
            return folder;
        }
        number += 1;
    }
}

/// Old contents of outputs that a foreign command writes in place: moved to its work folder before it starts, and back
/// if it doesn't succeed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stash {
    entries: Vec<Moved>,
}

/// An output whose old content is in the folder `STASH`, under the number of this entry.
#[derive(Debug, Serialize, Deserialize)]
struct Moved {
    /// From the workspace root.
    path: PathBuf,
    /// True if the output existed.
    was_there: bool,
}

/// Names in a work folder, under which a later version finds the stash of a killed runner.
const JOURNAL: &str = "aside.json";
const STASH: &str = "aside";

impl Stash {
    /// The stash in the folder `work`, if there is one. A path that isn't an output's is never touched.
    fn load(workspace: &Workspace, work: &Path) -> Result<Option<Self>> {
        let journal = work.join(JOURNAL);
        if !journal.exists() {
            return Ok(None);
        }
        let refused = |fault: JournalFault| Error::Journal {
            work: { work.strip_prefix(&workspace.workflow.root) }
                .unwrap_or(work)
                .to_owned(),
            journal: JOURNAL,
            fault,
        };
        let stash: Self = serde_json::from_slice(&fs_err::read(&journal)?)
            .map_err(|error| refused(JournalFault::Malformed(error)))?;
        for Moved { path, .. } in &stash.entries {
            let is_plain = output_path(&path.to_string_lossy()).is_ok_and(|plain| plain == *path);
            if !is_plain {
                return Err(refused(JournalFault::NoPlace(path.clone())));
            }
            if !is_inside(&workspace.workflow.root, path)? {
                return Err(refused(JournalFault::LeadsOut(path.clone())));
            }
        }
        Ok(Some(stash))
    }

    /// Path of each output and of its old content.
    fn places(&self, work: &Path) -> impl Iterator<Item = (&Path, Option<PathBuf>)> {
        let folder = work.join(STASH);
        self.entries.iter().enumerate().map(move |(number, moved)| {
            let stashed = moved.was_there.then(|| folder.join(number.to_string()));
            (moved.path.as_path(), stashed)
        })
    }
}

/// Moves the outputs into `work`, after a note from which the successor of a killed runner can move them back. A copy
/// stays of outputs that a run continues.
pub(crate) fn stash(workspace: &Workspace, work: &Path, outputs: &[&Output]) -> Result<()> {
    fs_err::create_dir_all(work.join(STASH))?;
    let entries = outputs.iter().map(|output| Moved {
        path: output.path.clone(),
        was_there: workspace
            .workflow
            .root
            .join(&output.path)
            .symlink_metadata()
            .is_ok(),
    });
    let stash = Stash {
        entries: entries.collect(),
    };
    let text = serde_json::to_vec(&stash).map_err(std::io::Error::from)?;
    let journal = work.join(JOURNAL);
    store::write_whole(&journal, &text)?;
    for ((path, stashed), output) in stash.places(work).zip(outputs) {
        let path = workspace.workflow.root.join(path);
        if let Some(stashed) = stashed {
            store::move_path(&path, &stashed)?;
            if output.treatment.is_kept {
                store::copy_path(&stashed, &path)?;
            }
        }
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
    }
    Ok(())
}

/// Restores the stashes of unfinished commands in all work folders, once no stage runs there.
///
/// # Errors
/// A file cannot be moved or removed, or a signal to stop came.
pub(crate) fn recover(
    workspace: &Workspace,
    executor: &mut dyn Executor,
    events: &mut dyn Events,
) -> Result<()> {
    let work = workspace.own("work");
    let folders = if work.is_dir() {
        let folders = fs_err::read_dir(work)?.map(|entry| Ok(entry?.path()));
        folders.collect::<Result<Vec<_>>>()?
    } else {
        Vec::new()
    };
    for work in &folders {
        executor.reclaim(work, &mut |reclaimed| {
            let shown = work.strip_prefix(&workspace.workflow.root).unwrap_or(work);
            events.event(Event::Warning {
                stage: &stage_of(work),
                text: &reclaimed.text(shown),
            });
        })?;
    }
    // Temporary files of killed runs, and a lock that one was about to put in place.
    remove_path(&passing(workspace))?;
    store::remove_unwritten(&workspace.own(""))?;
    for work in &folders {
        recover_from(workspace, work)?;
    }
    Ok(())
}

/// The instance that works in the folder `work`, by its job file.
fn stage_of(work: &Path) -> String {
    let job = fs_err::read(work.join(JOB)).unwrap_or_default();
    let job: Option<serde_json::Value> = serde_json::from_slice(&job).ok();
    let name = job.and_then(|job| job.get("stage")?.as_str().map(str::to_owned));
    name.unwrap_or_else(|| "a stage".into())
}

/// Folder of files that are removed at the end of a repro, or by the next one.
pub(crate) fn passing(workspace: &Workspace) -> PathBuf {
    workspace.own("tmp")
}

/// Moves the work folder of a finished command to the folder that is removed at the end, after removal of its large
/// parts.
///
/// A file system may be slow to make files after it removed many: ext4 looks for a free inode past each one that was
/// freed in the last seconds, which makes a run of a thousand short stages a third longer.
pub(crate) fn retire(workspace: &Workspace, work: &Path) -> Result<()> {
    for name in ["scratch", STASH] {
        remove_filled(&work.join(name))?;
    }
    let passing = passing(workspace);
    fs_err::create_dir_all(&passing)?;
    let to = passing.join(work.file_name().unwrap_or_default());
    if fs_err::rename(work, to).is_err() {
        remove_path(work)?;
    }
    Ok(())
}

/// Removes a folder unless it is empty.
pub(crate) fn remove_filled(folder: &Path) -> Result<()> {
    let has_entries = fs_err::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if has_entries {
        remove_path(folder)?;
    }
    Ok(())
}

/// Restores the stash of an unfinished command with the work folder `work`.
pub(crate) fn recover_from(workspace: &Workspace, work: &Path) -> Result<()> {
    let Some(stash) = Stash::load(workspace, work)? else {
        return Ok(());
    };
    for (path, stashed) in stash.places(work) {
        let path = workspace.workflow.root.join(path);
        match stashed {
            // Not moved yet when the runner was killed: still in its place.
            Some(stashed) if stashed.symlink_metadata().is_err() => {}
            Some(stashed) => {
                remove_path(&path)?;
                store::move_path(&stashed, &path)?;
            }
            None => remove_path(&path)?,
        }
    }
    Ok(fs_err::remove_file(work.join(JOURNAL))?)
}

/// Discards a stash after a success. Contents that the cache doesn't have are backed up.
pub(crate) fn discard(
    workspace: &mut Workspace,
    instance: &Instance,
    work: &Path,
    events: &mut dyn Events,
) -> Result<()> {
    let Some(stash) = Stash::load(workspace, work)? else {
        return Ok(());
    };
    for (path, stashed) in stash.places(work) {
        let output = instance
            .outputs
            .values()
            .find(|output| output.path == *path);
        if let (Some(stashed), Some(output)) = (stashed, output) {
            back_up(workspace, instance, output, &stashed, events)?;
        }
    }
    Ok(fs_err::remove_file(work.join(JOURNAL))?)
}
