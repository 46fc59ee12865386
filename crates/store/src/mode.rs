//! Permission bits of files.

use std::fs::Permissions;
use std::io;
use std::path::Path;

/// Sets the permission bits; off Unix, whether the file may be written.
#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs_err::set_permissions(path, Permissions::from_mode(mode))
}

#[cfg(not(unix))]
pub(crate) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    let mut permissions: Permissions = fs_err::metadata(path)?.permissions();
    permissions.set_readonly(mode & 0o200 == 0);
    fs_err::set_permissions(path, permissions)
}

/// Adds permission bits; off Unix, makes writable.
#[cfg(unix)]
pub(crate) fn make_writable(
    path: &Path,
    metadata: &std::fs::Metadata,
    bits: u32,
) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    set_mode(path, metadata.permissions().mode() | bits)
}

#[cfg(not(unix))]
pub(crate) fn make_writable(
    path: &Path,
    metadata: &std::fs::Metadata,
    _bits: u32,
) -> io::Result<()> {
    let mut permissions = metadata.permissions();
    permissions.set_readonly(false);
    fs_err::set_permissions(path, permissions)
}
