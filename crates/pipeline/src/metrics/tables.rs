//! The program of the workspace that reads and writes tables.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use store::{Digest, remove_path};

use super::Read;
use crate::error::{Error, Result};
use crate::process::Interrupts;
use crate::workspace::Workspace;

/// Its crate and binary.
const TABLES: &str = "checks/table";

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
        let answers: Vec<Value> = serde_json::from_slice(&answer?).map_err(std::io::Error::from)?;
        let mut read = BTreeMap::new();
        for (digest, answer) in tables.keys().zip(answers) {
            let values = answered(&answer);
            if let Ok(values) = &values {
                self.keep(digest, values)?;
            }
            read.insert(*digest, values);
        }
        Ok(read)
    }

    fn ask_about(&mut self, tables: &BTreeMap<Digest, Vec<u8>>, folder: &Path) -> Result<Vec<u8>> {
        let mut paths = Vec::new();
        for (digest, bytes) in tables {
            let path = folder.join(digest.to_string());
            fs_err::write(&path, bytes)?;
            paths.push(path);
        }
        self.ask_for_tables(&json!({ "read": paths }), folder)
    }

    /// Writes `columns`, each a name and its values, as a table in parquet to `path`, in one step.
    ///
    /// # Errors
    /// The workspace has no program for that, or the file cannot be written.
    pub fn write_table(&mut self, path: &Path, columns: &[(String, Vec<Value>)]) -> Result<()> {
        if !self.has_binary(TABLES)? {
            let message = format!("the workspace has no `{TABLES}` to write tables with");
            return Err(Error::Invalid(message));
        }
        let folder = self.own(&format!("work/tables-{}", std::process::id()));
        fs_err::create_dir_all(&folder)?;
        let question = json!({ "write": path, "columns": columns });
        let answer = self.ask_for_tables(&question, &folder);
        remove_path(&folder)?;
        answer.map(drop)
    }

    /// What the program that knows tables answers.
    fn ask_for_tables(&mut self, question: &Value, folder: &Path) -> Result<Vec<u8>> {
        let interrupts = Interrupts::catch()?;
        let executable = self.build_tool(TABLES, None, &interrupts)?;
        let file = folder.join("question.json");
        fs_err::write(&file, question.to_string())?;
        let mut command = Command::new(executable);
        let answer = command.arg(file).stdin(Stdio::null()).output()?;
        interrupts.check()?;
        if answer.status.success() {
            return Ok(answer.stdout);
        }
        let (status, message) = (answer.status, String::from_utf8_lossy(&answer.stderr));
        let message = message.trim();
        Err(Error::Invalid(format!(
            "`{TABLES}` ended with {status}: {message}"
        )))
    }
}

/// What the program says of one table.
fn answered(answer: &Value) -> Read {
    let unclear = || "the program that reads tables was not understood".to_owned();
    if let Some(fault) = answer["fault"].as_str() {
        return Err(fault.to_owned());
    }
    let values = answer["values"].as_array().ok_or_else(unclear)?.iter();
    let values = values.map(|pair| {
        let value = pair[1].as_str().and_then(|text| text.parse().ok());
        Some((pair[0].as_str()?.to_owned(), value?))
    });
    values.collect::<Option<_>>().ok_or_else(unclear)
}
