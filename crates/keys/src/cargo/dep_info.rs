//! Source files of an executable, from cargo's `.d` file beside it.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use store::Digest;

use crate::error::Result;

/// Dependency information of an executable: sources of its crates at local paths, and files that their build scripts
/// watch.
#[derive(Debug)]
pub(crate) struct DepInfo {
    files: Vec<PathBuf>,
    /// The folder of the build, in which build scripts make files.
    folder: PathBuf,
}

impl DepInfo {
    /// Reads the file beside `executable`.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn read(executable: &Path) -> Result<Self> {
        let text = fs_err::read_to_string(executable.with_extension("d"))?;
        Ok(DepInfo {
            files: files(&text),
            folder: executable.parent().unwrap_or(executable).to_owned(),
        })
    }

    /// The first file that isn't in `code`, by paths from `root`, and that no build script made.
    pub(crate) fn uncovered(
        &self,
        root: &Path,
        code: &BTreeMap<String, Digest>,
    ) -> Option<PathBuf> {
        let real_root = fs_err::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        let from_root = |path: &Path| -> Option<PathBuf> {
            let inside = path.strip_prefix(root);
            let inside = inside.or_else(|_| path.strip_prefix(&real_root));
            inside.ok().map(Path::to_owned)
        };
        let covers = |path: &Path| {
            let Some(inside) = from_root(path) else {
                return false;
            };
            code.contains_key(&inside.display().to_string())
                || (path.is_dir() && code.keys().any(|file| Path::new(file).starts_with(&inside)))
        };
        for file in &self.files {
            let path = plain(&root.join(file));
            if covers(&path) || path.starts_with(&self.folder) {
                continue;
            }
            // A link may lead to a covered file.
            let real = fs_err::canonicalize(&path).unwrap_or_else(|_| path.clone());
            if !covers(&real) {
                return Some(from_root(&path).unwrap_or(path));
            }
        }
        None
    }
}

/// The paths in a line `TARGET: PATH PATH …`, in which `\ ` is a space of a path. Lines of rustc's that begin with `#`
/// have none.
pub(super) fn files(text: &str) -> Vec<PathBuf> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.filter_map(|line| line.split_once(": "));
    let paths = lines.flat_map(|(_, paths)| {
        let paths = paths.replace("\\ ", "\0");
        let paths = paths.split(' ').filter(|path| !path.is_empty());
        let paths = paths.map(|path| PathBuf::from(path.replace('\0', " ")));
        paths.collect::<Vec<PathBuf>>()
    });
    paths.collect()
}

/// `path` without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            component => plain.push(component),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file that isn't covered by `src/lib.rs` and `b c/d.rs` of a workspace at `/w`.
    fn uncovered(files: &[&str]) -> Option<String> {
        let digest = Digest::of_bytes(b"");
        let code = ["src/lib.rs", "b c/d.rs"].map(|path| (path.to_owned(), digest));
        let info = DepInfo {
            files: files.iter().map(PathBuf::from).collect(),
            folder: PathBuf::from("/w/target/release"),
        };
        let found = info.uncovered(Path::new("/w"), &BTreeMap::from(code));
        found.map(|path| path.display().to_string())
    }

    #[test]
    fn paths_are_read_with_their_spaces() {
        let text = "/w/target/release/x\\ y: /w/a.rs /w/b\\ c/d.rs\n";
        let expected = ["/w/a.rs", "/w/b c/d.rs"].map(PathBuf::from);
        assert_eq!(files(text), expected);
        assert_eq!(files("/w/target/release/x:\n"), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_file_outside_of_the_code_is_found() {
        let covered = ["/w/src/lib.rs", "src/lib.rs", "/w/src/../b c/./d.rs"];
        assert_eq!(uncovered(&covered), None);
        let generated = "/w/target/release/build/a-0/out/table.rs";
        assert_eq!(uncovered(&[generated]), None);
        assert_eq!(uncovered(&["/w/src/a/../b.rs"]), Some("src/b.rs".into()));
        assert_eq!(uncovered(&["/v/src/lib.rs"]), Some("/v/src/lib.rs".into()));
        assert_eq!(uncovered(&["/w/target/x.rs"]), Some("target/x.rs".into()));
    }
}
