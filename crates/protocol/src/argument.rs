//! The argument of a program: its job file.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::job::Job;

/// Arguments that name no job file.
#[derive(Debug, Error)]
pub enum ArgumentError {
    /// There is none, or more than one.
    #[error("expected one argument, the job file: `{program} JOB.json`")]
    Count {
        /// Name of the program, as started.
        program: String,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// The file is no job file.
    #[error("cannot read `{}` as a job file", path.display())]
    NotAJob {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Job {
    /// Reads the job file that the only argument of a program names. The first of `arguments` is the program's name.
    ///
    /// # Errors
    /// There is another number of arguments, the file cannot be read, or it has other fields.
    pub fn of_arguments(arguments: &[String]) -> Result<Self, ArgumentError> {
        match arguments {
            [_, path] => Self::read_file(Path::new(path)),
            _ => Err(ArgumentError::Count {
                program: arguments.first().cloned().unwrap_or_default(),
            }),
        }
    }

    fn read_file(path: &Path) -> Result<Self, ArgumentError> {
        let text = fs_err::read_to_string(path)?;
        serde_json::from_str(&text).map_err(|source| ArgumentError::NotAJob {
            path: path.to_owned(),
            source,
        })
    }
}
