//! The program of the workspace that reads and writes tables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;
use store::{Digest, remove_path};
use table_protocol::{Answer, Question};

use crate::error::{Error, Result};
use crate::metrics::Read;

/// The program ended without an answer.
#[derive(Debug)]
pub struct NoAnswer {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard error.
    pub errors: String,
}

/// Sends a question to the program that `command` starts, by the temporary file `file`.
///
/// # Errors
/// The program cannot be started, or its answer isn't one.
pub fn ask(
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
    answer.map(Ok).map_err(|_| Error::UnclearAnswer)
}

/// The program that a workspace has for tables, ready to be started.
pub struct TableProgram {
    /// Its name, `crate/binary`.
    pub name: &'static str,
    /// Its file.
    pub executable: PathBuf,
    /// Folder of temporary files with questions.
    pub folder: PathBuf,
}

impl TableProgram {
    /// Reads the numbers in tables, by the hash of their bytes.
    ///
    /// # Errors
    /// The program fails, or its answer isn't one.
    pub fn numbers(&self, tables: &BTreeMap<Digest, Vec<u8>>) -> Result<BTreeMap<Digest, Read>> {
        fs_err::create_dir_all(&self.folder)?;
        let answer = self.ask_about(tables);
        remove_path(&self.folder)?;
        let Answer::Numbers(answers) = answer? else {
            return Err(Error::UnclearAnswer);
        };
        let answers = answers.into_iter().map(|answer| answer.and_then(parsed));
        Ok(tables.keys().copied().zip(answers).collect())
    }

    fn ask_about(&self, tables: &BTreeMap<Digest, Vec<u8>>) -> Result<Answer> {
        let mut paths = Vec::new();
        for (digest, bytes) in tables {
            let path = self.folder.join(digest.to_string());
            fs_err::write(&path, bytes)?;
            paths.push(path);
        }
        self.ask(&Question::Numbers { paths })
    }

    /// Writes `columns`, each a name and its values, as a table in parquet to `path`, in one step.
    ///
    /// # Errors
    /// The program fails, as where the file cannot be written.
    pub fn write(&self, path: &Path, columns: Vec<(String, Vec<Value>)>) -> Result<()> {
        fs_err::create_dir_all(&self.folder)?;
        let path = path.to_owned();
        let answer = self.ask(&Question::Write { path, columns });
        remove_path(&self.folder)?;
        match answer? {
            Answer::Written => Ok(()),
            _ => Err(Error::UnclearAnswer),
        }
    }

    fn ask(&self, question: &Question) -> Result<Answer> {
        let file = self.folder.join("question.json");
        let answer = ask(Command::new(&self.executable), question, &file)?;
        answer.map_err(|NoAnswer { status, errors }| {
            let program = self.name;
            Error::TableProgram {
                program,
                status,
                errors,
            }
        })
    }
}

/// Numbers from the texts of the answer.
fn parsed(pairs: Vec<(String, String)>) -> Read {
    let values = pairs
        .into_iter()
        .map(|(name, text)| Some((name, text.parse().ok()?)));
    { values.collect::<Option<_>>() }.ok_or_else(|| Error::UnclearAnswer.to_string())
}
