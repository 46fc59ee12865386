//! The command line of a program.

use clap::{Command, CommandFactory};

use crate::arguments::Cli;
use crate::program::{Program, Subcommand};

/// The commands of every repository, and those that the program adds.
#[must_use]
pub fn command(program: &Program) -> Command {
    let mut cli = Cli::command();
    if let Some(help) = cli.get_after_help() {
        let help = format!("{help}{}", program.examples);
        cli = cli.after_help(help);
    }
    let added = program.commands.iter();
    cli.subcommands(added.map(Subcommand::command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command(&Program::atelier()).debug_assert();
    }

    #[test]
    fn help_names_the_program() {
        let mut cli = command(&Program::atelier());
        let help = cli.render_long_help().to_string();
        assert!(help.contains("\n  atelier repro "), "{help}");
        assert!(!help.contains("cargo") && !help.contains("weights"));
        let exp = cli.find_subcommand_mut("exp").unwrap();
        let help = exp.render_long_help().to_string();
        assert!(help.contains("\n  atelier exp show"), "{help}");
    }
}
