//! Dispatch of the command line to commands.

use std::process::ExitCode;

use ::experiments::comparison::What;
use clap::FromArgMatches;
use runner::accept::Accept;
use runner::program_name::PROGRAM;

use crate::arguments::experiments::ParamsCommand;
use crate::arguments::{Cli, Command};
use crate::command::command;
use crate::program::Program;
use crate::{
    cache, comparison, completion, experiments, failure, history, print, search, stages, take,
    watch,
};

/// Runs the command of the command line.
pub(crate) fn main(program: &Program) -> ExitCode {
    PROGRAM.set(program.name);
    match typed(program) {
        Ok(code) => code,
        Err(error) => {
            print::error(&failure::message(program, &error));
            failure::exit_code(&error)
        }
    }
}

fn typed(program: &Program) -> anyhow::Result<ExitCode> {
    let matches = command(program).get_matches();
    if let Some((name, arguments)) = matches.subcommand() {
        let mut added = program.commands.iter();
        if let Some(added) = added.find(|added| added.name() == name) {
            return added.run(arguments);
        }
    }
    match Cli::from_arg_matches(&matches) {
        Ok(cli) => run(program, cli.command),
        Err(error) => error.exit(),
    }
}

fn run(program: &Program, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Repro(arguments) => return stages::repro(arguments),
        Command::Watch(arguments) => watch::watch(program, &arguments)?,
        Command::Status(arguments) => stages::status(&arguments)?,
        Command::Explain(arguments) => stages::explain(&arguments)?,
        Command::Dag(arguments) => stages::draw(&arguments)?,
        Command::Log { stage } => stages::log(&stage)?,
        Command::History(arguments) => history::history(&arguments)?,
        Command::Provenance(arguments) => history::provenance(&arguments)?,
        Command::Checkout(arguments) => return take::checkout(arguments),
        Command::Commit(arguments) => take::accept(&arguments, Accept::Outputs)?,
        Command::Adopt(arguments) => take::accept(&arguments, Accept::LastResult)?,
        Command::Freeze { stages } => take::freeze(&stages, true)?,
        Command::Unfreeze { stages } => take::freeze(&stages, false)?,
        Command::Add { paths } => take::add(&paths)?,
        Command::Import { from, to, sha256 } => take::import(&from, &to, sha256.as_deref())?,
        Command::Cache(command) => return cache::run(command),
        Command::Search(command) => search::run(command)?,
        Command::Study { arguments } => search::renamed(&arguments)?,
        Command::Exp(command) => return experiments::run(command),
        Command::Metrics(command) => comparison::metrics(command)?,
        Command::Params(ParamsCommand::Diff(arguments)) => {
            comparison::compare(&arguments, &[What::Params])?;
        }
        Command::Schema { what } => stages::schema(what)?,
        Command::Completions { shell } => print::text(completion::script(program, shell))?,
        Command::Complete { line } => {
            let lines = completion::candidates(program, &line).into_iter();
            print::text(&lines.map(|line| line + "\n").collect::<String>())?;
        }
        Command::Supervise => executor::supervise()?,
    }
    Ok(ExitCode::SUCCESS)
}
