//! The record of a study's trials, and how it is shown.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context;
use search::{Assignment, State, Trial};

use super::declared::Study;

/// The record's file.
pub(crate) fn path(study: &Study) -> PathBuf {
    study.folder().join("trials.json")
}

/// Writes the record in one step.
pub(crate) fn save(study: &Study, told: &[Trial]) -> anyhow::Result<()> {
    let path = path(study);
    fs_err::create_dir_all(study.folder())?;
    let aside = path.with_extension("part");
    fs_err::write(&aside, serde_json::to_vec_pretty(told)?)?;
    Ok(fs_err::rename(aside, path)?)
}

/// The record; none where the study never ran.
pub(crate) fn read(study: &Study) -> anyhow::Result<Option<Vec<Trial>>> {
    let path = path(study);
    if !path.is_file() {
        return Ok(None);
    }
    let trials = serde_json::from_slice(&fs_err::read(&path)?);
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
