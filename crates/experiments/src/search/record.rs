//! The record of a search's trials.

use std::path::{Path, PathBuf};

use ::search::{State, Trial};

use super::declaration::SearchFile;
use crate::error::{Error, Result};

/// The record's file.
#[must_use]
pub fn path(search: &SearchFile) -> PathBuf {
    search.folder().join("trials.json")
}

/// The trials of a run with fewer trials than the record.
fn unfinished(search: &SearchFile) -> PathBuf {
    search.folder().join("trials.unfinished.json")
}

/// Removes the trials of a run with fewer trials than the record.
///
/// # Errors
/// They cannot be removed.
pub fn begin(search: &SearchFile) -> Result<()> {
    let unfinished = unfinished(search);
    if unfinished.exists() {
        fs_err::remove_file(unfinished)?;
    }
    Ok(())
}

/// Writes the trials of a run in one step. A record that has more trials stays as it is, and those of the run stand beside
/// it, until the run has as many. Other trials that are then replaced stay in a numbered file.
///
/// # Errors
/// The record cannot be read or written.
pub fn save(search: &SearchFile, trials: &[Trial], is_whole: bool) -> Result<()> {
    fs_err::create_dir_all(search.folder())?;
    let before = read(search)?.unwrap_or_default();
    let (path, unfinished) = (path(search), unfinished(search));
    if trials.len() < before.len() {
        if before.starts_with(trials) {
            return Ok(());
        }
        if !is_whole {
            return write(&unfinished, trials);
        }
    }
    if !trials.starts_with(&before) {
        fs_err::rename(&path, free(search))?;
    }
    write(&path, trials)?;
    begin(search)
}

/// `trials.1.json`, `trials.2.json`, …: the first that isn't there.
fn free(search: &SearchFile) -> PathBuf {
    let mut names = (1..).map(|number| search.folder().join(format!("trials.{number}.json")));
    let free = names.find(|path| !path.exists());
    free.unwrap_or_default()
}

fn write(path: &Path, trials: &[Trial]) -> Result<()> {
    Ok(store::write_whole(
        path,
        &serde_json::to_vec_pretty(trials)?,
    )?)
}

/// The record; none where the search never ran.
///
/// # Errors
/// It cannot be read.
pub fn read(search: &SearchFile) -> Result<Option<Vec<Trial>>> {
    read_file(&path(search))
}

/// The trials of a run with fewer trials than the record.
///
/// # Errors
/// They cannot be read.
pub fn read_unfinished(search: &SearchFile) -> Result<Option<Vec<Trial>>> {
    read_file(&unfinished(search))
}

fn read_file(path: &Path) -> Result<Option<Vec<Trial>>> {
    if !path.is_file() {
        return Ok(None);
    }
    match serde_json::from_slice(&fs_err::read(path)?) {
        Ok(trials) => Ok(Some(trials)),
        Err(source) => Err(Error::Trials {
            path: path.to_owned(),
            source,
        }),
    }
}

/// The record of a search that ran.
///
/// # Errors
/// It never ran, or the record cannot be read.
pub fn load(search: &SearchFile) -> Result<Vec<Trial>> {
    read(search)?.ok_or_else(|| Error::NeverRan(search.name.clone()))
}

/// The complete trial of the highest score, of equals the first.
#[must_use]
pub fn best(trials: &[Trial]) -> Option<usize> {
    let complete =
        |&idx: &usize| trials[idx].state == State::Complete && trials[idx].score.is_some();
    let score = |idx: usize| trials[idx].score.unwrap_or(f64::NEG_INFINITY);
    let numbers = (0..trials.len()).rev().filter(complete);
    numbers.max_by(|&a, &b| score(a).total_cmp(&score(b)))
}

#[cfg(test)]
mod tests {
    use ::search::{Assignment, Value};

    use super::*;

    const DECLARATION: &str = "\
score = \"grade.x\"
trials = 3
method = \"random\"
[space]
\"train.lr\" = { float = [0.001, 0.1] }
";

    fn trials(scores: &[f64]) -> Vec<Trial> {
        let trials = scores.iter().map(|&score| {
            let lr = ("train.lr".to_owned(), Value::Float(score));
            Trial::complete(Assignment::from([lr]), score)
        });
        trials.collect()
    }

    #[test]
    fn the_best_is_the_first_of_the_highest() {
        let mut trials = trials(&[0.5, 0.9, 0.7, 0.7]);
        trials[1].state = State::Pruned;
        assert_eq!(best(&trials), Some(2));
        assert_eq!(best(&trials[1..2]), None);
    }

    #[test]
    fn a_record_is_never_replaced_by_fewer_trials() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs_err::create_dir(root.join("searches")).unwrap();
        fs_err::write(root.join("searches/lr.toml"), DECLARATION).unwrap();
        let search = SearchFile::load(root, "lr").unwrap();
        let error = load(&search).unwrap_err().to_string();
        assert_eq!(error, "search `lr` never ran: try `atelier search run lr`");
        let (old, new) = (trials(&[0.1, 0.2]), trials(&[0.3, 0.4]));
        save(&search, &old, true).unwrap();
        // Another run has come to its first trial, then to its second.
        begin(&search).unwrap();
        save(&search, &new[..1], false).unwrap();
        assert_eq!(load(&search).unwrap(), old);
        assert_eq!(read_unfinished(&search).unwrap().unwrap(), new[..1]);
        save(&search, &new, false).unwrap();
        assert_eq!(load(&search).unwrap(), new);
        assert!(read_unfinished(&search).unwrap().is_none());
        let kept = search.folder().join("trials.1.json");
        assert_eq!(read_file(&kept).unwrap().unwrap(), old);
    }
}
