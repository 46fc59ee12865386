//! The command line: parse, call, print.

mod cache;
mod cli;
mod compare;
mod complete;
mod dag;
mod exp;
mod history;
mod init;
mod live;
mod predict;
mod print;
mod study;
mod table;
mod take;
mod watch;
mod weights;

use std::env;
use std::process::{Command as Process, ExitCode};

use anyhow::Context;
use clap::Parser;
use pipeline::accept::Accept;
use pipeline::execute::{self, Options};
use pipeline::ledger::runs::State;
use pipeline::status;
use pipeline::workspace::{Access, Workspace, find_root};
use workflow::graph::{Reach, Selection};
use workflow::params::Overrides;

use cli::{Cli, Command};

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            print::error(&message(&error));
            let of_runner = error.downcast_ref::<pipeline::Error>();
            ExitCode::from(of_runner.map_or(1, pipeline::Error::exit_code))
        }
    }
}

/// An error as a person reads it, with the command that cures it.
fn message(error: &anyhow::Error) -> String {
    let mut text = format!("{error:#}");
    if let Some(pipeline::Error::MissingInputs(missing)) = error.downcast_ref()
        && { missing.iter() }.any(|text| text.contains("`images.folder`"))
    {
        text.push_str("\n`cargo xtask init FOLDER` writes settings for a folder of images");
    }
    text
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Repro(arguments) => return repro(arguments),
        Command::Init(arguments) => return init::init(&arguments),
        Command::Status(arguments) => status(&arguments)?,
        Command::Explain(arguments) => explain(&arguments)?,
        Command::Predict(arguments) => return predict::predict(&arguments),
        Command::Dag(arguments) => draw(&arguments)?,
        Command::Log { stage } => log(&stage)?,
        Command::History(arguments) => history::history(&arguments)?,
        Command::Provenance(arguments) => history::provenance(&arguments)?,
        Command::Watch(arguments) => watch::watch(&arguments)?,
        Command::Checkout(arguments) => return take::checkout(arguments),
        Command::Commit(arguments) => take::accept(&arguments, Accept::Outputs)?,
        Command::Adopt(arguments) => take::accept(&arguments, Accept::LastResult)?,
        Command::Freeze { stages } => take::freeze(&stages, true)?,
        Command::Unfreeze { stages } => take::freeze(&stages, false)?,
        Command::Add { paths } => take::add(&paths)?,
        Command::Import { from, to, sha256 } => take::import(&from, &to, sha256.as_deref())?,
        Command::Weights { command } => weights::run(command)?,
        Command::Cache(command) => return cache::run(command),
        Command::Study(command) => study::run(command)?,
        Command::Exp(command) => return exp::run(command),
        Command::Metrics(command) => compare::metrics(command)?,
        Command::Params(cli::ParamsCommand::Diff(arguments)) => {
            compare::compare(&arguments, &[compare::What::Params])?;
        }
        Command::Bench(arguments) => return bench(&arguments),
        Command::Test { arguments } => return test(&arguments),
        Command::Schema { what } => schema(what)?,
        Command::Completions { shell } => print::text(complete::script(shell))?,
        Command::Complete { line } => {
            let lines = complete::candidates(&line).into_iter();
            print::text(&lines.map(|line| line + "\n").collect::<String>())?;
        }
        Command::Supervise => executor::supervise()?,
    }
    Ok(ExitCode::SUCCESS)
}

fn open(params: &cli::Params, access: Access) -> anyhow::Result<Workspace> {
    let here = env::current_dir().context("cannot tell the current folder")?;
    let overrides = Overrides {
        files: params.files.clone(),
        settings: params.settings.clone(),
    };
    Ok(Workspace::open(find_root(&here)?, &overrides, access)?)
}

fn select(workspace: &Workspace, targets: &[String], reach: Reach) -> anyhow::Result<Selection> {
    Ok(workspace
        .workflow
        .graph
        .select(&workspace.workflow.root, targets, reach)?)
}

fn repro(arguments: cli::Repro) -> anyhow::Result<ExitCode> {
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
    let mut live = live::Live::new(arguments.quiet, arguments.select.json);
    let outcomes = execute::repro(&mut workspace, &selection, options, &mut live);
    live.finish();
    let outcomes = outcomes?;
    if arguments.select.json {
        print::json(&outcomes)?;
    }
    let has_failed = outcomes
        .iter()
        .any(|outcome| outcome.state == State::Failed);
    Ok(ExitCode::from(u8::from(has_failed)))
}

fn status(arguments: &cli::Select) -> anyhow::Result<()> {
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

fn explain(arguments: &cli::Explain) -> anyhow::Result<()> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    let id = workspace.workflow.graph.one(&arguments.stage)?;
    let explanation = status::explain(&mut workspace, id)?;
    if arguments.json {
        print::json(&explanation)
    } else {
        print::explanation(&explanation)
    }
}

fn draw(arguments: &cli::Dag) -> anyhow::Result<()> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    if arguments.mermaid {
        return print::text(&dag::mermaid(&workspace.workflow.graph));
    }
    if arguments.dot {
        return print::text(&dag::dot(&workspace.workflow.graph));
    }
    let selection = select(&workspace, &[], Reach::Upstream)?;
    let outcomes = status::outcomes(&mut workspace, &selection, false)?;
    let states: Vec<(String, State)> = outcomes
        .into_iter()
        .map(|outcome| (outcome.stage, outcome.state))
        .collect();
    let is_colored = print::is_colored(&std::io::stdout());
    print::text(&dag::text(&workspace.workflow.graph, &states, is_colored))
}

fn schema(what: cli::Schema) -> anyhow::Result<()> {
    match what {
        cli::Schema::Pipeline => print::text(&workflow::schema::pipeline()),
        cli::Schema::Params => {
            let workspace = open(&cli::Params::default(), Access::Read)?;
            print::json(&workspace.workflow.params_schema()?)
        }
    }
}

fn log(stage: &str) -> anyhow::Result<()> {
    let workspace = open(&cli::Params::default(), Access::Read)?;
    let instance = &workspace.workflow.graph.instances[workspace.workflow.graph.one(stage)?].name;
    let path = workspace.log(instance);
    if !path.exists() {
        anyhow::bail!("`{instance}` has no log: it never ran here");
    }
    print::file(&path)
}

/// All tests, with cargo's own output and exit status. They are compiled as stages are: what is tested is what runs, and
/// dependencies are compiled once for both.
fn test(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let mut command = cargo()?;
    command.args(["test", "--workspace", "--release", "--locked"]);
    exit_code(command.args(arguments))
}

/// A benchmark; the runner's is compiled as `cargo xtask` itself is.
fn bench(arguments: &cli::Bench) -> anyhow::Result<ExitCode> {
    let (package, name, profile) = match arguments.name {
        cli::Benchmark::Runner => ("xtask", "runner", "xtask"),
        cli::Benchmark::Step => ("model", "step", "release"),
        cli::Benchmark::Layers => ("kernels", "layers", "release"),
    };
    let mut command = cargo()?;
    command.args(["bench", "--quiet", "--locked", "--profile", profile]);
    command.args(["--package", package, "--bench", name, "--"]);
    exit_code(command.args(&arguments.arguments))
}

/// Cargo in the workspace's root.
fn cargo() -> anyhow::Result<Process> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Process::new(cargo);
    command.current_dir(find_root(&env::current_dir()?)?);
    Ok(command)
}

fn exit_code(command: &mut Process) -> anyhow::Result<ExitCode> {
    let status = command.status().context("cannot start cargo")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
