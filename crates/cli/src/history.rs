//! History of runs, and provenance of files.

use std::fmt::Write as _;
use std::path::Path;

use ::experiments::experiment::record::{self, Experiment};
use ::experiments::state;
use anyhow::bail;
use keys::reason::listed;
use ledger::FOLDER;
use ledger::provenance::{Input, Origin, ProducedBy, State};
use ledger::runs::Run;
use runner::workspace::{Access, Workspace};
use workflow::graph::Reach;

use crate::arguments::common::Params;
use crate::arguments::experiments::{History, Provenance};
use crate::workspace::{current_folder, open, root};
use crate::{print, table};

/// Number of digits of a hash that are shown.
const DIGITS: usize = 12;

/// Lists runs, the youngest first.
pub(crate) fn history(arguments: &History) -> anyhow::Result<()> {
    let workspace = open(&Params::default(), Access::Read)?;
    let is_wanted = |run: &Run| match &arguments.stage {
        Some(stage) => run.stage == *stage || run.stage.split('@').next() == Some(stage),
        None => true,
    };
    let runs = workspace.runs().last(arguments.last, is_wanted)?;
    if let (Some(stage), true) = (&arguments.stage, runs.is_empty()) {
        // Its name is wrong, or it never ran.
        let targets = std::slice::from_ref(stage);
        let root = &workspace.workflow.root;
        workspace
            .workflow
            .graph
            .select(root, targets, Reach::Single)?;
        bail!("`{stage}` never ran here");
    }
    if arguments.json {
        return print::json(&runs);
    }
    let header = ["time", "stage", "key", "outcome", "took", "why", "state"].map(str::to_owned);
    let rows: Vec<Vec<String>> = runs.iter().map(row).collect();
    // The state is of interest where there are several.
    let shown = if rows.iter().all(|row| row[6].is_empty()) {
        6
    } else {
        7
    };
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row[..shown].to_vec()).collect();
    print::text(&table::table(&header[..shown], &rows))
}

fn row(run: &Run) -> Vec<String> {
    let took = run.usage.map(|usage| print::seconds(usage.wall_s));
    let outcome = match &run.failure {
        Some(_) if run.status.is_empty() => "failed".to_owned(),
        // Its status has no information.
        Some(why) if run.has_ended_well() => {
            let (gist, _) = why.split_once(':').unwrap_or((why, ""));
            format!("failed: {gist}")
        }
        Some(_) => format!("failed: {}", run.status),
        None => run.state().name().to_owned(),
    };
    let folder = run.state_folder.as_ref();
    let folder = folder.map(|folder| folder.display().to_string());
    vec![
        run.time
            .as_deref()
            .map_or_else(|| table::NONE.to_owned(), clock),
        run.stage.clone(),
        run.key.to_string()[..DIGITS].to_owned(),
        outcome,
        took.unwrap_or_else(|| table::NONE.to_owned()),
        listed(&run.reasons),
        folder.unwrap_or_default(),
    ]
}

/// `2026-11-24 08:03:11Z`.
fn clock(time: &str) -> String {
    time.replace('T', " ")
}

/// Prints the provenance of a file.
pub(crate) fn provenance(arguments: &Provenance) -> anyhow::Result<()> {
    let here = fs_err::canonicalize(current_folder()?)?;
    let root = root()?;
    let path = here.join(&arguments.file);
    let origin = workspace_of(&root, &path, &arguments.params)?.provenance(&path)?;
    if arguments.json {
        return print::json(&origin);
    }
    let mut text = String::new();
    add_origin(&origin, "", "", &mut text);
    print::text(&text)
}

/// The state that the file belongs to: the current one, or an experiment.
fn workspace_of(root: &Path, path: &Path, params: &Params) -> anyhow::Result<Workspace> {
    let inside = path.strip_prefix(root.join(FOLDER).join("experiments"));
    let name = inside
        .ok()
        .and_then(|inside| inside.iter().next()?.to_str());
    let Some(name) = name else {
        return open(params, Access::Write);
    };
    let experiment = Experiment::load(root, name)?;
    let folder = record::folder_name(name);
    Ok(state::open(
        root.to_owned(),
        &experiment.overrides(root),
        &folder,
    )?)
}

