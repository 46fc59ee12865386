//! What can go wrong in the runner, and how it is said.

use std::ops::Range;
use std::path::PathBuf;

/// The result of a runner's function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the runner or of a stage that it ran.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A mistake in a TOML file or on the command line, with its place.
    #[error("{0}")]
    Source(Box<Diagnostic>),
    /// No `pipeline.toml` here or above.
    #[error("cannot find `pipeline.toml` in `{0}` or a folder above it")]
    NoWorkspace(PathBuf),
    /// A name that selects nothing.
    #[error("unknown stage or output `{name}`{hint}")]
    UnknownTarget {
        /// What was asked for.
        name: String,
        /// The nearest valid name, as a clause.
        hint: String,
    },
    /// Stages that wait for each other.
    #[error("stages form a cycle: {0}")]
    Cycle(String),
    /// Two stages would write the same bytes.
    #[error("outputs overlap: `{first}` of `{first_stage}` and `{second}` of `{second_stage}`")]
    Overlap {
        /// A path.
        first: String,
        /// The stage instance that declares `first`.
        first_stage: String,
        /// A path equal to `first`, or inside it.
        second: String,
        /// The stage instance that declares `second`.
        second_stage: String,
    },
    /// An output path that leaves the workspace or hits the runner's own files.
    #[error("output `{name}` of `{stage}` is refused: `{path}` {why}")]
    OutputPlace {
        /// Stage instance.
        stage: String,
        /// The output's name.
        name: String,
        /// The offending path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Source inputs that don't exist; found before anything runs.
    #[error("{}", .0.join("\n"))]
    MissingInputs(Vec<String>),
    /// A stage's process ended badly.
    #[error("stage `{stage}` failed: {status}{report}\nlog: {log}")]
    StageFailed {
        /// Stage instance.
        stage: String,
        /// How the process ended.
        status: String,
        /// Lines, each behind a line break: which of its commands failed, what the status means, the end of its log, and
        /// what the sandbox kept it from.
        report: String,
        /// The log's path, from the workspace root.
        log: String,
    },
    /// What a stage needs doesn't compile; cargo's own messages are on the terminal.
    #[error("stage `{stage}` cannot run: `{run}` was not built")]
    NotBuilt {
        /// Stage instance.
        stage: String,
        /// `crate/binary`.
        run: String,
    },
    /// A stage was refused what it doesn't declare, and ended as if nothing were.
    #[error("stage `{stage}` ended well, but without all that it asked for:\n{advice}\nlog: {log}")]
    Undeclared {
        /// Stage instance.
        stage: String,
        /// What it was refused, and what to do about it.
        advice: String,
        /// The log's path, from the workspace root.
        log: String,
    },
    /// A stage succeeded without an output that it declares.
    #[error("stage `{stage}` ended well but did not write its output `{name}` (`{path}`)")]
    MissingOutput {
        /// Stage instance.
        stage: String,
        /// The output's name.
        name: String,
        /// Where the output was expected.
        path: String,
    },
    /// An input was changed under a running stage.
    #[error("input `{name}` of `{stage}` changed{} while the stage ran: its result is not recorded", back(*.is_back))]
    InputChanged {
        /// Stage instance.
        stage: String,
        /// The input's name.
        name: String,
        /// Whether it says again what it said before: nobody knows what the stage read.
        is_back: bool,
    },
    /// An output isn't as its stage says that it is.
    #[error("stage `{stage}` failed the check of its output `{name}`:\n{}{}", .faults.join("\n"), place_of(.place))]
    CheckFailed {
        /// Stage instance.
        stage: String,
        /// The output's name.
        name: String,
        /// What is wrong, each with its row.
        faults: Vec<String>,
        /// Where the output can be looked at, if not in its place.
        place: Option<PathBuf>,
    },
    /// Stages that failed beside each other: the first of the plan, and the messages of the others.
    #[error("{0}\n{1}")]
    Several(Box<Error>, String),
    /// `pipeline.lock` holds something that the runner didn't write.
    #[error(
        "cannot read `pipeline.lock` (restore it, or delete it to have it rebuilt from the cache): {0}"
    )]
    Lock(String),
    /// A run of cargo that failed; its own messages are on the terminal.
    #[error("cannot {what}: {why}")]
    Cargo {
        /// The attempt, after "cannot".
        what: String,
        /// Exit status or message.
        why: String,
    },
    /// Interrupted by a signal.
    #[error("stopped by {}; what was done is kept, and the next repro continues", signal_name(*.0))]
    Interrupted(i32),
    /// A rule on names or values broken outside a TOML file.
    #[error("{0}")]
    Invalid(String),
    /// A file operation.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The cache.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// Whether a stage is at fault and others may go on.
    pub fn is_of_stage(&self) -> bool {
        matches!(
            self,
            Error::StageFailed { .. }
                | Error::Undeclared { .. }
                | Error::NotBuilt { .. }
                | Error::MissingOutput { .. }
                | Error::MissingInputs(_)
                | Error::InputChanged { .. }
                | Error::OutputPlace { .. }
                | Error::CheckFailed { .. }
        )
    }

    /// The process exit status that tells scripts what happened: 130 and 143
    /// after SIGINT and SIGTERM, as shells do, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(1),
            _ => 1,
        }
    }
}

