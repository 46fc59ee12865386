//! States beside the current one, such as experiments: their folders, their locks, the keys that they have had.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use keys::lock::Lock;
use store::Digest;

use crate::FOLDER;
use crate::error::{Error, Result};

/// The keys of results that a state beside the current one has had, in its folder.
const KEYS: &str = "keys";

/// The folders of states beside the current one, in the runner's own.
const BESIDE: [&str; 2] = ["experiments", SEARCHES];

/// The folder of states of searches, in the runner's own.
pub const SEARCHES: &str = "searches";

/// The former name of [`SEARCHES`].
pub const FORMER_SEARCHES: &str = "studies";

/// The results of a state of the workspace.
#[derive(Debug, Clone)]
pub struct StateResults {
    /// The last result of each instance.
    pub lock: Lock,
    /// Folder of outputs that aren't cached; none for a state whose files are gone.
    pub folder: Option<PathBuf>,
}

impl StateResults {
    /// Reads those of the state `name` beside the current one of the workspace at `root`.
    ///
    /// # Errors
    /// Its lock cannot be read.
    pub fn load(root: &Path, name: &Path) -> Result<Self> {
        let folder = root.join(FOLDER).join(name);
        let lock = Lock::load(&folder);
        Ok(StateResults {
            lock: lock.map_err(|fault| Error::State {
                name: name.to_owned(),
                fault: Box::new(fault),
            })?,
            folder: Some(folder),
        })
    }
}

/// Fails if the folder of states of searches has its former name. These states would be neither continued nor kept.
///
/// # Errors
/// It has.
pub fn check_names(root: &Path) -> Result<()> {
    if root.join(FOLDER).join(FORMER_SEARCHES).exists() {
        return Err(Error::FormerFolder {
            former: format!("{FOLDER}/{FORMER_SEARCHES}"),
            folder: format!("{FOLDER}/{SEARCHES}"),
        });
    }
    Ok(())
}

/// The folders of all states beside the current one of the workspace at `root`.
pub(crate) fn folders(root: &Path) -> Result<Vec<PathBuf>> {
    check_names(root)?;
    let mut folders = Vec::new();
    for kind in BESIDE {
        let kind = root.join(FOLDER).join(kind);
        if kind.is_dir() {
            for entry in fs_err::read_dir(kind)? {
                folders.push(entry?.path());
            }
        }
    }
    Ok(folders)
}

/// The keys that the state in `folder` has had.
pub(crate) fn keys(folder: &Path) -> Result<BTreeSet<Digest>> {
    let keys = folder.join(KEYS);
    if !keys.exists() {
        return Ok(BTreeSet::new());
    }
    let text = fs_err::read_to_string(keys)?;
    Ok(text.lines().filter_map(|key| key.parse().ok()).collect())
}

/// Notes a key of the state in `folder`, whose lock has the last of them alone.
///
/// # Errors
/// The file of keys cannot be written.
pub fn note_key(folder: &Path, key: &Digest) -> Result<()> {
    let path = folder.join(KEYS);
    let known = fs_err::read_to_string(&path).unwrap_or_default();
    let key = key.to_string();
    if known.lines().any(|known| known == key) {
        return Ok(());
    }
    let mut options = fs_err::OpenOptions::new();
    let mut file = options.append(true).create(true).open(path)?;
    Ok(writeln!(file, "{key}")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_remembers_each_of_its_keys_once() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(FOLDER).join("experiments/wide");
        fs_err::create_dir_all(&folder).unwrap();
        assert_eq!(folders(root.path()).unwrap(), std::slice::from_ref(&folder));
        assert!(keys(&folder).unwrap().is_empty());
        let [a, b] = [b"a", b"b"].map(|text| Digest::of_bytes(text));
        for key in [&a, &b, &a] {
            note_key(&folder, key).unwrap();
        }
        assert_eq!(keys(&folder).unwrap(), BTreeSet::from([a, b]));
        let text = fs_err::read_to_string(folder.join(KEYS)).unwrap();
        assert_eq!(text, format!("{a}\n{b}\n"));
    }

    #[test]
    fn states_under_a_former_name_are_no_garbage() {
        let root = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(root.path().join(FOLDER).join("studies/depth")).unwrap();
        let error = folders(root.path()).unwrap_err().to_string();
        assert_eq!(
            error,
            "`.atelier/studies` is called `.atelier/searches` now: rename it by `mv .atelier/studies .atelier/searches`"
        );
    }

    #[test]
    fn a_state_without_results_is_empty() {
        let root = tempfile::tempdir().unwrap();
        let results = StateResults::load(root.path(), Path::new("experiments/new")).unwrap();
        assert_eq!(results.lock, Lock::default());
        let folder = root.path().join(".atelier/experiments/new");
        assert_eq!(results.folder, Some(folder));
    }
}
