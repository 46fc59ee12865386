//! What a stage may reach in a sandbox: what it declares, and what every program needs.

use std::path::{Path, PathBuf};

use confine::Limits;

/// What a stage declares, as absolute paths.
pub(crate) struct Declared<'a> {
    /// Its program.
    pub(crate) program: &'a Path,
    /// Files and folders that it reads.
    pub(crate) inputs: Vec<PathBuf>,
    /// The folder that it works and writes in.
    pub(crate) work: &'a Path,
    /// Outputs that it writes in their final places.
    pub(crate) in_place: Vec<PathBuf>,
}

impl Declared<'_> {
    /// The limits. An output in its final place opens its folder: one that doesn't exist yet can't be opened itself.
    pub(crate) fn limits(self) -> Limits {
        let mut limits = Limits::system();
        limits.read(self.program);
        self.inputs.into_iter().for_each(|path| limits.read(path));
        limits.write(self.work);
        for path in &self.in_place {
            path.parent()
                .into_iter()
                .for_each(|folder| limits.write(folder));
        }
        limits
    }
}

/// What to add to `pipeline.toml` so that `stage` may reach what it was refused by `limits`, going by its `log`; none if
/// it was refused nothing.
pub(crate) fn advice(stage: &str, log: &str, root: &Path, limits: &Limits) -> Option<String> {
    let stage = stage.split('@').next().unwrap_or(stage);
    let denied = confine::denied(log, root, limits);
    let lines: Vec<String> = denied
        .iter()
        .map(|path| {
            let path = path.strip_prefix(root).unwrap_or(path);
            format!("  {} = \"{}\"", name(path), path.display())
        })
        .collect();
    if lines.is_empty() {
        return None;
    }
    let lines = lines.join("\n");
    Some(format!(
        "the sandbox kept it from what it does not declare; if it reads this, add to `in` of [stage.{stage}] in pipeline.toml, \
         if it writes it, to `out`:\n{lines}"
    ))
}

/// A name for an input, after its file.
fn name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    stem.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_to_add_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join("data")).unwrap();
        fs_err::write(folder.path().join("data/Big table.csv"), "").unwrap();
        let log = "Error: cannot open `data/Big table.csv`: Permission denied (os error 13)\n";
        let advice = advice("train@2", log, folder.path(), &Limits::default()).unwrap();
        assert!(advice.contains("`in` of [stage.train]"), "{advice}");
        assert!(
            advice.ends_with("\n  big_table = \"data/Big table.csv\""),
            "{advice}"
        );
        assert_eq!(
            super::advice("train@2", "all is well", folder.path(), &Limits::default()),
            None
        );
    }
}
