//! What can be typed next, for shells.
//!
//! A shell's script asks this program for each completion, so that stages, parameters and studies are those of the
//! workspace as it is.

use std::env;

use clap::{Arg, Command, CommandFactory};
use pipeline::workspace::{Access, Workspace, find_root};
use workflow::params::Overrides;

use crate::cli::{Cli, Shell};
use crate::{compare, exp, study, weights};

/// The script for a shell, to be read by its start-up file.
pub(crate) fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("complete/bash"),
        Shell::Zsh => include_str!("complete/zsh"),
        Shell::Fish => include_str!("complete/fish"),
    }
}

/// What may stand for the last word of `line`, which begins with `cargo xtask`. A shell's own completion of paths takes
/// over where this is nothing.
pub(crate) fn candidates(line: &str) -> Vec<String> {
    let words: Vec<&str> = line
        .split(' ')
        .filter(|word| !word.is_empty())
        .skip(2)
        .collect();
    let (before, last) = match words.split_last() {
        Some((last, before)) if !line.ends_with(' ') => (before, *last),
        _ => (words.as_slice(), ""),
    };
    let cli = Cli::command();
    let (command, path) = find(&cli, before);
    let option = before.last().and_then(|word| option(command, word));
    let found = match option {
        Some(option) => values(option.get_id().as_str()),
        None if last.starts_with('-') => flags(command),
        None if command.has_subcommands() => subcommands(command),
        None => positional(command, &path),
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

/// The option that `word` is, if it wants a value.
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

/// What a command without a flag takes.
fn positional(command: &Command, path: &str) -> Vec<String> {
    match path.trim() {
        "study run" | "study show" | "study apply" => study::names().unwrap_or_default(),
        "exp apply" | "exp remove" => exp::names().unwrap_or_default(),
        "exp diff" | "metrics show" | "metrics diff" | "params diff" => {
            let names = exp::names().unwrap_or_default().into_iter();
            names.chain([compare::WORKSPACE.to_owned()]).collect()
        }
        "weights get" => weights::names(),
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

/// Half-typed words are no occasion for errors.
fn workspace() -> Option<Workspace> {
    let root = find_root(&env::current_dir().ok()?).ok()?;
    Workspace::open(root, &Overrides::default(), Access::Read).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subcommands_and_flags_complete() {
        assert_eq!(candidates("cargo xtask rep"), ["repro"]);
        assert_eq!(
            candidates("cargo xtask cache "),
            ["gc", "list", "size", "verify"]
        );
        assert_eq!(candidates("cargo xtask cache gc --w"), ["--workspace"]);
        assert_eq!(candidates("cargo xtask completions z"), ["zsh"]);
        let all = candidates("cargo xtask ");
        assert!(all.contains(&"status".into()) && !all.contains(&"__supervise".into()));
        assert!(candidates("cargo xtask import ").is_empty());
    }
}
