//! `.atelier/runs.jsonl`: the list of runs and accepted results, a line each. Nothing in it is part of a key.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::SystemTime;

use executor::Usage;
use keys::inputs::Derivation;
use keys::manifest::Section;
use keys::reason::Reason;
use serde::{Deserialize, Serialize};
use store::Digest;
use workflow::declaration::Action;
use workflow::instance::Instance;

use crate::error::Result;
use crate::{FOLDER, own, revision};

const FILE: &str = "runs.jsonl";

/// A run, or an accepted result. Fields that older versions didn't write are empty.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    /// When it ended, by the clock in Greenwich, as RFC 3339 writes it.
    #[serde(default)]
    pub time: Option<String>,
    /// Instance.
    pub stage: String,
    /// The hash of the manifest.
    pub key: Digest,
    /// Its outcome.
    #[serde(default)]
    pub outcome: Option<State>,
    /// End of its process, or origin of an accepted result.
    pub status: String,
    /// The error, where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Why it ran.
    #[serde(default)]
    pub reasons: Vec<Reason>,
    /// Time and memory; none where nothing ran.
    #[serde(flatten)]
    pub usage: Option<Usage>,
    /// `crate/binary`, or texts for the shell.
    #[serde(default)]
    pub command: Vec<String>,
    /// Its parameters, by the stage's names.
    #[serde(default)]
    pub params: BTreeMap<String, serde_json::Value>,
    /// Variables that the runner or `pipeline.toml` put into its environment.
    #[serde(
        default,
        rename = "environment",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub variables: BTreeMap<String, String>,
    /// The hash of its code; none for a foreign command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Digest>,
    /// Its inputs.
    #[serde(default)]
    pub inputs: Vec<FileRef>,
    /// Its outputs; empty where it failed.
    #[serde(default)]
    pub outputs: Vec<FileRef>,
    /// The folder of the state that it belongs to, in the runner's own; none for the current one.
    #[serde(default, rename = "aside", skip_serializing_if = "Option::is_none")]
    pub state_folder: Option<PathBuf>,
    /// Machine and commit.
    #[serde(flatten)]
    pub environment: Environment,
}

/// A file or folder that a run read or made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileRef {
    /// The name that `pipeline.toml` gives it.
    pub name: String,
    /// Its path from the workspace root, or an absolute one.
    pub path: PathBuf,
    /// Its content; none where that decides nothing.
    pub content: Option<Digest>,
}

/// Machine and commit of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Environment {
    /// The machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// The commit of the workspace; its files may have been edited since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// A machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    /// Its name and its system, as `uname -snrm` has them.
    pub system: String,
    /// Processor cores.
    pub cores: usize,
}

impl Environment {
    /// Environment of this process.
    pub fn find(root: &Path) -> Self {
        let output = Command::new("uname").arg("-snrm").output();
        let system = output.ok().filter(|output| output.status.success());
        let system = system.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        let commit = revision::ask(root, &["rev-parse", "--verify", "--quiet", "HEAD"]);
        Environment {
            machine: system.map(|system| Machine {
                system,
                cores: thread::available_parallelism().map_or(1, usize::from),
            }),
            commit: commit.ok().map(|commit| commit.trim().to_owned()),
        }
    }
}

/// State of an instance after a command, or predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing to do.
    UpToDate,
    /// Outputs came from the cache.
    Restored,
    /// The stage ran.
    Ran,
    /// The present outputs were accepted as its result.
    Committed,
    /// Its last result was taken for that of changed code.
    Adopted,
    /// Its last result was made by the binary that changed code was built to.
    SameBinary,
    /// Left as it is, as declared in `pipeline.toml`.
    Frozen,
    /// The stage failed.
    Failed,
    /// Not run: a stage before it failed or wasn't wanted, or it wasn't wanted itself.
    Skipped,
    /// Outputs would come from the cache.
    WouldRestore,
    /// The stage would run.
    WouldRun,
    /// The outputs of a stage before it decide.
    MayRun,
    /// An input is missing.
    Blocked,
}

impl State {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            State::UpToDate => "up to date",
            State::Restored => "restored",
            State::Ran => "ran",
            State::Committed => "committed",
            State::Adopted => "adopted",
            State::SameBinary => "same binary",
            State::Frozen => "frozen",
            State::Failed => "failed",
            State::Skipped => "skipped",
            State::WouldRestore => "would restore",
            State::WouldRun => "would run",
            State::MayRun => "may run",
            State::Blocked => "blocked",
        }
    }
}

impl Run {
    /// Its outcome, also where an older version wrote only the end of its process.
    #[must_use]
    pub fn state(&self) -> State {
        match self.outcome {
            Some(state) => state,
            None if self.has_ended_well() => State::Ran,
            None => State::Failed,
        }
    }

