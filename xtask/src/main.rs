//! `cargo xtask`: the command line of every repository, the commands of this one's stages, its tests and benchmarks.

mod cargo;
mod dist;

use std::path::Path;
use std::process::ExitCode;

use cli::{Program, Scripts, Subcommand};

fn main() -> ExitCode {
    cli::main(&program())
}

/// The name as it is typed: that of the file in an archive, else `cargo xtask`, which starts `xtask`.
fn name() -> &'static str {
    let typed = std::env::args().next().unwrap_or_default();
    match Path::new(&typed).file_stem() {
        Some(stem) if stem == "atelier" => Box::leak(typed.into_boxed_str()),
        _ => "cargo xtask",
    }
}

fn program() -> Program {
    let mut commands = study_commands::commands();
    commands.push(Subcommand::new("bench", cargo::bench));
    commands.push(Subcommand::new("dist", dist::dist));
    commands.push(Subcommand::new("test", cargo::test));
    Program {
        name: name(),
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
