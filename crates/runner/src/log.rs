//! The log of a stage: its last lines, how the stage ended, and which of its commands failed.

use std::io::{BufRead, BufReader};
use std::path::Path;

use executor::Ending;
use signal_hook::low_level::signal_name;
use workflow::quantity::show_bytes;

use crate::error::Result;

/// The start of the first line of a script, whose lines keep their numbers: on a failure that ends it, the shell writes
/// to the log where that was. bash alone has it.
pub(crate) const TRAP: &str = r#"trap 'case $- in *e*) printf "\n# failed: line %s, status %s: %s\n" "$LINENO" "${PIPESTATUS[*]}" "${BASH_COMMAND%%$'\''\n'\''*}" >&2;; esac' ERR; "#;

/// The start of the line that [`TRAP`] writes.
const MARK: &str = "# failed: line ";

/// After each text of a list. Of itself a shell goes on after a failed `a && b`.
const NEXT: &str = "\n(exit $?)\n";

/// Lines of the log that a failure shows.
const TAIL_LINES: usize = 15;

/// End of a stage, in words.
pub(crate) fn status(ending: &Ending) -> String {
    if let Some(timeout) = ending.timeout {
        return format!("stopped after its timeout of {timeout:?}");
    }
    let status = plain_status(ending);
    let Some(memory) = ending.memory.as_ref().filter(|_| ending.is_out_of_memory()) else {
        return status;
    };
    let peak = match ending.usage {
        Some(usage) => format!(", at a peak of {}", show_bytes(usage.peak_bytes)),
        None => String::new(),
    };
    let of_allowed = match memory.limit_bytes {
        Some(limit) => format!(" of the {} allowed", show_bytes(limit)),
        None => String::new(),
    };
    format!("killed for lack of memory ({status}){peak}{of_allowed}")
}

fn plain_status(ending: &Ending) -> String {
    match (ending.code, ending.signal) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => match signal_name(signal) {
            Some(name) => format!("killed by {name}"),
            None => format!("killed by signal {signal}"),
        },
        (None, None) => "ended without a status".to_owned(),
    }
}

/// The lines that the stage wrote, without the runner's own.
pub(crate) fn lines(log: &Path) -> Result<impl Iterator<Item = String>> {
    let lines = BufReader::new(fs_err::File::open(log)?).split(b'\n');
    let lines = lines.map_while(std::io::Result::ok);
    let lines = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
    Ok(lines.filter(|line| !line.starts_with("# ")))
}

/// The last of some lines, without blank ones at the end.
pub(crate) fn tail(mut lines: Vec<String>) -> Vec<String> {
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    let first = lines.len().saturating_sub(TAIL_LINES);
    lines.split_off(first)
}

/// The script of a command's texts.
pub(crate) fn script(texts: &[String]) -> String {
    match texts {
        [text] => text.clone(),
        texts => { texts.iter() }.flat_map(|text| [text, NEXT]).collect(),
    }
}

/// Characters of a command that are shown.
const SHOWN: usize = 400;

/// The command that ended a script, as the shell reported it.
#[derive(Debug, PartialEq, Eq)]
struct Failed {
    /// Line of the script, from 1.
    line: usize,
    /// Exit status of each part of a pipe; one for a simple command.
    statuses: Vec<i32>,
    command: String,
}

/// The last report in a log.
fn reported(log: &Path) -> Option<Failed> {
    let bytes = fs_err::read(log).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix(MARK))?;
    let (line, rest) = line.split_once(", status ")?;
    let (statuses, command) = rest.split_once(": ")?;
    let statuses = statuses.split(' ').map(|status| status.parse().ok());
    Some(Failed {
        line: line.parse().ok()?,
        statuses: statuses.collect::<Option<_>>()?,
        command: command.to_owned(),
    })
}

/// Explanation of the end of a script of `texts` with `status`: the failed command, the meaning of the status, and how
/// to allow it.
pub(crate) fn explain(texts: &[String], status: i32, log: &Path) -> Vec<String> {
    let Some(failed) = reported(log).filter(|failed| failed.status() == status) else {
        return meaning(status, None).into_iter().collect();
    };
    let (number, shown) = failed.place(texts);
    let which = match texts.len() {
        0 | 1 => "command".to_owned(),
        n => format!("command {number} of {n}"),
    };
    let mut lines = vec![format!("{which}: `{}`", on_one_line(&shown))];
    let part = failed.part();
    if let Some(part) = part {
        lines.push(format!(
            "of the {} programs in this pipe, number {} ended with status {status}: `pipefail` makes that the status of the pipe",
            failed.statuses.len(),
            part + 1
        ));
    }
    let program = program(&shown, part.unwrap_or(0), failed.statuses.len());
    lines.extend(meaning(status, program.as_deref()));
    lines
}

impl Failed {
    /// The status of the whole: that of the last part of the pipe that failed.
    fn status(&self) -> i32 {
        let mut failed = self.statuses.iter().rev().filter(|status| **status != 0);
        failed.next().copied().unwrap_or(0)
    }

    /// The part of a pipe that failed.
    fn part(&self) -> Option<usize> {
        let failed = self.statuses.iter().rposition(|status| *status != 0);
        failed.filter(|_| self.statuses.len() > 1)
    }

