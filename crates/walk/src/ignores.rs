//! Ignore files, with gitignore's rules.

use std::path::Path;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Name of a file whose lines are patterns with gitignore's rules, for the folder that it stands in and those below.
/// `!pattern` takes back what an earlier line, a file above or the list of litter leaves out.
pub const IGNORE_FILE: &str = ".atelierignore";

/// The patterns of a folder and of those above.
#[derive(Debug)]
pub(crate) struct Ignores {
    own: Gitignore,
    above: Option<Arc<Self>>,
}

impl Ignores {
    /// The patterns that hold in `folder`, which has an ignore file if `has_file`, with the faults of that file.
    pub(crate) fn of(
        folder: &Path,
        has_file: bool,
        above: Option<&Arc<Self>>,
    ) -> (Option<Arc<Self>>, Option<String>) {
        if !has_file {
            return (above.cloned(), None);
        }
        let mut builder = GitignoreBuilder::new(folder);
        let fault = builder.add(folder.join(IGNORE_FILE));
        let (own, other) = match builder.build() {
            Ok(own) => (own, None),
            Err(error) => (Gitignore::empty(), Some(error)),
        };
        let above = above.cloned();
        let fault = fault.or(other).map(|error| shown(&error));
        (Some(Arc::new(Self { own, above })), fault)
    }

    /// Returns whether `path` is ignored; none where no pattern matches. The last pattern of the nearest file decides.
    pub(crate) fn decide(&self, path: &Path, is_folder: bool) -> Option<bool> {
        match self.own.matched(path, is_folder) {
            Match::Ignore(_) => Some(true),
            Match::Whitelist(_) => Some(false),
            Match::None => self.above.as_ref()?.decide(path, is_folder),
        }
    }
}

/// The fault without the path of the file.
fn shown(error: &ignore::Error) -> String {
    match error {
        ignore::Error::Partial(errors) => {
            let errors: Vec<String> = errors.iter().map(shown).collect();
            errors.join("; ")
        }
        ignore::Error::WithPath { err, .. } | ignore::Error::WithDepth { err, .. } => shown(err),
        ignore::Error::WithLineNumber { line, err } => format!("line {line}: {}", shown(err)),
        ignore::Error::Io(error) => error.kind().to_string(),
        other => other.to_string(),
    }
}
