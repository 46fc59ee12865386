//! `cargo xtask`: the command line of every repository, the commands of this one's stages, its tests and benchmarks.

mod cargo;

use std::process::ExitCode;

use cli::{Program, Scripts, Subcommand};

fn main() -> ExitCode {
    cli::main(&program())
}

fn program() -> Program {
    let mut commands = study_commands::commands();
    commands.push(Subcommand::new("bench", cargo::bench));
    commands.push(Subcommand::new("test", cargo::test));
    Program {
        name: "cargo xtask",
        scripts: Scripts {
            bash: include_str!("completion/bash"),
            zsh: include_str!("completion/zsh"),
            fish: include_str!("completion/fish"),
        },
        commands,
        examples: "\n  cargo xtask test                        all tests of the workspace",
        cure: study_commands::cure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        cli::command::command(&program()).debug_assert();
    }
}
