//! A program with this command line: its name, and the commands that it adds.

use std::process::{ExitCode, ExitStatus};

use clap::{ArgMatches, Args, Command};

/// A program with the commands of every repository, and perhaps others.
pub struct Program {
    /// Its name, as it is typed.
    pub name: &'static str,
    /// Completion scripts of shells.
    pub scripts: Scripts,
    /// Commands that it adds.
    pub commands: Vec<Subcommand>,
    /// Examples that it adds to those of the help, a line each.
    pub examples: &'static str,
    /// A sentence on how one of its commands cures a failure.
    pub cure: fn(&runner::Error) -> Option<String>,
}

impl Program {
    /// The program of every repository.
    #[must_use]
    pub fn atelier() -> Self {
        Program {
            name: "atelier",
            scripts: Scripts {
                bash: include_str!("completion/bash"),
                zsh: include_str!("completion/zsh"),
                fish: include_str!("completion/fish"),
            },
            commands: Vec::new(),
            examples: "",
            cure: |_| None,
        }
    }
}

/// Scripts that a shell's start-up file reads.
#[derive(Debug, Clone, Copy)]
pub struct Scripts {
    /// For the Bourne-again shell.
    pub bash: &'static str,
    /// For the Z shell.
    pub zsh: &'static str,
    /// For the friendly interactive shell.
    pub fish: &'static str,
}

/// Carries out a command with its arguments.
type Run = dyn Fn(&ArgMatches) -> anyhow::Result<ExitCode>;

/// A command that a program adds.
pub struct Subcommand {
    name: &'static str,
    /// Built once the program's name is set, as examples in the help begin with it.
    build: fn(Command) -> Command,
    run: Box<Run>,
    values: fn(&str) -> Vec<String>,
}

impl Subcommand {
    /// The command `name` with the arguments `A`, carried out by `run`.
    pub fn new<A: Args + 'static>(
        name: &'static str,
        run: fn(&A) -> anyhow::Result<ExitCode>,
    ) -> Self {
        Subcommand {
            name,
            build: A::augment_args,
            run: Box::new(move |matches| run(&A::from_arg_matches(matches)?)),
            values: |_| Vec::new(),
        }
    }

    /// The same with values of its positional arguments, for completion. They are requested by the typed path,
    /// such as `weights get`.
    #[must_use]
    pub fn with_values(mut self, values: fn(&str) -> Vec<String>) -> Self {
        self.values = values;
        self
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Its name, arguments and help.
    pub(crate) fn command(&self) -> Command {
        (self.build)(Command::new(self.name))
    }

    /// Carries out the command.
    pub(crate) fn run(&self, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
        (self.run)(matches)
    }

    /// Values of its positional arguments.
    pub(crate) fn values(&self, path: &str) -> Vec<String> {
        (self.values)(path)
    }
}

/// The exit code of a process as this one's own.
#[must_use]
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
