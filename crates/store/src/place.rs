//! Files in their places: clones, links, moves, replacement.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use crate::file_state::FileState;
use crate::mode::make_writable;
use crate::remove::remove_path;
use crate::scratch::{self, Scratch};
use crate::{Error, Result};

/// Prefix of temporary names on other file systems than the cache's.
pub(crate) const SCRATCH_PREFIX: &str = ".atelier-tmp-";

/// Copies the file or folder `from` to `to`, where nothing is, to writable files that share nothing with the cache.
/// Symbolic links are followed; executable files stay executable.
///
/// # Errors
/// Something cannot be read or written.
pub fn copy_path(from: &Path, to: &Path) -> Result<()> {
    let metadata = fs_err::metadata(from)?;
    if metadata.is_dir() {
        fs_err::create_dir_all(to)?;
        for entry in fs_err::read_dir(from)? {
            let name = entry?.file_name();
            copy_path(&from.join(&name), &to.join(&name))?;
        }
        return Ok(());
    }
    if !metadata.is_file() {
        let path = from.to_owned();
        return Err(Error::NotAFile { path });
    }
    if clone_file(from, to).is_err() {
        fs_err::copy(from, to)?;
    }
    Ok(make_writable(to, &fs_err::metadata(to)?, 0o200)?)
}

/// Moves the file, link or folder `from` to `to`, where no folder is, in one step: a file that is there is replaced.
///
/// Between file systems, where no name can be moved, it is copied beside `to` as it is, written to the disk, and
/// renamed there; so a reader sees all of it or nothing, and what is at `from` is removed last.
///
/// # Errors
/// Something cannot be read or written, or is neither file, folder nor link.
pub fn move_path(from: &Path, to: &Path) -> Result<()> {
    match fs_err::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        other => return Ok(other?),
    }
    let folder = match to.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    scratch::clean(folder, SCRATCH_PREFIX)?;
    let copy = Scratch::new(folder, SCRATCH_PREFIX);
    copy_as_it_is(from, copy.path())?;
    copy.rename(to)?;
    sync_folder(folder)?;
    remove_path(from)
}

/// Moves the content of `scratch` to `to` in one step, replacing a file that was there.
pub(crate) fn persist(scratch: Scratch, to: &Path) -> Result<()> {
    move_path(scratch.path(), to)?;
    scratch.release();
    Ok(())
}

