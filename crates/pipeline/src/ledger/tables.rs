//! The program of the workspace that reads and writes tables.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use executor::Interrupts;
use serde_json::Value;
use store::{Digest, remove_path};
use table_protocol::{Answer, Question};

use crate::cargo::TABLES;
use crate::error::{Error, Result};
use crate::ledger::metrics::Read;
use crate::workspace::Workspace;

/// The program ended without an answer.
#[derive(Debug)]
pub(crate) struct NoAnswer {
    pub(crate) status: ExitStatus,
    /// Its standard error.
    pub(crate) errors: String,
}

/// Asks the program that `command` starts. The question stands in `file` meanwhile.
///
/// # Errors
/// The program cannot be started, or its answer isn't one.
pub(crate) fn ask(
    mut command: Command,
    question: &Question,
    file: &Path,
) -> Result<Result<Answer, NoAnswer>> {
    fs_err::write(
        file,
        serde_json::to_vec(question).map_err(std::io::Error::from)?,
    )?;
    let output = command.arg(file).stdin(Stdio::null()).output();
    fs_err::remove_file(file)?;
    let output = output?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Ok(Err(NoAnswer {
            status: output.status,
            errors: errors.trim().to_owned(),
        }));
    }
    let answer = serde_json::from_slice(&output.stdout);
    answer.map(Ok).map_err(|_| unclear())
}

/// The error of an answer that isn't one, or not to the question.
pub(crate) fn unclear() -> Error {
    Error::Invalid(not_understood())
}

fn not_understood() -> String {
    "the program that reads tables was not understood".to_owned()
}

impl Workspace {
    /// What tables say, by the hash of their bytes.
    pub(super) fn read_tables(
        &mut self,
        tables: &BTreeMap<Digest, Vec<u8>>,
    ) -> Result<BTreeMap<Digest, Read>> {
        if tables.is_empty() {
            return Ok(BTreeMap::new());
        }
        if !self.has_binary(TABLES)? {
            let fault = format!("the workspace has no `{TABLES}` to read tables with");
            let faults = tables.keys().map(|digest| (*digest, Err(fault.clone())));
            return Ok(faults.collect());
        }
        let folder = self.own(&format!("work/tables-{}", std::process::id()));
        fs_err::create_dir_all(&folder)?;
        let answer = self.ask_about(tables, &folder);
        remove_path(&folder)?;
        let Answer::Numbers(answers) = answer? else {
            return Err(unclear());
        };
        let mut read = BTreeMap::new();
        for (digest, answer) in tables.keys().zip(answers) {
            let values = answer.and_then(parsed);
            if let Ok(values) = &values {
                self.keep(digest, values)?;
            }
            read.insert(*digest, values);
        }
        Ok(read)
    }

    fn ask_about(&mut self, tables: &BTreeMap<Digest, Vec<u8>>, folder: &Path) -> Result<Answer> {
        let mut paths = Vec::new();
        for (digest, bytes) in tables {
            let path = folder.join(digest.to_string());
            fs_err::write(&path, bytes)?;
            paths.push(path);
        }
        self.ask_for_tables(&Question::Numbers { paths }, folder)
    }

    /// Writes `columns`, each a name and its values, as a table in parquet to `path`, in one step.
    ///
    /// # Errors
    /// The workspace has no program for that, or the file cannot be written.
    pub fn write_table(&mut self, path: &Path, columns: Vec<(String, Vec<Value>)>) -> Result<()> {
        if !self.has_binary(TABLES)? {
            let message = format!("the workspace has no `{TABLES}` to write tables with");
            return Err(Error::Invalid(message));
        }
        let folder = self.own(&format!("work/tables-{}", std::process::id()));
        fs_err::create_dir_all(&folder)?;
        let question = Question::Write {
            path: path.to_owned(),
            columns,
        };
        let answer = self.ask_for_tables(&question, &folder);
        remove_path(&folder)?;
        match answer? {
            Answer::Written => Ok(()),
            _ => Err(unclear()),
        }
    }

    /// What the program that knows tables answers.
    fn ask_for_tables(&mut self, question: &Question, folder: &Path) -> Result<Answer> {
        let interrupts = Interrupts::catch()?;
        let executable = self.build_tool(TABLES, None, &interrupts)?;
        let file = folder.join("question.json");
        let answer = ask(Command::new(executable), question, &file)?;
        interrupts.check()?;
        answer.map_err(|NoAnswer { status, errors }| {
            Error::Invalid(format!("`{TABLES}` ended with {status}: {errors}"))
        })
    }
}

/// Numbers from the texts of the answer.
fn parsed(pairs: Vec<(String, String)>) -> Read {
    let values = pairs
        .into_iter()
        .map(|(name, text)| Some((name, text.parse().ok()?)));
    { values.collect::<Option<_>>() }.ok_or_else(not_understood)
}
