//! Questions of the runner to the program that reads and writes tables, and its answers, defined once for both sides.
//!
//! The program's only argument is a JSON file with a [`Question`]. It prints an [`Answer`] as JSON and ends with status 0;
//! if it has none, it ends with another status and says why on standard error.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A question or a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// Comparison of a table with its stage's declaration, answered by [`Answer::Faults`].
    Check {
        /// The declaration.
        check: Value,
        /// The table; without one, the declaration alone is read.
        path: Option<PathBuf>,
    },
    /// Numbers of some tables, answered by [`Answer::Numbers`].
    Numbers {
        /// The tables.
        paths: Vec<PathBuf>,
    },
    /// Writing of a table, answered by [`Answer::Written`].
    Write {
        /// File to write.
        path: PathBuf,
        /// Its columns, each a name and its values, of the same number.
        columns: Vec<(String, Vec<Value>)>,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Faults of the table or of the declaration, a line each.
    Faults(Vec<String>),
    /// Numbers of each table, in the order of the question, or the reason why it has none.
    Numbers(Vec<Result<Vec<(String, String)>, String>>),
    /// The table is written.
    Written,
}