    /// The number of its text, from 1, and the part of it to show.
    fn place(&self, texts: &[String]) -> (usize, String) {
        let mut first = 1;
        for (number, text) in (1..).zip(texts) {
            let lines: Vec<&str> = text.split('\n').collect();
            let next = first + lines.len();
            if self.line == next {
                // The status is that of the whole text.
                return (number, text.trim().to_owned());
            }
            if (first..next).contains(&self.line) {
                let shown = match self.statuses.len() {
                    1 => self.command.clone(),
                    _ => whole_pipe(&lines, self.line - first),
                };
                return (number, shown);
            }
            // The line between two texts.
            first = next + 1;
        }
        (texts.len(), self.command.clone())
    }
}

/// The line `at`, with those before it that go on in it.
fn whole_pipe(lines: &[&str], at: usize) -> String {
    let goes_on = |line: &&str| line.trim_end().ends_with(['|', '\\']);
    let n_before = lines[..at].iter().rev().take_while(|line| goes_on(line));
    let first = at - n_before.count();
    let parts = lines[first..=at].iter();
    let parts: Vec<&str> = parts
        .map(|line| line.trim().trim_end_matches('\\').trim_end())
        .collect();
    parts.join(" ")
}

/// The name of the program in part `part` of `n_parts` of a pipe, if it can be found without a shell.
fn program(command: &str, part: usize, n_parts: usize) -> Option<String> {
    let parts: Vec<&str> = command.split('|').collect();
    let part = match n_parts {
        1 => command,
        n if n == parts.len() => parts[part],
        _ => return None,
    };
    let mut words = part.split_whitespace();
    let word = words.find(|word| !word.contains('=') && !["!", "{", "("].contains(word))?;
    Some(word.rsplit('/').next().unwrap_or(word).to_owned())
}

/// Meaning of an exit status of this program.
fn meaning(status: i32, program: Option<&str>) -> Option<String> {
    let allow = format!("to allow it, add `|| test $? = {status}` to the command");
    let of_program = match (program.unwrap_or_default(), status) {
        ("grep" | "egrep" | "fgrep" | "zgrep" | "rg" | "pgrep", 1) => "1: nothing matched",
        ("diff" | "cmp", 1) => "1: what was compared differs",
        ("test" | "[" | "[[", 1) => "1: the condition is false",
        ("expr" | "let", 1) => "1: the result is zero or empty",
        ("timeout", 124) => "124: the time that `timeout` allows was over",
        _ => return of_status(status),
    };
    Some(format!("{of_program}; {allow}"))
}

/// Meaning of an exit status of any program.
fn of_status(status: i32) -> Option<String> {
    Some(match status {
        126 => "126: the program may not be executed".to_owned(),
        127 => "127: there is no such program on PATH".to_owned(),
        141 => "141: killed by SIGPIPE, as what read from it had ended, like `head` once it has its lines; to allow it, write `{ PROGRAM || test $? = 141; } | READER`, or `set +o pipefail;` before the command".to_owned(),
        129.. => {
            format!("{status}: killed by {}", signal_name(status - 128)?)
        }
        _ => return None,
    })
}

fn on_one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= SHOWN {
        return text;
    }
    let start: String = text.chars().take(SHOWN).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(texts: &[&str], status: i32, log: &str) -> Vec<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), log).unwrap();
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        explain(&texts, status, file.path())
    }

    #[test]
    fn the_command_of_a_list_is_named() {
        let texts = ["echo a\necho b", "grep -c x f", "false && true"];
        let log = "a\nb\n0\n\n# failed: line 4, status 1: grep -c x f\n";
        let lines = explained(&texts, 1, log);
        assert_eq!(
            lines,
            [
                "command 2 of 3: `grep -c x f`",
                "1: nothing matched; to allow it, add `|| test $? = 1` to the command"
            ]
        );
        let log = "# failed: line 7, status 1: ( exit $? )\n";
        assert_eq!(
            explained(&texts, 1, log),
            ["command 3 of 3: `false && true`"]
        );
    }

    #[test]
    fn the_part_of_a_pipe_is_named() {
        let texts = ["seq 9 |\n  head -n 1 > x"];
        let log = "# failed: line 2, status 141 0: head -n 1 > x\n";
        let lines = explained(&texts, 141, log);
        assert_eq!(lines[0], "command: `seq 9 | head -n 1 > x`");
        assert!(lines[1].starts_with("of the 2 programs in this pipe, number 1 ended"));
        assert!(lines[2].contains("SIGPIPE"), "{lines:?}");
        let lines = explained(
            &["cat f | grep y | sort"],
            1,
            "# failed: line 1, status 0 1 0: sort\n",
        );
        assert!(lines[2].starts_with("1: nothing matched"), "{lines:?}");
    }

    #[test]
    fn a_report_of_something_else_is_passed_over() {
        let log = "# failed: line 1, status 1: false\n";
        assert_eq!(explained(&["false; exit 4"], 4, log), [""; 0]);
        assert_eq!(explained(&["x"], 137, ""), ["137: killed by SIGKILL"]);
    }
}
