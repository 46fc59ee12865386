//! The record of a study's trials, and how it is shown.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use search::{Assignment, State, Trial};

use super::declaration::Study;

/// The record's file.
pub(crate) fn path(study: &Study) -> PathBuf {
    study.folder().join("trials.json")
}

/// The trials of a run whose record holds more than it has come to.
fn unfinished(study: &Study) -> PathBuf {
    study.folder().join("trials.unfinished.json")
}

/// Forgets the trials of a run that didn't come to as many as the record holds.
pub(crate) fn begin(study: &Study) -> anyhow::Result<()> {
    let unfinished = unfinished(study);
    if unfinished.exists() {
        fs_err::remove_file(unfinished)?;
    }
    Ok(())
}

/// Writes the trials of a run in one step. A record that has more trials stays as it is, and those of the run stand beside
/// it, until the run has as many; what then replaces other trials leaves these in a numbered file.
///
/// # Errors
/// The record cannot be read or written.
pub(crate) fn save(study: &Study, trials: &[Trial], is_whole: bool) -> anyhow::Result<()> {
    fs_err::create_dir_all(study.folder())?;
    let before = read(study)?.unwrap_or_default();
    let (path, unfinished) = (path(study), unfinished(study));
    if trials.len() < before.len() {
        if before.starts_with(trials) {
            return Ok(());
        }
        if !is_whole {
            return write(&unfinished, trials);
        }
    }
    if !trials.starts_with(&before) {
        fs_err::rename(&path, free(study))?;
    }
    write(&path, trials)?;
    begin(study)
}

/// `trials.1.json`, `trials.2.json`, …: the first that isn't there.
fn free(study: &Study) -> PathBuf {
    let mut names = (1..).map(|number| study.folder().join(format!("trials.{number}.json")));
    let free = names.find(|path| !path.exists());
    free.unwrap_or_default()
}

fn write(path: &Path, trials: &[Trial]) -> anyhow::Result<()> {
    let aside = path.with_extension("part");
    fs_err::write(&aside, serde_json::to_vec_pretty(trials)?)?;
    Ok(fs_err::rename(aside, path)?)
}

/// The record; none where the study never ran.
pub(crate) fn read(study: &Study) -> anyhow::Result<Option<Vec<Trial>>> {
    read_file(&path(study))
}

/// The trials of a run that has come to fewer than the record holds.
pub(crate) fn read_unfinished(study: &Study) -> anyhow::Result<Option<Vec<Trial>>> {
    read_file(&unfinished(study))
}

fn read_file(path: &Path) -> anyhow::Result<Option<Vec<Trial>>> {
    if !path.is_file() {
        return Ok(None);
    }
    let trials = serde_json::from_slice(&fs_err::read(path)?);
    let trials = trials.with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(Some(trials))
}

/// The record of a study that ran.
pub(crate) fn load(study: &Study) -> anyhow::Result<Vec<Trial>> {
    let name = &study.name;
    read(study)?
        .with_context(|| format!("study `{name}` never ran: try `cargo xtask study run {name}`"))
}

/// The complete trial of the highest score, of equals the first.
pub(crate) fn best(told: &[Trial]) -> Option<usize> {
    let complete = |&idx: &usize| told[idx].state == State::Complete && told[idx].score.is_some();
    let score = |idx: usize| told[idx].score.unwrap_or(f64::NEG_INFINITY);
    let numbers = (0..told.len()).rev().filter(complete);
    numbers.max_by(|&a, &b| score(a).total_cmp(&score(b)))
}

/// `model.resnet 18, train.lr 0.0003`.
pub(crate) fn settings(params: &Assignment) -> String {
    let texts = params.iter().map(|(key, value)| format!("{key} {value}"));
    texts.collect::<Vec<_>>().join(", ")
}

/// `complete, 0.8125`.
pub(crate) fn ending(trial: &Trial) -> String {
    match trial.score {
        Some(score) => format!("{}, {score:.4}", trial.state.name()),
        None => trial.state.name().to_owned(),
    }
}

/// A line for each trial; the best has a star.
pub(crate) fn table(told: &[Trial]) -> String {
    let best = best(told);
    let mut text = String::new();
    for (number, trial) in told.iter().enumerate() {
        let star = if best == Some(number) { '*' } else { ' ' };
        let ending = ending(trial);
        let settings = settings(&trial.params);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{star} {number:>3}  {ending:16}  {settings}");
    }
    text
}

#[cfg(test)]
mod tests {
    use search::Value;

    use super::*;

    #[test]
    fn the_best_has_a_star() {
        let params = |lr: f64| Assignment::from([("train.lr".to_owned(), Value::Float(lr))]);
        let told = [
            Trial::complete(params(0.1), 0.5),
            Trial {
                state: State::Pruned,
                ..Trial::complete(params(0.2), 0.9)
            },
            Trial::complete(params(0.3), 0.5),
        ];
        let expected = "\
*   0  complete, 0.5000  train.lr 0.1
    1  pruned, 0.9000    train.lr 0.2
    2  complete, 0.5000  train.lr 0.3
";
        assert_eq!(table(&told), expected);
    }
}
