//! The program that checks, reads and writes tables for the runner: see [`table_protocol`].

use std::path::Path;

use anyhow::Context;
use checks::{Check, faults, numbers, write};
use serde_json::Value;
use table_protocol::{Answer, Question};

fn main() -> anyhow::Result<()> {
    let file = std::env::args()
        .nth(1)
        .context("expected one argument, the question's file")?;
    let question = serde_json::from_str(&fs_err::read_to_string(file)?)?;
    println!("{}", serde_json::to_string(&answer(question)?)?);
    Ok(())
}

fn answer(question: Question) -> anyhow::Result<Answer> {
    Ok(match question {
        Question::Check { check, path } => Answer::Faults(check_table(&check, path.as_deref())),
        Question::Numbers { paths } => {
            Answer::Numbers(paths.iter().map(|path| numbers_of(path)).collect())
        }
        Question::Write { path, columns } => {
            write(&path, &columns)?;
            Answer::Written
        }
    })
}

fn check_table(check: &Value, path: Option<&Path>) -> Vec<String> {
    match (Check::read(check), path) {
        (Err(fault), _) => vec![fault],
        // A file that is no table has a fault, too.
        (Ok(check), Some(path)) => {
            faults(&check, path).unwrap_or_else(|error| vec![format!("{error:#}")])
        }
        (Ok(_), None) => Vec::new(),
    }
}

fn numbers_of(path: &Path) -> Result<Vec<(String, String)>, String> {
    let numbers = numbers(path).map_err(|error| format!("{error:#}"))?;
    let texts = numbers.into_iter();
    // A number as text is exact for any reader.
    Ok(texts
        .map(|(name, value)| (name, value.to_string()))
        .collect())
}
