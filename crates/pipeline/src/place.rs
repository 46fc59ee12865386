//! Putting outputs where they belong without losing what was there.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use store::{Digest, remove_path};

use crate::error::{Error, Result};
use crate::events::{Event, Events};
use crate::instance::{Instance, Output};
use crate::workspace::Workspace;

/// Refuses an output whose folder leads out of the workspace by a symbolic link.
pub(crate) fn check(
    workspace: &Workspace,
    instance: &Instance,
    name: &str,
    output: &Output,
) -> Result<()> {
    if is_inside(workspace, &output.path)? {
        return Ok(());
    }
    Err(Error::OutputPlace {
        stage: instance.name.clone(),
        name: name.to_owned(),
        path: output.path.display().to_string(),
        why: "leads out of the workspace by a symbolic link",
    })
}

/// Whether the folder of `path`, as far as it exists, is in the workspace once links are followed.
pub(crate) fn is_inside(workspace: &Workspace, path: &Path) -> Result<bool> {
    let path = workspace.root.join(path);
    let existing = path.ancestors().skip(1).find(|folder| folder.exists());
    let leads_to = existing.map(fs_err::canonicalize).transpose()?;
    Ok(leads_to.is_some_and(|folder| folder.starts_with(&workspace.root)))
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
    let path = workspace.root.join(&output.path);
    if path.exists() && workspace.index.digest(&path)? == *digest {
        return Ok(());
    }
    keep_unknown(workspace, instance, output, &path, events)?;
    let Workspace { store, index, .. } = workspace;
    if let Some(store) = store {
        store.restore(index, digest, &path)?;
    }
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
    let path = workspace.root.join(&output.path);
    keep_unknown(workspace, instance, output, &path, events)?;
    if let Some(parent) = path.parent() {
        fs_err::create_dir_all(parent)?;
    }
    let is_free = path.symlink_metadata().is_err();
    if is_free && fs_err::rename(made, &path).is_ok() {
        return Ok(());
    }
    // Something is in the way, or on another file system: the store replaces it in one step.
    let Workspace { store, index, .. } = &mut *workspace;
    let Some(store) = store else { return Ok(()) };
    if output.treatment.is_cached {
        return Ok(store.restore(index, digest, &path)?);
    }
    // Without the store's help there is a moment without the output, and what ends in it runs again.
    remove_path(&path)?;
    if fs_err::rename(made, &path).is_err() {
        store::copy_path(made, &path)?;
    }
    Ok(())
}

/// Moves what stands at `path` to the folder of kept things, unless the cache
/// has it: nothing that a person made is overwritten.
pub(crate) fn keep_unknown(
    workspace: &mut Workspace,
    instance: &Instance,
    output: &Output,
    path: &Path,
    events: &mut dyn Events,
) -> Result<()> {
    if path.symlink_metadata().is_err() || is_known(workspace, instance, path, output) {
        return Ok(());
    }
    let folder = free_folder(&workspace.own("kept"));
    let kept = folder.join(&output.path);
    if let Some(parent) = kept.parent() {
        fs_err::create_dir_all(parent)?;
    }
    fs_err::rename(path, &kept)?;
    let shown = kept.strip_prefix(&workspace.root).unwrap_or(&kept);
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

/// Whether what stands at `path` is what the pipeline made: the cache holds it, or the lock has it. By-products and empty
/// folders are nobody's work.
fn is_known(workspace: &mut Workspace, instance: &Instance, path: &Path, output: &Output) -> bool {
    let is_empty_folder =
        || fs_err::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if output.treatment.is_volatile || is_empty_folder() {
        return true;
    }
    let Workspace {
        store, index, lock, ..
    } = workspace;
    let Ok(digest) = index.digest(path) else {
        return false;
    };
    let last = lock.stages.get(&instance.name);
    let is_last = last.is_some_and(|last| last.outputs.values().any(|known| *known == digest));
    is_last || store.as_ref().is_some_and(|store| store.contains(&digest))
}

/// `kept/1`, `kept/2`, …: the first that isn't there.
fn free_folder(kept: &Path) -> PathBuf {
    let mut number = 1_u64;
    loop {
        let folder = kept.join(number.to_string());
        if !folder.exists() {
            return folder;
        }
        number += 1;
    }
}

/// What a foreign command that writes its outputs in place would overwrite:
/// moved aside before it starts, and back if it doesn't succeed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Aside {
    /// Output path from the workspace root, and where its old content went;
    /// none where there was none.
    entries: Vec<(PathBuf, Option<PathBuf>)>,
}

