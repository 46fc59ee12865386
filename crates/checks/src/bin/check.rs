//! Says whether the rows of a table are as its stage says: the program that the runner asks.
//!
//! Its argument is a JSON file with the `check` and the `path` of the table; without a path it only reads the check. What
//! is wrong is on its standard output, a line each, and its status is then 1.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use checks::{Check, faults};
use serde::Deserialize;
use serde_json::Value;

/// What the runner wants to know.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    check: Value,
    path: Option<PathBuf>,
}

fn main() -> ExitCode {
    match answer() {
        Ok(faults) if faults.is_empty() => ExitCode::SUCCESS,
        Ok(faults) => {
            println!("{}", faults.join("\n"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}

fn answer() -> anyhow::Result<Vec<String>> {
    let file = std::env::args()
        .nth(1)
        .context("expected one argument, the question's file")?;
    let question: Question = serde_json::from_str(&fs_err::read_to_string(file)?)?;
    let check = match Check::read(&question.check) {
        Ok(check) => check,
        Err(fault) => return Ok(vec![fault]),
    };
    match question.path {
        // What is no table is not as its stage says, either.
        Some(path) => Ok(faults(&check, &path).unwrap_or_else(|error| vec![format!("{error:#}")])),
        None => Ok(Vec::new()),
    }
}
