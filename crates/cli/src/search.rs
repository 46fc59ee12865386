//! Searches: running, listing and applying them.

use std::fmt::Write as _;
use std::path::Path;

use ::experiments::search::declaration::{self, SearchFile};
use ::experiments::search::run::SearchRun;
use ::experiments::search::{apply, page, record};
use ::search::{Assignment, State, Trial};
use anyhow::bail;
use runner::Sandbox;
use runner::program_name::PROGRAM;
use runner::workspace::{Access, Workspace};
use workflow::params::Overrides;

use crate::arguments::search::Search;
use crate::workspace::root;
use crate::{print, progress};

pub(crate) fn run(command: Search) -> anyhow::Result<()> {
    let root = root()?;
    match command {
        Search::Run {
            name,
            params,
            confine,
            quiet,
        } => {
            let search = SearchFile::load(&root, &name)?;
            run_all(&search, params.overrides(), confine.sandbox(), quiet)
        }
        Search::Show { name, html, json } => show(&SearchFile::load(&root, &name)?, html, json),
        Search::Apply { name, trial } => {
            let search = SearchFile::load(&root, &name)?;
            let (file, written) = apply::apply(&search, trial)?;
            print::text(&format!("{}: {}\n", file.display(), settings(&written)))
        }
        Search::List => list(&root),
    }
}

/// Fails with the command that stands for `study` and these arguments.
pub(crate) fn renamed(arguments: &[String]) -> anyhow::Result<()> {
    let arguments = arguments.iter().map(|argument| format!(" {argument}"));
    let arguments: String = arguments.collect();
    bail!("`study` is called `search` now: try `{PROGRAM} search{arguments}`")
}

/// Carries out all trials.
fn run_all(
    search: &SearchFile,
    overrides: Overrides,
    sandbox: Sandbox,
    quiet: bool,
) -> anyhow::Result<()> {
    let mut search_run = SearchRun::begin(search, overrides, sandbox)?;
    while let Some(params) = search_run.next()? {
        if !quiet {
            let number = search_run.trials().len();
            print::text(&format!("trial {number}  {}\n", settings(&params)))?;
        }
        let tried = search_run.run(params, &mut progress::shown(quiet))?;
        if let Some(fault) = &tried.fault {
            print::error(&fault.to_string());
        }
        if !quiet {
            print::text(&format!("  {}\n", ending(&tried.trial)))?;
        }
    }
    search_run.finish()?;
    if !quiet {
        print::text(&table(search_run.trials()))?;
    }
    let root = search.root.clone();
    let mut workspace = Workspace::open(root, search_run.overrides(), Access::Write)?;
    if page::has_program(&mut workspace)? {
        publish(search, &mut workspace, sandbox)?;
    }
    Ok(())
}

fn publish(search: &SearchFile, workspace: &mut Workspace, sandbox: Sandbox) -> anyhow::Result<()> {
    let page = page::publish(search, workspace, sandbox)?;
    print::text(&format!("page: {}\n", page.display()))
}

fn show(search: &SearchFile, html: bool, json: bool) -> anyhow::Result<()> {
    let trials = record::load(search)?;
    if json {
        return print::json(&trials);
    }
    print::text(&table(&trials))?;
    if let Some(trials) = record::read_unfinished(search)? {
        print::text(&format!(
            "a later run has {} trials so far, and replaces these once it has as many\n",
            trials.len()
        ))?;
    }
    if html {
        let root = search.root.clone();
        let mut workspace = Workspace::open(root, &Overrides::default(), Access::Write)?;
        publish(search, &mut workspace, Sandbox::default())?;
    }
    Ok(())
}

/// The searches, with their numbers of trials.
fn list(root: &Path) -> anyhow::Result<()> {
    let names = declaration::names(root)?;
    if names.is_empty() {
        return print::text("there is no search: declare one in searches/NAME.toml\n");
    }
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0);
    for name in names {
        let search = SearchFile::load(root, &name)?;
        let trials = record::read(&search)?.unwrap_or_default();
        let best = record::best(&trials).and_then(|best| trials[best].score);
        let best = best.map_or_else(String::new, |best| format!(", best {best:.4}"));
        let n_trials = search.declaration.trials;
        print::text(&format!(
            "{name:width$}  {} of {n_trials} trials{best}\n",
            trials.len()
        ))?;
    }
    Ok(())
}

/// The names of all searches.
pub(crate) fn names() -> anyhow::Result<Vec<String>> {
    Ok(declaration::names(&root()?)?)
}

/// `model.resnet 18, train.lr 0.0003`.
fn settings(params: &Assignment) -> String {
    let texts = params.iter().map(|(key, value)| format!("{key} {value}"));
    texts.collect::<Vec<_>>().join(", ")
}

/// `complete, 0.8125`.
fn ending(trial: &Trial) -> String {
    match trial.score {
        Some(score) => format!("{}, {score:.4}", trial.state.name()),
        None => trial.state.name().to_owned(),
    }
}

/// A line for each trial; the best has a star. Then mean and standard deviation of the complete trials' scores.
fn table(trials: &[Trial]) -> String {
    let best = record::best(trials);
    let mut text = String::new();
    for (number, trial) in trials.iter().enumerate() {
        let star = if best == Some(number) { '*' } else { ' ' };
        let ending = ending(trial);
        let settings = settings(&trial.params);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{star} {number:>3}  {ending:16}  {settings}");
    }
    text.push_str(&spread(trials));
    text
}

/// `2 complete trials: mean 0.5000, standard deviation 0.0100`, with divisor `n - 1`; nothing for fewer than two.
fn spread(trials: &[Trial]) -> String {
    let complete = { trials.iter() }.filter(|trial| trial.state == State::Complete);
    let scores: Vec<f64> = complete.filter_map(|trial| trial.score).collect();
    if scores.len() < 2 {
        return String::new();
    }
    let n = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
    let deviation = (squares / (n - 1.0)).sqrt();
    let n = scores.len();
    format!("{n} complete trials: mean {mean:.4}, standard deviation {deviation:.4}\n")
}

#[cfg(test)]
mod tests {
    use ::search::Value;

    use super::*;

    #[test]
    fn the_best_has_a_star() {
        let params = |lr: f64| Assignment::from([("train.lr".to_owned(), Value::Float(lr))]);
        let trials = [
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
2 complete trials: mean 0.5000, standard deviation 0.0000
";
        assert_eq!(table(&trials), expected);
    }

    #[test]
    fn the_spread_is_that_of_a_sample() {
        let params = || Assignment::from([("train.repeat".to_owned(), Value::Int(1))]);
        let trials: Vec<Trial> = [0.7, 0.8, 0.9]
            .map(|score| Trial::complete(params(), score))
            .into();
        assert_eq!(
            spread(&trials),
            "3 complete trials: mean 0.8000, standard deviation 0.1000\n"
        );
        assert_eq!(spread(&trials[..1]), "");
    }
}