    /// Returns whether its process ended well, with any outcome.
    #[must_use]
    pub fn has_ended_well(&self) -> bool {
        self.status == "exit status 0"
    }

    /// Returns whether it didn't fail.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.state() != State::Failed
    }
}

impl Run {
    /// A run of `instance` that has no outcome yet, in the state with this folder, none for the current one.
    pub fn new(
        instance: &Instance,
        derivation: &Derivation,
        reasons: &[Reason],
        state_folder: Option<&Path>,
        environment: &Environment,
    ) -> Self {
        let inputs = derivation.inputs.iter().flat_map(|(name, found)| {
            found.contents().iter().map(|content| FileRef {
                name: name.clone(),
                path: content.path.clone(),
                content: content.digest,
            })
        });
        let params = instance.params.iter();
        Run {
            time: None,
            stage: instance.name.clone(),
            key: derivation.key,
            outcome: None,
            status: String::new(),
            failure: None,
            reasons: reasons.to_owned(),
            usage: None,
            command: match &instance.action {
                Action::Run(run) => vec![run.clone()],
                Action::Command(texts) => texts.clone(),
            },
            params: params
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            variables: derivation.manifest.section(&Section::Env),
            code: derivation.manifest.code(),
            inputs: inputs.collect(),
            outputs: Vec::new(),
            state_folder: state_folder
                .and_then(|folder| Some(folder.strip_prefix(FOLDER).ok()?.to_owned())),
            environment: environment.clone(),
        }
    }
}

/// The list of a workspace's runs.
#[derive(Debug, Clone)]
pub struct RunLog {
    file: PathBuf,
}

impl RunLog {
    /// The list of the workspace at `root`.
    pub fn new(root: &Path) -> Self {
        RunLog {
            file: own(root, FILE),
        }
    }

    /// Adds a run that has just ended, with its outputs.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(
        &self,
        mut run: Run,
        instance: &Instance,
        outputs: &BTreeMap<String, Digest>,
    ) -> Result<()> {
        run.time = Some(humantime::format_rfc3339_seconds(SystemTime::now()).to_string());
        let outputs = outputs.iter().filter_map(|(name, digest)| {
            Some(FileRef {
                name: name.clone(),
                path: instance.outputs.get(name)?.path.clone(),
                content: Some(*digest),
            })
        });
        run.outputs = outputs.collect();
        let mut line = serde_json::to_vec(&run).map_err(std::io::Error::from)?;
        line.push(b'\n');
        let mut options = fs_err::OpenOptions::new();
        let mut file = { options.read(true).append(true).create(true) }.open(&self.file)?;
        if !ends_whole(&mut file)? {
            line.insert(0, b'\n');
        }
        Ok(file.write_all(&line)?)
    }

    /// The last `most` of the runs that are wanted, the youngest first. Other lines, such as one that a power cut
    /// damaged, are passed over.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn last(&self, most: usize, is_wanted: impl Fn(&Run) -> bool) -> Result<Vec<Run>> {
        if !self.file.exists() {
            return Ok(Vec::new());
        }
        let bytes = store::read_own(&self.file)?;
        let lines = bytes.rsplit(|byte| *byte == b'\n');
        let runs = lines.filter_map(|line| serde_json::from_slice(line).ok());
        Ok(runs.filter(is_wanted).take(most).collect())
    }
}

/// Returns whether the last line of a file is complete.
fn ends_whole(file: &mut fs_err::File) -> std::io::Result<bool> {
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_youngest_runs_come_first_and_other_lines_are_skipped() {
        let root = tempfile::tempdir().unwrap();
        let log = RunLog::new(root.path());
        assert!(log.last(5, |_| true).unwrap().is_empty());
        let key = Digest::of_bytes(b"key");
        let line = |stage: &str, status: &str| {
            format!(r#"{{"stage": "{stage}", "key": "{key}", "status": "{status}"}}"#)
        };
        let lines = [
            line("a", "exit status 0"),
            r#"{"stage": "cut o"#.to_owned(),
            line("b", "exit status 1"),
            line("c", "exit status 0"),
        ];
        fs_err::create_dir(root.path().join(FOLDER)).unwrap();
        fs_err::write(own(root.path(), FILE), lines.join("\n")).unwrap();
        let stages = |most, is_wanted: fn(&Run) -> bool| {
            let runs = log.last(most, is_wanted).unwrap();
            runs.iter().map(|run| run.stage.clone()).collect::<Vec<_>>()
        };
        assert_eq!(stages(5, |_| true), ["c", "b", "a"]);
        assert_eq!(stages(1, |_| true), ["c"]);
        assert_eq!(stages(5, Run::is_success), ["c", "a"]);
    }
}
