//! The programs cargo and rustc.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};

/// The folder of the user.
pub(super) fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}

/// The program to call: the one in `variable`, else beside the cargo that
/// started this process, else by the search path.
pub fn tool(name: &str, variable: &str) -> OsString {
    if let Some(program) = std::env::var_os(variable) {
        return program;
    }
    let cargo = std::env::var_os("CARGO").map(PathBuf::from);
    match cargo.map(|cargo| cargo.with_file_name(name)) {
        Some(program) if program.is_file() => program.into(),
        _ => name.into(),
    }
}

/// The file of a program, by the search path.
pub(super) fn find(program: &OsString) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).map(|folder| folder.join(program));
    // Joining an absolute path gives that path.
    { folders }.find(|file| file.is_file())
}

/// Standard output of a command that succeeds.
pub(super) fn output(command: &mut Command, what: &str) -> Result<String> {
    let failed = |why: String| Error::Cargo {
        what: what.to_owned(),
        why,
    };
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(failed(message.trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
