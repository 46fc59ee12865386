//! Removal of files and folders, read-only ones too.

use std::io;
use std::path::Path;

use crate::Result;
use crate::mode::make_writable;

/// Removes the file, the link or the folder with all it holds; nothing there is fine.
///
/// Read-only files and folders are removed too. The mode of a file is never changed on the way:
/// an output may be the same file as the cached object.
///
/// # Errors
/// The operating system refuses, for instance as another user owns the folder.
pub fn remove_path(path: &Path) -> Result<()> {
    let metadata = match fs_err::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let removed = if metadata.is_dir() {
        remove_folder(path)
    } else {
        remove_file(path)
    };
    match removed {
        // Another process removed it in this moment.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => Ok(other?),
    }
}

fn remove_folder(path: &Path) -> io::Result<()> {
    match fs_err::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            unlock(path)?;
            fs_err::remove_dir_all(path)
        }
        other => other,
    }
}

#[cfg(unix)]
fn remove_file(path: &Path) -> io::Result<()> {
    fs_err::remove_file(path)
}

/// Makes a read-only file writable, where it couldn't be removed otherwise.
#[cfg(not(unix))]
fn remove_file(path: &Path) -> io::Result<()> {
    unlock(path)?;
    fs_err::remove_file(path)
}

/// Makes folders below `path` writable, which otherwise stop its removal; on other systems than Unix files, too.
fn unlock(path: &Path) -> io::Result<()> {
    let metadata = fs_err::symlink_metadata(path)?;
    if metadata.is_dir() {
        make_writable(path, &metadata, 0o700)?;
        for entry in fs_err::read_dir(path)? {
            unlock(&entry?.path())?;
        }
    } else if cfg!(not(unix)) && !metadata.is_symlink() {
        make_writable(path, &metadata, 0o200)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::set_mode;

    #[test]
    fn read_only_files_and_folders_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let outer = folder.path().join("outer");
        let inner = outer.join("inner");
        fs_err::create_dir_all(&inner).unwrap();
        fs_err::write(inner.join("file"), "x").unwrap();
        set_mode(&inner.join("file"), 0o444).unwrap();
        set_mode(&inner, 0o555).unwrap();

        remove_path(&outer).unwrap();
        assert!(!outer.exists());
        remove_path(&outer).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_removed_and_its_target_kept() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        let link = folder.path().join("link");
        fs_err::create_dir(&target).unwrap();
        fs_err::write(target.join("file"), "x").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();

        remove_path(&link).unwrap();
        assert!(!link.is_symlink());
        assert!(target.join("file").exists());
    }
}
