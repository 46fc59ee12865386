//! Refused paths of a stage, with advice.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sandbox::{Denials, Limits};
use serde_json::Value;
use workflow::instance::Instance;

use crate::limits::words;

/// Folders in which programs make temporary files without a look at `TMPDIR`.
const TEMPORARY: [&str; 3] = ["/tmp", "/var/tmp", "/private/tmp"];

/// A stage that ran within limits.
pub(crate) struct RefusalContext<'a> {
    pub(crate) instance: &'a Instance,
    pub(crate) root: &'a Path,
    pub(crate) limits: &'a Limits,
    /// Outputs that it writes in their final places: names and paths.
    pub(crate) in_place: Vec<(&'a str, PathBuf)>,
}

/// Refused paths of a stage.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// Paths that it doesn't declare.
    undeclared: Vec<PathBuf>,
    /// Notes on the others, a line each.
    notes: Vec<String>,
}

impl RefusalContext<'_> {
    /// Refused paths, found in the lines of its log.
    pub(crate) fn refusals(&self, lines: impl Iterator<Item = String>) -> Refusals {
        self.sort(sandbox::denied(lines, self.root, self.limits))
    }

    /// The same for a stage that failed. If its log names no refused path, the words of its command are looked through.
    pub(crate) fn refusals_of_failed(&self, lines: impl Iterator<Item = String>) -> Refusals {
        let denials = sandbox::denied(lines, self.root, self.limits);
        let has_unnamed = denials.has_unnamed;
        let mut refusals = self.sort(denials);
        if refusals.is_empty() {
            refusals.undeclared = self.named_in_command();
        }
        if refusals.is_empty() && has_unnamed {
            let note = "it was refused something that it does not name: with `--no-sandbox`, it reaches everything";
            refusals.notes.push(note.into());
        }
        refusals
    }

    fn sort(&self, denials: Denials) -> Refusals {
        let mut refusals = Refusals::default();
        for path in denials.paths {
            match self.note(&path) {
                Some(note) => refusals.notes.push(note),
                None => refusals.undeclared.push(path),
            }
        }
        refusals
    }

    /// Note on a refused path that needs no declaration.
    fn note(&self, path: &Path) -> Option<String> {
        let shown = shown(path, self.root);
        let mut in_place = self.in_place.iter();
        if let Some((name, _)) = in_place.find(|(_, output)| path.starts_with(output)) {
            return Some(format!(
                "what it writes to `{shown}` it cannot read there: let its command write to `${{out.{name}}}`"
            ));
        }
        if self.limits.allow_read(path) && path.starts_with(self.root) {
            return Some(format!(
                "`{shown}` is an input, which it may read and not write"
            ));
        }
        let mut temporary = TEMPORARY.iter();
        let is_temporary = temporary.any(|folder| path.starts_with(folder));
        (is_temporary && !path.starts_with(self.root) && !path.exists())
            .then(|| format!("`{shown}` is refused: temporary files go to `$TMPDIR`"))
    }

    /// The names of the stage's inputs and outputs.
    fn names(&self) -> BTreeSet<String> {
        let names = self.instance.inputs.keys();
        names.chain(self.instance.outputs.keys()).cloned().collect()
    }

    /// Existing paths among the words of the stage's command that aren't declared.
    fn named_in_command(&self) -> Vec<PathBuf> {
        let paths = words(&self.instance.action).map(|word| self.root.join(word));
        let mut found: Vec<PathBuf> = Vec::new();
        for path in paths.filter(|path| path != self.root && path.starts_with(self.root)) {
            if path.exists() && !self.limits.allow_read(&path) && !found.contains(&path) {
                found.push(path);
            }
        }
        found
    }
}

impl Refusals {
    pub(crate) fn is_empty(&self) -> bool {
        self.undeclared.is_empty() && self.notes.is_empty()
    }

    /// Returns whether all refused paths are settings and caches of the user, which programs do without.
    pub(crate) fn are_harmless(&self) -> bool {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let is_hidden = |path: &PathBuf| {
            let below = home.as_ref().and_then(|home| path.strip_prefix(home).ok());
            below.is_some_and(|below| below.to_string_lossy().starts_with('.'))
        };
        self.notes.is_empty() && self.undeclared.iter().all(is_hidden)
    }

    /// Refused paths, and the lines to add to `pipeline.toml`.
    pub(crate) fn advice(&self, context: &RefusalContext) -> String {
        // A read of a missing file is no refusal: the absent ones were to be made.
        let (there, absent): (Vec<&Path>, Vec<&Path>) = { self.undeclared.iter() }
            .map(PathBuf::as_path)
            .partition(|path| path.exists());
        let (made, outside): (Vec<&Path>, Vec<&Path>) =
            { absent.into_iter() }.partition(|path| path.starts_with(context.root));
        let stage = &context.instance.stage;
        let add = "the sandbox kept it from what it does not declare: add what it";
        let or = "or say `sandbox = false` there";
        let mut names = context.names();
        let mut lines = Vec::new();
        if !there.is_empty() {
            lines.push(format!(
                "{add} reads to `in` of [stage.{stage}] in pipeline.toml and what it writes to `out`, {or}"
            ));
            lines.extend(entries(&there, context.root, &mut names));
        }
        if !made.is_empty() {
            lines.push(format!(
                "{add} makes to `out` of [stage.{stage}] in pipeline.toml, {or}"
            ));
            lines.extend(entries(&made, context.root, &mut names));
        }
        for path in outside {
            let path = path.display();
            lines.push(format!(
                "in the sandbox, `{path}` cannot be made: outputs lie in the workspace"
            ));
        }
        let notes = self.notes.iter();
        lines.extend(notes.map(|note| format!("in the sandbox, {note}")));
        lines.join("\n")
    }
}

/// The entries that declare `paths`, under names that aren't in `names` yet.
fn entries(paths: &[&Path], root: &Path, names: &mut BTreeSet<String>) -> Vec<String> {
    let entry = |path: &&Path| {
        let value = Value::from(shown(path, root));
        format!("  {} = {value}", new_name(path, names))
    };
    paths.iter().map(entry).collect()
}

/// A name after a path's file, with a number where that is taken.
fn new_name(path: &Path, names: &mut BTreeSet<String>) -> String {
    let name = name(path);
    let mut new = name.clone();
    let mut number = 1;
    while !names.insert(new.clone()) {
        number += 1;
        new = format!("{name}_{number}");
    }
    new
}

/// A path as `pipeline.toml` would have it.
fn shown(path: &Path, root: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.display().to_string()
}

/// A plain name, after a path's file.
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
