//! What a process was kept from, as it said itself.

use std::path::{Path, PathBuf};

use crate::Limits;

/// What programs say when the kernel refuses a file: C's and Python's words, and those of Rust and Node.
const REFUSALS: [&str; 3] = ["permission denied", "os error 13", "eacces"];

/// The paths outside of `limits` that a process in `folder` was refused, by what it wrote to `log`: those in lines that
/// speak of a refusal and name something that exists, or whose folder does. Each once, in the order of the log.
#[must_use]
pub fn denied(log: &str, folder: &Path, limits: &Limits) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for line in log.lines().filter(|line| speaks_of_refusal(line)) {
        let places = |words: Vec<&str>| -> Vec<PathBuf> {
            let paths = words.into_iter().map(|word| folder.join(word));
            paths.filter(|path| is_place(path, folder)).collect()
        };
        // A name in quotes may hold blanks: only where there is none is the line cut at them.
        let mut named = places(quoted(line));
        if named.is_empty() {
            named = places(words(line));
        }
        for path in named.into_iter().filter(|path| !limits.allow(path)) {
            if !found.contains(&path) {
                found.push(path);
            }
        }
    }
    found
}

fn speaks_of_refusal(line: &str) -> bool {
    let line = line.to_lowercase();
    REFUSALS.iter().any(|refusal| line.contains(refusal))
}

/// Whether something is or could be there. Any word could be a name in `folder` itself, so there it must exist.
fn is_place(path: &Path, folder: &Path) -> bool {
    let above = path.parent();
    path != folder && (path.exists() || (above != Some(folder) && above.is_some_and(Path::is_dir)))
}

/// What stands in quotes.
fn quoted(line: &str) -> Vec<&str> {
    let parts = line.split(['\'', '"', '`', '‘', '’']);
    let inside = parts.skip(1).step_by(2);
    inside.filter(|text| !text.is_empty()).collect()
}

/// What stands between blanks, without the punctuation around it.
fn words(line: &str) -> Vec<&str> {
    let words = line.split_whitespace();
    let bare = words.map(|word| word.trim_matches(|c: char| "'\"`‘’:,;()".contains(c)));
    bare.filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_in_what_programs_say() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs_err::create_dir(root.join("data")).unwrap();
        for name in ["data/a.csv", "data/b c.csv", "open"] {
            fs_err::write(root.join(name), "").unwrap();
        }
        let mut limits = Limits::default();
        limits.read(root.join("open"));
        let find = |log: &str| -> Vec<PathBuf> {
            let found = denied(log, root, &limits);
            found
                .iter()
                .map(|path| path.strip_prefix(root).unwrap().to_owned())
                .collect()
        };
        assert_eq!(
            find("cat: data/a.csv: Permission denied"),
            [Path::new("data/a.csv")]
        );
        assert_eq!(
            find("PermissionError: [Errno 13] Permission denied: 'data/b c.csv'"),
            [Path::new("data/b c.csv")]
        );
        let absolute = root.join("data/a.csv");
        assert_eq!(
            find(&format!(
                "Error: failed to open file `{}`: Permission denied (os error 13)",
                absolute.display()
            )),
            [Path::new("data/a.csv")]
        );
        // What would have been made, what is open, and what no refusal speaks of.
        assert_eq!(
            find("sh: 1: cannot create data/new.csv: Permission denied"),
            [Path::new("data/new.csv")]
        );
        assert!(find("cat: open: Permission denied").is_empty());
        assert!(find("read data/a.csv").is_empty());
    }
}
