//! Paths as they are written in `pipeline.toml` and `params.toml`.

use std::path::{Component, Path, PathBuf};

/// `text` with the home folder in the place of a `~` at its start, or its fault.
pub(crate) fn expanded(root: &Path, text: &str) -> std::result::Result<String, String> {
    let Some(rest) = text.strip_prefix('~') else {
        return Ok(text.to_owned());
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        if root.join(text).exists() {
            return Ok(text.to_owned());
        }
        return Err("which names another user's home folder: write its path in full".to_owned());
    }
    match std::env::var("HOME") {
        Ok(home) if home.starts_with('/') => Ok(format!("{home}{rest}")),
        _ => Err("and there is no HOME in the environment: write the path in full".to_owned()),
    }
}

/// `text` without `.`, empty parts and those `..` that can be resolved; paths
/// into the workspace are made relative to its root.
pub fn normal(root: &Path, text: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in Path::new(text).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(path.components().next_back(), Some(Component::Normal(_))) =>
            {
                path.pop();
            }
            part => path.push(part),
        }
    }
    if path.is_relative() && root.is_absolute() {
        return path;
    }
    match path.strip_prefix(root) {
        Ok(inside) => inside.to_owned(),
        Err(_) => path,
    }
}

/// The path of an output.
///
/// # Errors
/// It leaves the workspace, or is the runner's; the clause is the reason.
pub fn output_path(text: &str) -> std::result::Result<PathBuf, &'static str> {
    let path = Path::new(text);
    if path.is_absolute() {
        return Err("is absolute, and outputs are inside the workspace");
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err("has `..`, and outputs are inside the workspace");
    }
    let path: PathBuf = path
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    let first = path.components().next();
    match first.and_then(|part| part.as_os_str().to_str()) {
        None => Err("is empty"),
        Some(".atelier" | ".git") => Err("is inside a folder that is not a stage's to write"),
        Some("pipeline.toml" | "params.toml" | "pipeline.lock" | "sources.lock") => {
            Err("is one of the runner's own files")
        }
        Some(_) => Ok(path),
    }
}
