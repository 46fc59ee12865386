//! Completion in shells.
//!
//! A shell's script calls this program for each completion, so that stages, parameters and searches are those of the
//! workspace as it is.

use ::experiments::state::WORKSPACE;
use clap::{Arg, Command};
use runner::workspace::{Access, Workspace};

use crate::arguments::Shell;
use crate::arguments::common::Params;
use crate::command::command;
use crate::program::Program;
use crate::workspace::open;
use crate::{experiments, search};

/// The script for a shell, to be read by its start-up file.
pub(crate) fn script(program: &Program, shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => program.scripts.bash,
        Shell::Zsh => program.scripts.zsh,
        Shell::Fish => program.scripts.fish,
    }
}

/// Completions of the last word of `line`, which begins with the program's name. A shell's own completion of
/// paths takes over where there are none.
pub(crate) fn candidates(program: &Program, line: &str) -> Vec<String> {
    let words: Vec<&str> = line
        .split(' ')
        .filter(|word| !word.is_empty())
        .skip(program.name.split(' ').count())
        .collect();
    let (before, last) = match words.split_last() {
        Some((last, before)) if !line.ends_with(' ') => (before, *last),
        _ => (words.as_slice(), ""),
    };
    let cli = command(program);
    let (command, path) = find(&cli, before);
    let option = before.last().and_then(|word| option(command, word));
    let found = match option {
        Some(option) => values(option.get_id().as_str()),
        None if last.starts_with('-') => flags(command),
        None if command.has_subcommands() => subcommands(command),
        None => positional(program, command, path.trim()),
    };
    let mut found: Vec<String> = found
        .into_iter()
        .filter(|word| word.starts_with(last))
        .collect();
    found.sort();
    found
}

/// The subcommand that the words lead to, with its name.
fn find<'c>(cli: &'c Command, words: &[&str]) -> (&'c Command, String) {
    let (mut command, mut path) = (cli, String::new());
    for word in words {
        if let Some(inner) = command.find_subcommand(word) {
            (command, path) = (inner, format!("{path} {word}"));
        }
    }
    (command, path)
}

/// The option `word`, if it takes a value.
fn option<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    let mut options = command.get_opts();
    options.find(|option| {
        let long = option.get_long().map(|name| format!("--{name}"));
        let short = option.get_short().map(|letter| format!("-{letter}"));
        long.as_deref() == Some(word) || short.as_deref() == Some(word)
    })
}

fn flags(command: &Command) -> Vec<String> {
    let options = command.get_arguments().filter_map(Arg::get_long);
    options
        .chain(["help"])
        .map(|name| format!("--{name}"))
        .collect()
}

fn subcommands(command: &Command) -> Vec<String> {
    let shown = command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set());
    shown.map(|inner| inner.get_name().to_owned()).collect()
}

/// Values of an option.
fn values(id: &str) -> Vec<String> {
    let Some(workspace) = workspace() else {
        return Vec::new();
    };
    match id {
        "settings" | "grids" => { workspace.workflow.params.keys().into_iter() }
            .map(|key| format!("{key}="))
            .collect(),
        _ => Vec::new(),
    }
}

/// Values of a command's positional arguments.
fn positional(program: &Program, command: &Command, path: &str) -> Vec<String> {
    let added = program.commands.iter();
    let mut added = added.filter(|added| Some(added.name()) == path.split(' ').next());
    if let Some(added) = added.next() {
        return added.values(path);
    }
    match path {
        "search run" | "search show" | "search apply" => search::names().unwrap_or_default(),
        "exp apply" | "exp remove" => experiments::names().unwrap_or_default(),
        "exp diff" | "metrics show" | "metrics diff" | "params diff" => {
            let names = experiments::names().unwrap_or_default().into_iter();
            names.chain([WORKSPACE.to_owned()]).collect()
        }
        "completions" => ["bash", "zsh", "fish"].map(String::from).into(),
        _ => {
            let mut positionals = command.get_positionals();
            let takes_stages = positionals.any(|argument| {
                ["targets", "stage", "stages"].contains(&argument.get_id().as_str())
            });
            if takes_stages { stages() } else { Vec::new() }
        }
    }
}

/// Stages and their instances.
fn stages() -> Vec<String> {
    let Some(workspace) = workspace() else {
        return Vec::new();
    };
    let instances = workspace.workflow.graph.instances.iter();
    let names = instances.flat_map(|instance| [instance.stage.clone(), instance.name.clone()]);
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    names
}

/// The workspace; none if it has an error, which a completion doesn't report.
fn workspace() -> Option<Workspace> {
    open(&Params::default(), Access::Read).ok()
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::*;
    use crate::program::Subcommand;

    #[derive(clap::Args)]
    struct Weights {
        #[command(subcommand)]
        _command: Get,
    }

    #[derive(clap::Subcommand)]
    enum Get {
        Get,
    }

    #[test]
    fn subcommands_and_flags_complete() {
        let candidates = |line: &str| candidates(&Program::atelier(), line);
        assert_eq!(candidates("atelier rep"), ["repro"]);
        assert_eq!(
            candidates("atelier cache "),
            ["gc", "list", "size", "verify"]
        );
        assert_eq!(candidates("atelier cache gc --w"), ["--workspace"]);
        assert_eq!(candidates("atelier completions z"), ["zsh"]);
        let all = candidates("atelier ");
        assert!(all.contains(&"status".into()) && !all.contains(&executor::SUPERVISE.into()));
        assert!(candidates("atelier import ").is_empty());
    }

    #[test]
    fn the_name_may_have_several_words_and_commands_are_added() {
        let program = Program {
            name: "cargo xtask",
            commands: vec![
                Subcommand::new::<Weights>("weights", |_| Ok(ExitCode::SUCCESS))
                    .with_values(|path| vec![format!("value of {path}")]),
            ],
            ..Program::atelier()
        };
        let candidates = |line: &str| candidates(&program, line);
        assert_eq!(candidates("cargo xtask we"), ["weights"]);
        assert_eq!(candidates("cargo xtask weights "), ["get"]);
        assert_eq!(
            candidates("cargo xtask weights get "),
            ["value of weights get"]
        );
        assert_eq!(candidates("cargo xtask cache g"), ["gc"]);
    }
}