/// Adds an origin, its first line after `first` and the others after `rest`.
fn add_origin(origin: &Origin, first: &str, rest: &str, text: &mut String) {
    let path = origin.path.as_ref().map(|path| path.display().to_string());
    let path = path.unwrap_or_else(|| "(a path that nobody noted)".to_owned());
    let content = origin
        .content
        .map(|content| format!("  {}", &content.to_string()[..DIGITS]));
    let state = match (origin.state, &origin.made) {
        (State::Unchanged, _) => "",
        (State::Changed, _) => ", changed since",
        (State::Missing, _) => ", no longer there",
    };
    let kind = match (&origin.made, &origin.from) {
        (Some(_), _) => String::new(),
        (None, None) => "  source".to_owned(),
        (None, Some(from)) => format!("  source, from {from}"),
    };
    let content = content.unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{first}{path}{content}{kind}{state}");
    if let Some(produced_by) = &origin.made {
        add_produced_by(produced_by, rest, text);
    }
}

fn add_produced_by(produced_by: &ProducedBy, rest: &str, text: &mut String) {
    let bar = if produced_by.inputs.is_empty() {
        "  "
    } else {
        "│ "
    };
    let mut line = |what: &str| {
        let _ = writeln!(text, "{rest}{bar}{what}");
    };
    let key = produced_by
        .key
        .map(|key| format!("  {}", &key.to_string()[..DIGITS]));
    match key {
        _ if produced_by.is_repeated => line(&format!("{}: see above", produced_by.stage)),
        Some(key) => line(&format!("{}{key}{}", produced_by.stage, when(produced_by))),
        None => line(&format!(
            "{}: its result is no longer known",
            produced_by.stage
        )),
    }
    if produced_by.is_repeated {
        return;
    }
    for command in &produced_by.command {
        line(&format!(
            "$ {}",
            command.split_whitespace().collect::<Vec<_>>().join(" ")
        ));
    }
    let params = produced_by.params.iter();
    let params = params.map(|(name, value)| format!("{name} {}", table::value(value)));
    let environment = produced_by.environment.iter();
    let environment = environment.map(|(name, value)| format!("{name}={}", table::short(value)));
    for (what, list) in [
        ("params", params.collect::<Vec<_>>()),
        ("env", environment.collect()),
    ] {
        if !list.is_empty() {
            line(&format!("{what}: {}", list.join(", ")));
        }
    }
    let code = produced_by
        .code
        .map(|code| format!("code {}", &code.to_string()[..DIGITS]));
    let commit = produced_by
        .run
        .as_ref()
        .and_then(|run| run.environment.commit.as_ref());
    let commit = commit.and_then(|commit| Some(format!("commit {}", commit.get(..DIGITS)?)));
    let accepted = produced_by.accepted.clone();
    let facts: Vec<String> = [code, commit, accepted].into_iter().flatten().collect();
    if !facts.is_empty() {
        line(&facts.join(", "));
    }
    add_inputs(&produced_by.inputs, rest, text);
}

/// Time, duration and machine of the run.
fn when(produced_by: &ProducedBy) -> String {
    let Some(run) = &produced_by.run else {
        return String::new();
    };
    let time = run.time.as_deref().map(clock);
    let took = run.usage.map(|usage| print::seconds(usage.wall_s));
    let machine = run.environment.machine.as_ref();
    let machine = machine.map(|machine| machine.system.clone());
    let parts: Vec<String> = [time, took, machine].into_iter().flatten().collect();
    format!("  {}", parts.join(", "))
}

fn add_inputs(inputs: &[Input], rest: &str, text: &mut String) {
    for (at, input) in inputs.iter().enumerate() {
        let (branch, bar) = match at + 1 == inputs.len() {
            true => ("└─", "  "),
            false => ("├─", "│ "),
        };
        let first = format!("{rest}{branch} {}: ", input.name);
        add_origin(&input.origin, &first, &format!("{rest}{bar} "), text);
    }
}
