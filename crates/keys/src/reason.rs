//! Reasons of decisions and outcomes.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use store::Digest;

use crate::manifest::Difference;

/// A reason for a decision on an instance, or for its outcome.
///
/// As JSON it has `kind`, its fields, and `text`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// `pipeline.lock` has no result.
    NoResult,
    /// `--force` was given.
    Forced,
    /// `always = true`.
    AlwaysRuns,
    /// A line of the manifest differs from the last run's.
    Changed(Difference),
    /// Differences that aren't listed.
    More {
        /// Number of differences.
        count: usize,
    },
    /// The key differs from the last run's, whose manifest is lost.
    NoRecordOfLast,
    /// Nothing is in the place of an output.
    OutputMissing {
        /// Name of the output.
        output: String,
    },
    /// An output isn't the one that was made.
    OutputEdited {
        /// Name of the output.
        output: String,
    },
    /// An output's check hasn't passed yet.
    OutputUnchecked {
        /// Name of the output.
        output: String,
    },
    /// The result in `pipeline.lock` cannot be restored.
    NotCached,
    /// An instance before it is still to run.
    ComesFirst {
        /// That instance.
        stage: String,
    },
    /// An input is missing that no stage makes.
    InputMissing {
        /// Path or pattern.
        path: PathBuf,
    },
    /// An output of a frozen stage is lost.
    FrozenMissing {
        /// Path of the output.
        path: PathBuf,
    },
    /// The result was made from another content of an input.
    InputChanged {
        /// Name of the input.
        input: String,
    },
    /// A missing output isn't kept in the cache.
    MadeByRunAlone {
        /// Name of the output.
        output: String,
    },
    /// A missing output is no longer in the cache.
    OutputNotCached {
        /// Name of the output.
        output: String,
    },
    /// The outputs were taken as they were.
    Committed,
    /// The last result was taken for that of changed code.
    Adopted {
        /// Key of the last result.
        key: Digest,
    },
    /// The last result was made by the binary that changed code was built to.
    SameBinary {
        /// Key of the last result.
        key: Digest,
    },
    /// An instance before it failed.
    Failed {
        /// That instance.
        stage: String,
    },
    /// An instance before it was skipped.
    Skipped {
        /// That instance.
        stage: String,
    },
    /// The user refused the run.
    NotWanted,
    /// A reason in the words of another version of the runner.
    #[serde(skip)]
    Noted {
        /// The words.
        text: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NoResult => f.write_str("no result in `pipeline.lock`"),
            Reason::Forced => f.write_str("forced"),
            Reason::AlwaysRuns => f.write_str("always runs"),
            Reason::Changed(difference) => difference.fmt(f),
            Reason::More { count } => write!(f, "{count} more"),
            Reason::NoRecordOfLast => {
                f.write_str("something changed since (the cache has no record of the last run)")
            }
            Reason::OutputMissing { output } => write!(f, "output {output} is missing"),
            Reason::OutputEdited { output } => write!(f, "output {output} was edited"),
            Reason::OutputUnchecked { output } => write!(f, "output {output} to be checked"),
            Reason::NotCached => f.write_str("the cache does not have it"),
            Reason::ComesFirst { stage } => write!(f, "`{stage}` comes first"),
            Reason::InputMissing { path } => write!(f, "`{}` does not exist", path.display()),
            Reason::FrozenMissing { path } => {
                let path = path.display();
                write!(
                    f,
                    "it is frozen, and `{path}` is neither there nor in the cache"
                )
            }
            Reason::InputChanged { input } => write!(f, "input {input} changed"),
            Reason::MadeByRunAlone { output } => {
                write!(f, "output {output} is made by a run alone")
            }
            Reason::OutputNotCached { output } => {
                write!(f, "the cache does not have output {output}")
            }
            Reason::Committed => f.write_str("committed as it stood there"),
            Reason::Adopted { key } => write!(f, "adopted from {key}"),
            Reason::SameBinary { key } => write!(f, "rebuilt to the same binary as {key}'s"),
            Reason::Failed { stage } => write!(f, "`{stage}` failed"),
            Reason::Skipped { stage } => write!(f, "`{stage}` was skipped"),
            Reason::NotWanted => f.write_str("not wanted"),
            Reason::Noted { text } => f.write_str(text),
        }
    }
}

/// Reasons as text, separated by commas.
pub fn listed(reasons: &[Reason]) -> String {
    let texts: Vec<String> = reasons.iter().map(Reason::to_string).collect();
    texts.join(", ")
}

/// `Reason` without the words: its kind and its fields.
struct Fields<'r>(&'r Reason);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Reason::serialize(self.0, serializer)
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Written<'r> {
            Typed {
                #[serde(flatten)]
                fields: Fields<'r>,
                text: String,
            },
            Noted {
                kind: &'static str,
                text: &'r str,
            },
        }
        let written = match self {
            Reason::Noted { text } => Written::Noted {
                kind: "noted",
                text,
            },
            reason => Written::Typed {
                fields: Fields(reason),
                text: reason.to_string(),
            },
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Reason {
    /// Reads any version: older ones wrote words alone, and of an unknown kind the words remain.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Read {
            Typed(#[serde(deserialize_with = "Reason::deserialize")] Reason),
            Words { text: String },
            Text(String),
        }
        Ok(match Read::deserialize(deserializer)? {
            Read::Typed(reason) => reason,
            Read::Words { text } | Read::Text(text) => Reason::Noted { text },
        })
    }
}

#[cfg(test)]
mod tests;
