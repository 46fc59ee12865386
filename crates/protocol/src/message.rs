//! Lines of a stage's standard output that are meant for the runner.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A line for the runner, a JSON object. Every other line belongs to the stage's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// Progress of the stage.
    Progress(Progress),
    /// Text that is shown at once.
    Warn(String),
}

impl Message {
    /// The message of a line; none if the line belongs to the log.
    #[must_use]
    pub fn of_line(line: &[u8]) -> Option<Self> {
        let is_object = line.starts_with(b"{");
        is_object
            .then(|| serde_json::from_slice(line).ok())
            .flatten()
    }
}

/// The line, without its end.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&line)
    }
}

/// Progress of a stage with a task of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Name of the things counted, such as `epochs`.
    pub task: String,
    /// Number of things done.
    pub done: u64,
    /// Number of things in all, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// A few words on the state, such as `loss 0.41`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Loss of the training: of a step, or the mean of an epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Score of an epoch; the higher, the better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The highest score so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_score: Option<f64>,
    /// The epoch that has the highest score, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_epoch: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_lines_of_json() {
        let progress = Message::Progress(Progress {
            task: "steps".to_owned(),
            done: 3,
            total: Some(8),
            loss: Some(0.5),
            ..Progress::default()
        });
        let line = r#"{"progress":{"task":"steps","done":3,"total":8,"loss":0.5}}"#;
        assert_eq!(progress.to_string(), line);
        assert_eq!(Message::of_line(line.as_bytes()), Some(progress));
        let warning = Message::Warn("3 images are damaged".to_owned());
        let line = r#"{"warn":"3 images are damaged"}"#;
        assert_eq!(warning.to_string(), line);
        assert_eq!(Message::of_line(line.as_bytes()), Some(warning));
    }

    #[test]
    fn other_lines_belong_to_the_log() {
        for line in ["3 images", "{\"loss\": 1}", " {\"warn\": \"x\"}", "{", ""] {
            assert_eq!(Message::of_line(line.as_bytes()), None, "{line}");
        }
    }
}
