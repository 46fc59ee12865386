//! Answers of Python's side, a line of JSON each.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

/// Answer to a request.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    /// The inputs are read; versions of the packages that do the work.
    Prepared(BTreeMap<String, String>),
    /// The work is done.
    Measured(Measurement),
    /// Python has no package of this name.
    Missing(String),
    /// The work failed, with Python's message.
    Failed(String),
}

/// Result of one run of a side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measurement {
    /// Seconds by the clock.
    pub(crate) seconds: f64,
    /// Figure of quality, where the case has one.
    pub(crate) quality: Option<f64>,
}

impl Answer {
    /// Reads an answer's line.
    ///
    /// # Errors
    /// The line is no answer, or its seconds are none.
    pub(crate) fn parse(line: &str) -> anyhow::Result<Self> {
        let line = line.trim();
        let answer = serde_json::from_str(line)
            .with_context(|| format!("`peers.py` answered `{line}`, expected JSON of an answer"))?;
        if let Answer::Measured(Measurement { seconds, .. }) = answer {
            ensure!(
                seconds > 0.0,
                "`peers.py` answered `{line}`, expected seconds above 0"
            );
        }
        Ok(answer)
    }
}

impl Measurement {
    /// Measurement of `work`, with its result.
    ///
    /// # Errors
    /// The work fails.
    pub(crate) fn of<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(Self, T)> {
        let started = Instant::now();
        let result = work()?;
        let measured = Self {
            seconds: started.elapsed().as_secs_f64(),
            quality: None,
        };
        Ok((measured, result))
    }

    /// The same with a figure of quality.
    pub(crate) fn with(self, quality: f64) -> Self {
        Self {
            quality: Some(quality),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let measured = |seconds, quality| Answer::Measured(Measurement { seconds, quality });
        let versions = BTreeMap::from([("torch".to_owned(), "2.15.0".to_owned())]);
        for (line, expected) in [
            (
                "{\"prepared\": {\"torch\": \"2.15.0\"}}\n",
                Answer::Prepared(versions),
            ),
            (
                "{\"measured\": {\"seconds\": 1.5, \"quality\": 0.25}}",
                measured(1.5, Some(0.25)),
            ),
            (
                "{\"measured\": {\"seconds\": 2, \"quality\": null}}",
                measured(2.0, None),
            ),
            (
                "{\"missing\": \"umap\"}",
                Answer::Missing("umap".to_owned()),
            ),
            (
                "{\"failed\": \"ValueError: k\"}",
                Answer::Failed("ValueError: k".to_owned()),
            ),
        ] {
            assert_eq!(Answer::parse(line).unwrap(), expected);
        }
    }

    #[test]
    fn faulty_answers_are_refused() {
        for line in [
            "",
            "Downloading: 100%",
            "{\"measured\": {\"seconds\": 1.5, \"quality\": NaN}}",
            "{\"measured\": {\"quality\": 0.5}}",
            "{\"measured\": {\"seconds\": 1.5, \"quality\": 0.5, \"memory\": 1}}",
            "{\"measured\": {\"seconds\": 0, \"quality\": 0.5}}",
            "{\"measured\": {\"seconds\": -1.5, \"quality\": 0.5}}",
            "{\"done\": {}}",
        ] {
            let message = Answer::parse(line).unwrap_err().to_string();
            let start = format!("`peers.py` answered `{line}`, expected ");
            assert!(message.starts_with(&start), "{message}");
        }
    }
}
