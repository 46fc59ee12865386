//! Refused paths, found in the messages of a process.

use std::path::{Path, PathBuf};

use crate::Limits;
use crate::path::normal;

/// Messages of programs when the kernel refuses a file: of C and Python, of Rust and Node, and C's in other languages.
const REFUSALS: [&str; 14] = [
    "ermission denied",
    "os error 13",
    "EACCES",
    "Keine Berechtigung",
    "Permission non accordée",
    "Permiso denegado",
    "Permesso negato",
    "Permissão negada",
    "Отказано в доступе",
    "Відмовлено у доступі",
    "Brak dostępu",
    "Toegang geweigerd",
    "权限不够",
    "許可がありません",
];

/// The refusals that a process spoke of.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Denials {
    /// Refused paths, each once, in the order of the messages.
    pub paths: Vec<PathBuf>,
    /// True if another message of a refusal names no path that could be found.
    pub has_unnamed: bool,
}

/// Paths that `limits` refused to a process in `folder`, found in its output `lines`: paths in messages of refusals
/// that exist, or could exist.
///
/// Of paths in `folder`, that includes those that may be read and not written.
pub fn denied(
    lines: impl IntoIterator<Item = impl AsRef<str>>,
    folder: &Path,
    limits: &Limits,
) -> Denials {
    let mut denials = Denials::default();
    for line in lines {
        let line = line.as_ref();
        let Some(refusal) = { REFUSALS.iter() }.find_map(|refusal| line.find(refusal)) else {
            continue;
        };
        let named = named(line, refusal, folder);
        denials.has_unnamed |= named.is_empty();
        for path in named {
            let path = normal(&path);
            if !denials.paths.contains(&path) && is_refused(&path, folder, limits) {
                denials.paths.push(path);
            }
        }
    }
    denials
}

/// Returns whether `limits` can be the reason of a refusal.
fn is_refused(path: &Path, folder: &Path, limits: &Limits) -> bool {
    if path.starts_with(folder) {
        return !limits.allow_write(path);
    }
    // A link may lead to a refused path.
    let leads_to = fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    !limits.allow_read(&leads_to)
}

/// The paths that a line names which speaks of a refusal at the byte `refusal`.
fn named(line: &str, refusal: usize, folder: &Path) -> Vec<PathBuf> {
    // A name in quotes may hold blanks: only where there is none is the line cut at them.
    let is_there = |path: &PathBuf| path != folder && path.exists();
    let could_be = |path: &PathBuf| path != folder && path.parent().is_some_and(Path::is_dir);
    let quoted = quoted(line).map(|(text, is_inside)| (folder.join(text), is_inside));
    let quoted =
        quoted.filter(|(path, is_inside)| is_there(path) || (*is_inside && could_be(path)));
    let found: Vec<PathBuf> = quoted.map(|(path, _)| path).collect();
    if !found.is_empty() {
        return found;
    }
    let culprit = culprit(&line[..refusal]);
    // Any word could be a name in `folder` itself, so there it must exist, or stand where programs name the refused
    // path.
    let words = words(line).map(|word| (folder.join(word), Some(word) == culprit));
    let words = words.filter(|(path, is_culprit)| {
        let is_place = *is_culprit || path.parent() != Some(folder);
        is_there(path) || (is_place && could_be(path))
    });
    words.map(|(path, _)| path).collect()
}

/// The parts of a line between quotes, with whether each would stand inside of them. An apostrophe turns that around,
/// so all parts are given.
fn quoted(line: &str) -> impl Iterator<Item = (&str, bool)> {
    let parts = line.split(['\'', '"', '`', '‘', '’']).enumerate();
    let parts = parts.map(|(number, text)| (text, number % 2 == 1 && !text.contains(' ')));
    parts.filter(|(text, _)| !text.is_empty())
}

/// The word right before a refusal: `cat: NAME: Permission denied`. The line's first is the program's.
fn culprit(before: &str) -> Option<&str> {
    let before = before
        .trim_end_matches(|c: char| c != ':')
        .strip_suffix(':')?;
    let mut words = words(before);
    words.next()?;
    words.last()
}

/// Words between blanks, without the punctuation around them.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split_whitespace();
    let bare = words.map(|word| word.trim_matches(|c: char| "'\"`‘’:,;()".contains(c)));
    bare.filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_paths_are_found_in_messages_of_programs() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs_err::create_dir(root.join("data")).unwrap();
        for name in ["data/a.csv", "data/b c.csv", "train.py", "open"] {
            fs_err::write(root.join(name), "").unwrap();
        }
        let mut limits = Limits::default();
        limits.write(root.join("open"));
        let find = |line: &str| -> Vec<String> {
            let denials = denied([line], root, &limits);
            let paths = denials.paths.iter();
            let paths = paths.map(|path| path.strip_prefix(root).unwrap().display().to_string());
            paths.collect()
        };
        let absolute = |name: &str| root.join(name).display().to_string();
        for (line, path) in [
            (
                "cat: data/a.csv: Permission denied".to_owned(),
                "data/a.csv",
            ),
            (
                "sh: 1: ./data/../data/a.csv: Permission denied".to_owned(),
                "data/a.csv",
            ),
            (
                "PermissionError: [Errno 13] Permission denied: 'data/b c.csv'".to_owned(),
                "data/b c.csv",
            ),
            (
                format!(
                    "Error: failed to open file `{}`: Permission denied (os error 13)",
                    absolute("data/a.csv")
                ),
                "data/a.csv",
            ),
            (
                format!(
                    "python: can't open file '{}': [Errno 13] Permission denied",
                    absolute("train.py")
                ),
                "train.py",
            ),
            (
                "cat: data/a.csv: Keine Berechtigung".to_owned(),
                "data/a.csv",
            ),
            // A file that would have been made.
            (
                "sh: 1: cannot create data/new.csv: Permission denied".to_owned(),
                "data/new.csv",
            ),
            ("sh: line 1: new: Permission denied".to_owned(), "new"),
            (
                "mkdir: cannot create directory ‘new’: Permission denied".to_owned(),
                "new",
            ),
        ] {
            assert_eq!(find(&line), [path], "{line}");
        }
        // An allowed path, and a path outside of messages of refusals.
        assert_eq!(find("cat: open: Permission denied"), [""; 0]);
        assert_eq!(find("read data/a.csv"), [""; 0]);
    }

    #[test]
    fn a_refusal_may_name_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits::default();
        let denials = denied(
            ["Error: Permission denied (os error 13)"],
            folder.path(),
            &limits,
        );
        assert!(denials.paths.is_empty() && denials.has_unnamed);
    }

    #[test]
    fn an_input_is_refused_to_who_writes_it() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.csv");
        fs_err::write(&input, "").unwrap();
        let mut limits = Limits::default();
        limits.read(&input);
        let line = "sh: 1: cannot create in.csv: Permission denied";
        assert_eq!(denied([line], folder.path(), &limits).paths, [input]);
    }
}
