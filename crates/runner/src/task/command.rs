//! The command line of a stage.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keys::inputs::Derivation;
use workflow::declaration::Action;
use workflow::instance::Instance;
use workflow::template;

use crate::error::{Error, Result};
use crate::log;

/// Program and arguments of an instance with the job file `job`, whose outputs are written to `made`.
///
/// # Errors
/// Its program was not built.
pub(super) fn line(
    root: &Path,
    instance: &Instance,
    derivation: &Derivation,
    executable: Option<&Path>,
    job: &Path,
    made: &BTreeMap<String, PathBuf>,
) -> Result<(PathBuf, Vec<String>)> {
    match (&instance.action, executable) {
        (Action::Command(texts), _) => {
            let texts = texts
                .iter()
                .map(|text| filled(root, text, derivation, made));
            Ok(shell(&log::script(&texts.collect::<Result<Vec<_>>>()?)))
        }
        (Action::Run(_), Some(executable)) => {
            Ok((executable.to_owned(), vec![job.display().to_string()]))
        }
        (Action::Run(run), None) => Err(Error::NoExecutable(run.clone())),
    }
}

/// A command line as the log shows it.
pub(super) fn shown(program: &Path, arguments: &[String]) -> String {
    let command = format!("{} {}", program.display(), arguments.join(" "));
    command.replace(&trapped(""), "")
}

/// The shell text with `${in.name}` and `${out.name}` replaced by quoted paths.
fn filled(
    root: &Path,
    text: &str,
    derivation: &Derivation,
    made: &BTreeMap<String, PathBuf>,
) -> Result<String> {
    let filled = template::fill(text, |name| {
        let paths: Vec<PathBuf> = match name.split_once('.') {
            Some(("in", name)) => derivation.inputs[name]
                .contents()
                .iter()
                .map(|c| c.path.clone())
                .collect(),
            Some(("out", name)) => vec![made[name].clone()],
            _ => Vec::new(),
        };
        let quoted = paths
            .iter()
            .map(|path| quote(&root.join(path).display().to_string()));
        Ok::<_, workflow::Error>(quoted.collect::<Vec<_>>().join(" "))
    });
    Ok(filled?)
}

/// `text` as one word of a shell.
pub(super) fn quote(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@,:".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A shell that stops at the first failure; bash also at one within a pipe.
fn shell(text: &str) -> (PathBuf, Vec<String>) {
    let bash = Path::new("/bin/bash");
    let (program, options) = if bash.exists() {
        (bash, "-euo")
    } else {
        (Path::new("/bin/sh"), "-eu")
    };
    let mut arguments = vec![options.to_owned()];
    if program == bash {
        arguments.push("pipefail".into());
    }
    let script = if program == bash {
        trapped(text)
    } else {
        text.to_owned()
    };
    arguments.extend(["-c".to_owned(), script]);
    (program.to_owned(), arguments)
}

/// A script for bash that reports what ends it.
fn trapped(text: &str) -> String {
    format!("{}{text}", log::TRAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_shell_are_quoted_where_needed() {
        assert_eq!(quote("/a/b-c.txt"), "/a/b-c.txt");
        assert_eq!(quote("/a b/it's"), r"'/a b/it'\''s'");
        assert_eq!(quote(""), "''");
    }
}