fn back(is_back: bool) -> &'static str {
    if is_back { " and changed back" } else { "" }
}

fn place_of(place: &Option<PathBuf>) -> String {
    match place {
        Some(place) => format!("\nwhat it made: {}", place.display()),
        None => String::new(),
    }
}

fn signal_name(signal: i32) -> String {
    match nix::sys::signal::Signal::try_from(signal) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => format!("signal {signal}"),
    }
}

/// How many characters of a line are shown, and how many before the place.
const SHOWN: usize = 160;
const BEFORE: usize = 60;

/// A message with the lines that it is about.
#[derive(Debug)]
pub struct Diagnostic {
    /// What was found and what was expected.
    pub message: String,
    /// File, as a person would name it.
    pub file: String,
    /// First line is 1.
    pub line: usize,
    /// First column is 1, counted in characters.
    pub column: usize,
    /// The line's text; of a long line, what is around the place.
    pub text: String,
    /// Characters of `text` before the place.
    pub indent: usize,
    /// Characters to underline, at least 1.
    pub width: usize,
}

impl Diagnostic {
    /// Points at the bytes `span` of `text`, the contents of `file`.
    pub fn new(file: &str, text: &str, span: Range<usize>, message: String) -> Self {
        let start = span.start.min(text.len());
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = span.end.clamp(start, line_end);
        let n_before = text[line_start..start].chars().count();
        let is_long = text[line_start..line_end].chars().nth(SHOWN).is_some();
        let n_left_out = if is_long {
            n_before.saturating_sub(BEFORE)
        } else {
            0
        };
        let indent = n_before - n_left_out;
        let shown = text[line_start..line_end]
            .chars()
            .skip(n_left_out)
            .take(SHOWN);
        Diagnostic {
            message,
            file: file.to_owned(),
            line: text[..line_start].matches('\n').count() + 1,
            column: n_before + 1,
            // A file from elsewhere doesn't command the terminal.
            text: shown
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect(),
            indent,
            width: text[start..end].chars().take(SHOWN - indent).count().max(1),
        }
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        writeln!(f, "{}", self.message)?;
        writeln!(f, "{gutter}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{number} | {}", self.text)?;
        write!(
            f,
            "{gutter} | {}{}",
            " ".repeat(self.indent),
            "^".repeat(self.width)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let text = format!("a = 1\n{}here{}\n", "x".repeat(1000), "\u{1b}".repeat(1000));
        let shown = Diagnostic::new("f.toml", &text, 1006..2000, "wrong".into()).to_string();
        assert!(shown.contains("--> f.toml:2:1001\n"), "{shown}");
        let lines: Vec<&str> = shown.lines().collect();
        let at = lines[3].find("here").unwrap();
        assert_eq!(lines[4].find('^'), Some(at));
        assert_eq!(lines[4].len(), lines[3].len());
        assert!(shown.len() < 500 && !shown.contains('\u{1b}'), "{shown}");
    }
}
