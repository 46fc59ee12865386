//! Files and folders that match a pattern.

use std::path::{Path, PathBuf};

use walk::Rules;
use workflow::glob::{fixed_prefix, matches};
use workflow::graph::Graph;

/// The complaint about a path of which [`is_inside`] is false.
pub const LEADS_OUT: &str = "leads out of the workspace by a symbolic link";

/// Returns whether the folder of `path`, from `root`, as far as it exists, is in `root` once links are followed.
///
/// # Errors
/// A folder cannot be read.
pub fn is_inside(root: &Path, path: &Path) -> std::io::Result<bool> {
    let path = root.join(path);
    let existing = path.ancestors().skip(1).find(|folder| folder.exists());
    let leads_to = existing.map(fs_err::canonicalize).transpose()?;
    Ok(leads_to.is_some_and(|folder| folder.starts_with(root)))
}

/// Rules by which files count in the folder at `path`, from the root: all files where a stage makes the folder or
/// something in it, otherwise files of people without litter of other programs.
pub fn rules_of(graph: &Graph, path: &Path) -> Rules {
    if graph.is_made(path) {
        Rules::Output
    } else {
        Rules::Source
    }
}

/// Existing paths that match `pattern`, sorted, each as `pattern` would write
/// it; relative patterns start at `root`. Names that aren't UTF-8 never match.
///
/// # Errors
/// A folder cannot be listed.
pub fn matching(root: &Path, pattern: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let start = fixed_prefix(pattern);
    if root.join(&start).is_dir() {
        walk(root, &start, pattern, &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn walk(
    root: &Path,
    folder: &Path,
    pattern: &str,
    found: &mut Vec<PathBuf>,
) -> std::io::Result<()> {
    for entry in fs_err::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        let Some(text) = path.to_str() else { continue };
        if matches(pattern, text) {
            found.push(path);
        } else if entry.file_type()?.is_dir() && could_hold(pattern, text) {
            walk(root, &path, pattern, found)?;
        }
    }
    Ok(())
}

/// Returns whether something below the folder `path` could match, so that a pattern
/// with three parts never walks a tree of ten levels.
fn could_hold(pattern: &str, path: &str) -> bool {
    let n_parts = path.split('/').count();
    let head: Vec<&str> = pattern.split('/').take(n_parts).collect();
    head.contains(&"**") || (pattern.split('/').count() > n_parts && matches(&head.join("/"), path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_finds_existing_files() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["data/b/x.csv", "data/a/x.csv", "data/a/deep/x.csv", "y.csv"] {
            let path = folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "").unwrap();
        }
        let found = |pattern: &str| {
            let found = matching(folder.path(), pattern).unwrap().into_iter();
            found
                .map(|path| path.display().to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(found("data/*/x.csv"), ["data/a/x.csv", "data/b/x.csv"]);
        assert_eq!(
            found("data/**/x.csv"),
            ["data/a/deep/x.csv", "data/a/x.csv", "data/b/x.csv"]
        );
        assert_eq!(found("none/*"), [""; 0]);
    }
}
