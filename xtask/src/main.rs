//! The command line: parse, call, print.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
