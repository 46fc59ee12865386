//! The runner for any repository with a `pipeline.toml`.

use std::process::ExitCode;

use cli::Program;

fn main() -> ExitCode {
    cli::main(&Program::atelier())
}
