//! Messages between the local executor and its supervisors: a line of JSON each.

use std::io;

use serde::{Deserialize, Serialize};

use crate::task::Task;
use crate::update::Ending;

/// Request to a supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Run a task to its end. Nothing more is sent before its last reply.
    Run(Task),
}

/// Report of a supervisor on its task.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// A line that the task wrote to its standard output.
    Output(Line),
    /// Last reply: the task ended.
    Ended(Ending),
    /// Last reply: nothing was started, for this reason.
    NotStarted(String),
}

/// A line of output, with its end.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Line {
    Text(String),
    /// Anything but UTF-8.
    Bytes(Vec<u8>),
}

impl From<Vec<u8>> for Line {
    fn from(line: Vec<u8>) -> Self {
        String::from_utf8(line).map_or_else(|error| Line::Bytes(error.into_bytes()), Line::Text)
    }
}

impl Line {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Line::Text(text) => text.as_bytes(),
            Line::Bytes(bytes) => bytes,
        }
    }
}

/// A message with the end of its line.
pub(crate) fn to_line(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_keeps_its_bytes_and_stays_on_one_line() {
        for output in [&b"{\"Ended\":{}}\r\n"[..], b"\xff\n", b"caf\xc3\xa9\n"] {
            let line = to_line(&Reply::Output(output.to_vec().into())).unwrap();
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
            let Reply::Output(read) = serde_json::from_slice(&line).unwrap() else {
                panic!("{}", line.escape_ascii());
            };
            assert_eq!(read.bytes(), output);
        }
    }
}