/// Returns whether a file system is mounted at `path`.
#[cfg(target_os = "linux")]
#[must_use]
pub fn is_mount_point(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let status = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
    status.is_ok_and(|status| status.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// Returns whether a file system is mounted at `path`.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn is_mount_point(path: &Path) -> bool {
    let device = |path: &Path| Some(FileState::of(path).ok()?.device);
    let around = path.parent().and_then(device);
    path.is_dir() && !path.is_symlink() && around.is_some() && device(path) != around
}

/// Copies the file, link or folder with its permissions and times, and writes it to the disk.
fn copy_as_it_is(from: &Path, to: &Path) -> Result<()> {
    let metadata = fs_err::symlink_metadata(from)?;
    if metadata.is_symlink() {
        return Ok(link(&fs_err::read_link(from)?, to)?);
    }
    if metadata.is_dir() {
        fs_err::create_dir(to)?;
        for entry in fs_err::read_dir(from)? {
            let name = entry?.file_name();
            copy_as_it_is(&from.join(&name), &to.join(&name))?;
        }
        sync_folder(to)?;
        return Ok(fs_err::set_permissions(to, metadata.permissions())?);
    }
    if !metadata.is_file() {
        let path = from.to_owned();
        return Err(Error::NotAFile { path });
    }
    fs_err::copy(from, to)?;
    let copy = fs_err::File::open(to)?;
    copy.file().set_modified(metadata.modified()?)?;
    Ok(copy.sync_all()?)
}

#[cfg(unix)]
fn link(target: &Path, at: &Path) -> io::Result<()> {
    fs_err::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn link(target: &Path, at: &Path) -> io::Result<()> {
    fs_err::copy(target, at).map(drop)
}

/// Writes the names in a folder to the disk, where the system lets a folder be opened.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        fs_err::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Moves `scratch` to `to`, replacing the file or the folder that was there.
///
/// A folder that is in the way moves to `aside` first; its removal may take long.
pub(crate) fn replace(scratch: Scratch, to: &Path, aside: &Scratch) -> Result<()> {
    let new = fs_err::symlink_metadata(scratch.path())?;
    let new_is_folder = new.is_dir();
    let old = fs_err::symlink_metadata(to).ok();
    let old_is_folder = old.as_ref().is_some_and(std::fs::Metadata::is_dir);
    if let Some(old) = &old
        && FileState::new(to, old).is_same_file(&FileState::new(scratch.path(), &new))
    {
        // Another link to the very file: moving it there would do nothing at all.
        return Ok(());
    }
    if old_is_folder {
        if fs_err::rename(to, aside.path()).is_err() {
            // Layered file systems cannot move a folder of a lower layer.
            remove_path(to)?;
        }
    } else if old.is_some() && new_is_folder {
        remove_path(to)?;
    }
    persist(scratch, to)
}

/// Makes `to` share the bytes of `from`, copied on write, with permissions of its own.
pub(crate) fn clone_file(from: &Path, to: &Path) -> io::Result<()> {
    reflink_copy::reflink(from, to)
}

/// Sets when the file was last modified.
///
/// A copy bears the time of its original: a stamp from the past shows any later write, however
/// soon it comes.
#[cfg(unix)]
pub(crate) fn set_modified(path: &Path, time: SystemTime) -> io::Result<()> {
    // The owner may set the time of a file that is open for reading alone.
    fs_err::File::open(path)?.file().set_modified(time)
}

/// Without it a copy is hashed once more, when its time stamp has settled.
#[cfg(not(unix))]
pub(crate) fn set_modified(_path: &Path, _time: SystemTime) -> io::Result<()> {
    Ok(())
}

/// Abilities of the file system under the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Abilities {
    /// Files can share bytes, copied on write.
    pub(crate) clones: bool,
    /// The permission bits of a new file; the user's umask decides.
    pub(crate) file_mode: u32,
}

impl Abilities {
    /// Tries in `folder`.
    pub(crate) fn of(folder: &Path) -> io::Result<Self> {
        let original = Scratch::new(folder, "");
        let clone = Scratch::new(folder, "");
        fs_err::write(
            original.path(),
            "A file to try what the file system can do.\n",
        )?;
        Ok(Self {
            clones: clone_file(original.path(), clone.path()).is_ok(),
            file_mode: mode(&fs_err::metadata(original.path())?),
        })
    }

    /// The permission bits of an object: readable as a new file is, not writable, not executable.
    pub(crate) fn object_mode(&self) -> u32 {
        self.file_mode & 0o444
    }

    /// The permission bits of a restored file.
    pub(crate) fn mode(&self, executable: bool) -> u32 {
        if executable {
            // Who may read may execute.
            self.file_mode | (self.file_mode & 0o444) >> 2
        } else {
            self.file_mode
        }
    }
}

#[cfg(unix)]
fn mode(metadata: &std::fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o777
}

#[cfg(not(unix))]
fn mode(_metadata: &std::fs::Metadata) -> u32 {
    0o666
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::set_mode;

    #[test]
    fn a_copy_may_be_written_and_leaves_the_original_alone() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        fs_err::create_dir_all(from.join("inner")).unwrap();
        fs_err::write(from.join("inner/file"), "old").unwrap();
        set_mode(&from.join("inner/file"), 0o444).unwrap();

        let to = folder.path().join("to");
        copy_path(&from, &to).unwrap();
        fs_err::write(to.join("inner/file"), "new").unwrap();
        assert_eq!(fs_err::read(from.join("inner/file")).unwrap(), b"old");
    }

    #[cfg(unix)]
    #[test]
    fn a_move_between_file_systems_keeps_content_links_modes_and_times() {
        let folders = two_file_systems();
        if skip::unless(folders.is_some(), "second-file-system") {
            return;
        }
        let (near, far) = folders.unwrap();
        let from = near.path().join("folder");
        fs_err::create_dir_all(from.join("inner")).unwrap();
        fs_err::write(from.join("inner/file"), "bytes").unwrap();
        set_mode(&from.join("inner/file"), 0o540).unwrap();
        std::os::unix::fs::symlink("inner/file", from.join("link")).unwrap();
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        set_modified(&from.join("inner/file"), time).unwrap();

        let to = far.path().join("moved");
        move_path(&from, &to).unwrap();
        assert!(!from.exists());
        assert_eq!(fs_err::read(to.join("link")).unwrap(), b"bytes");
        assert!(to.join("link").is_symlink());
        let metadata = fs_err::metadata(to.join("inner/file")).unwrap();
        assert_eq!(mode(&metadata), 0o540);
        assert_eq!(metadata.modified().unwrap(), time);

        // Back over a file that is there: replaced, and nothing is left of the way.
        fs_err::write(near.path().join("file"), "old").unwrap();
        move_path(&to.join("inner/file"), &near.path().join("file")).unwrap();
        assert_eq!(fs_err::read(near.path().join("file")).unwrap(), b"bytes");
        assert_eq!(fs_err::read_dir(near.path()).unwrap().count(), 1);
        assert_eq!(fs_err::read_dir(far.path()).unwrap().count(), 1);

        let pipe = far.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let moved = move_path(&pipe, &near.path().join("pipe"));
        assert!(matches!(moved, Err(Error::NotAFile { .. })));
        assert!(pipe.exists() && !near.path().join("pipe").exists());
    }

    /// A folder on each of two file systems, where there are two.
    #[cfg(unix)]
    fn two_file_systems() -> Option<(tempfile::TempDir, tempfile::TempDir)> {
        let near = tempfile::tempdir().unwrap();
        let far = tempfile::tempdir_in("/dev/shm").ok()?;
        let device = |folder: &tempfile::TempDir| FileState::of(folder.path()).unwrap().device;
        (device(&near) != device(&far)).then_some((near, far))
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let copied = copy_path(&pipe, &folder.path().join("copy"));
        assert!(matches!(copied, Err(Error::NotAFile { .. })));
    }
}
