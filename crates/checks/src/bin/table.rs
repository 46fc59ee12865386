//! Reads numbers from tables and writes tables, for the runner.
//!
//! Its argument is a JSON file: with `read`, paths of tables, each of which it answers by its numbers as pairs of name and
//! text, or by what is wrong with it; or with `write`, a path, and the `columns` to write there.

use std::path::{Path, PathBuf};

use anyhow::Context;
use checks::{numbers, write};
use serde::Deserialize;
use serde_json::{Value, json};

/// What the runner wants.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Question {
    Read {
        read: Vec<PathBuf>,
    },
    Write {
        write: PathBuf,
        columns: Vec<(String, Vec<Value>)>,
    },
}

fn main() -> anyhow::Result<()> {
    let file = std::env::args()
        .nth(1)
        .context("expected one argument, the question's file")?;
    match serde_json::from_str(&fs_err::read_to_string(file)?)? {
        Question::Read { read } => {
            let answers: Vec<Value> = read.iter().map(|path| answer(path)).collect();
            println!("{}", Value::from(answers));
            Ok(())
        }
        Question::Write {
            write: path,
            columns,
        } => write(&path, &columns),
    }
}

fn answer(path: &Path) -> Value {
    match numbers(path) {
        Ok(numbers) => {
            // A text is exact, whatever reads it.
            let pairs = numbers.iter();
            let pairs = pairs.map(|(name, value)| json!([name, value.to_string()]));
            json!({ "values": pairs.collect::<Vec<_>>() })
        }
        Err(error) => json!({ "fault": format!("{error:#}") }),
    }
}