const JOURNAL: &str = "aside.json";

/// Moves the outputs into `work`, noting it first, so that a killed runner's
/// successor can move them back. Of those that a run goes on from, a copy stays.
pub(crate) fn set_aside(workspace: &Workspace, work: &Path, outputs: &[&Output]) -> Result<()> {
    let folder = work.join("aside");
    fs_err::create_dir_all(&folder)?;
    let entries = outputs.iter().enumerate().map(|(number, output)| {
        let is_there = workspace.root.join(&output.path).symlink_metadata().is_ok();
        (
            output.path.clone(),
            is_there.then(|| folder.join(number.to_string())),
        )
    });
    let aside = Aside {
        entries: entries.collect(),
    };
    let text = serde_json::to_vec(&aside).map_err(std::io::Error::from)?;
    let journal = work.join(JOURNAL);
    fs_err::write(journal.with_extension("part"), text)?;
    fs_err::rename(journal.with_extension("part"), &journal)?;
    for ((path, kept), output) in aside.entries.iter().zip(outputs) {
        let path = workspace.root.join(path);
        if let Some(kept) = kept {
            fs_err::rename(&path, kept)?;
            if output.treatment.is_kept {
                store::copy_path(kept, &path)?;
            }
        }
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
    }
    Ok(())
}

/// Undoes what unfinished commands left, in all work folders.
pub(crate) fn recover(workspace: &Workspace) -> Result<()> {
    // Temporary files of killed runs.
    remove_path(&workspace.own("tmp"))?;
    let work = workspace.own("work");
    if !work.is_dir() {
        return Ok(());
    }
    for entry in fs_err::read_dir(work)? {
        recover_from(workspace, &entry?.path())?;
    }
    Ok(())
}

/// Undoes what an unfinished command left whose work folder is `work`.
pub(crate) fn recover_from(workspace: &Workspace, work: &Path) -> Result<()> {
    let journal = work.join(JOURNAL);
    if !journal.exists() {
        return Ok(());
    }
    let aside: Aside =
        serde_json::from_slice(&fs_err::read(&journal)?).map_err(std::io::Error::from)?;
    for (path, kept) in &aside.entries {
        let path = workspace.root.join(path);
        match kept {
            // Not moved yet when the runner was killed: still in its place.
            Some(kept) if !kept.exists() => {}
            Some(kept) => {
                remove_path(&path)?;
                fs_err::rename(kept, &path)?;
            }
            None => remove_path(&path)?,
        }
    }
    Ok(fs_err::remove_file(&journal)?)
}

/// Ends the setting aside after a success: what the cache doesn't have is kept.
pub(crate) fn let_go(
    workspace: &mut Workspace,
    instance: &Instance,
    work: &Path,
    events: &mut dyn Events,
) -> Result<()> {
    let journal = work.join(JOURNAL);
    if !journal.exists() {
        return Ok(());
    }
    let aside: Aside =
        serde_json::from_slice(&fs_err::read(&journal)?).map_err(std::io::Error::from)?;
    for (path, kept) in &aside.entries {
        let output = instance
            .outputs
            .values()
            .find(|output| output.path == *path);
        if let (Some(kept), Some(output)) = (kept, output) {
            keep_unknown(workspace, instance, output, kept, events)?;
        }
    }
    Ok(fs_err::remove_file(&journal)?)
}
