//! Paths as they are written.

use std::path::{Component, Path, PathBuf};

/// The path without `.` and with `..` taken away as far as it goes.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}
