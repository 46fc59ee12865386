//! Files and folders that match a pattern.

use std::path::{Path, PathBuf};

use workflow::glob::{fixed_prefix, matches};

/// Existing paths that match `pattern`, sorted, each as `pattern` would write
/// it; relative patterns start at `root`. Names that aren't UTF-8 never match.
///
/// # Errors
/// A folder cannot be listed.
pub(crate) fn matching(root: &Path, pattern: &str) -> std::io::Result<Vec<PathBuf>> {
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

/// Whether something below the folder `path` could match, so that a pattern
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
    fn a_pattern_finds_what_is_there() {
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
