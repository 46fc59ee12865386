//! A copy of the working tree, to build and to run in.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use tempfile::TempDir;

/// Copies the working tree to a folder among cargo's temporary ones, which is removed at the end.
pub(crate) fn copy() -> anyhow::Result<TempDir> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = root.parent().context("no workspace around `xtask`")?;
    let tree = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    copy_sources(root, tree.path())?;
    Ok(tree)
}

/// Copies tracked files, and untracked ones that git doesn't ignore.
fn copy_sources(root: &Path, to: &Path) -> anyhow::Result<()> {
    let listed = Command::new("git")
        .current_dir(root)
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .output()?;
    ensure!(listed.status.success(), "git cannot list the sources");
    let listed = String::from_utf8(listed.stdout)?;
    // A tracked file may have been removed.
    let is_there = |path: &&str| root.join(path).is_file();
    for path in listed.split_terminator('\0').filter(is_there) {
        let target = to.join(path);
        fs_err::create_dir_all(target.parent().unwrap_or(to))?;
        fs_err::copy(root.join(path), target)?;
    }
    Ok(())
}
