//! Stages: bringing them up to date, and looking at them.

use std::process::ExitCode;

use ::experiments::drawing;
use anyhow::bail;
use ledger::runs::State;
use runner::execute::{self, Options};
use runner::status;
use runner::workspace::Access;
use workflow::graph::Reach;

use crate::arguments::common::{Params, Select};
use crate::arguments::{Dag, Explain, Repro, Schema};
use crate::progress::Live;
use crate::workspace::{open, select};
use crate::{failure, print};

/// Brings stages up to date.
pub(crate) fn repro(arguments: Repro) -> anyhow::Result<ExitCode> {
    let access = if arguments.dry_run {
        Access::Read
    } else {
        Access::Write
    };
    let mut workspace = open(&arguments.select.params, access)?;
    let reach = match (arguments.single, arguments.downstream) {
        (true, _) => Reach::Single,
        (_, true) => Reach::Downstream,
        _ => Reach::Upstream,
    };
    let selection = select(&workspace, &arguments.select.targets, reach)?;
    if !arguments.quiet {
        for text in workspace.workflow.advice(&selection)? {
            print::warning(text);
        }
    }
    if arguments.dry_run {
        let outcomes = status::outcomes(&mut workspace, &selection, arguments.force)?;
        if arguments.select.json {
            print::json(&outcomes)?;
        } else {
            print::outlook(&outcomes)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options {
        force: arguments.force,
        keep_going: arguments.keep_going,
        is_interactive: arguments.interactive,
        sandbox: arguments.confine.sandbox(),
        jobs: arguments.jobs,
    };
    let mut live = Live::new(arguments.quiet, arguments.select.json);
    let outcomes = execute::repro(&mut workspace, &selection, options, &mut live);
    live.finish();
    let outcomes = outcomes?;
    if arguments.select.json {
        print::json(&outcomes)?;
    }
    // The process ends: to free a thousand stages one by one took a twentieth of the time with nothing to do.
    std::mem::forget(workspace.workflow);
    Ok(failure::of_outcomes(&outcomes))
}

/// Prints whether each stage is up to date.
pub(crate) fn status(arguments: &Select) -> anyhow::Result<()> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    let selection = select(&workspace, &arguments.targets, Reach::Upstream)?;
    let outcomes = status::outcomes(&mut workspace, &selection, false)?;
    if arguments.json {
        return print::json(&outcomes);
    }
    print::outlook(&outcomes)?;
    print::sources(&workspace.sources().states()?)?;
    match workspace.cache().large()? {
        Some(large) => print::large_cache(large),
        None => Ok(()),
    }
}

/// Prints the changes for a stage.
pub(crate) fn explain(arguments: &Explain) -> anyhow::Result<()> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    let id = workspace.workflow.graph.one(&arguments.stage)?;
    let explanation = status::explain(&mut workspace, id)?;
    if arguments.json {
        print::json(&explanation)
    } else {
        print::explanation(&explanation)
    }
}

/// Draws the graph.
pub(crate) fn draw(arguments: &Dag) -> anyhow::Result<()> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    if arguments.mermaid {
        return print::text(&drawing::mermaid(&workspace.workflow.graph));
    }
    if arguments.dot {
        return print::text(&drawing::dot(&workspace.workflow.graph));
    }
    let selection = select(&workspace, &[], Reach::Upstream)?;
    let outcomes = status::outcomes(&mut workspace, &selection, false)?;
    let states: Vec<(String, State)> = outcomes
        .into_iter()
        .map(|outcome| (outcome.stage, outcome.state))
        .collect();
    print::drawing(&drawing::lines(&workspace.workflow.graph, &states))
}

/// Prints the schema of a file.
pub(crate) fn schema(what: Schema) -> anyhow::Result<()> {
    match what {
        Schema::Pipeline => print::text(&workflow::schema::pipeline()),
        Schema::Params => {
            let workspace = open(&Params::default(), Access::Read)?;
            print::json(&workspace.workflow.params_schema()?)
        }
    }
}

/// Prints the log of a stage's last run.
pub(crate) fn log(stage: &str) -> anyhow::Result<()> {
    let workspace = open(&Params::default(), Access::Read)?;
    let instance = &workspace.workflow.graph.instances[workspace.workflow.graph.one(stage)?].name;
    let path = workspace.log(instance);
    if !path.exists() {
        bail!("`{instance}` has no log: it never ran here");
    }
    print::file(&path)
}
