//! The programs that are compared, and the commands of each for the same work.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// Packages that pip installs, by name and version.
const PACKAGES: [&str; 2] = ["dvc==3.67.1", "ninja==1.13.0"];

/// A program that brings files up to date.
#[derive(Debug, Clone)]
pub(crate) enum Tool {
    Atelier,
    Dvc(Option<PathBuf>),
    Ninja(Option<PathBuf>),
}

impl Tool {
    /// All tools; one that isn't on this machine has no program.
    pub(crate) fn all(install: bool) -> anyhow::Result<Vec<Self>> {
        // Behind target/PROFILE/deps/PROGRAM.
        let here = std::env::current_exe()?;
        let target = here.ancestors().nth(3).context("no target folder")?;
        let environment = target.join("bench-tools");
        if install {
            set_up(&environment)?;
        }
        let find = |name: &str| {
            let installed = environment.join("bin").join(name);
            let path = std::env::var_os("PATH").unwrap_or_default();
            let others = std::env::split_paths(&path).map(|folder| folder.join(name));
            [installed].into_iter().chain(others).find(|p| p.is_file())
        };
        Ok(vec![
            Tool::Atelier,
            Tool::Dvc(find("dvc")),
            Tool::Ninja(find("ninja")),
        ])
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Tool::Atelier => "atelier",
            Tool::Dvc(_) => "dvc",
            Tool::Ninja(_) => "ninja",
        }
    }

    /// The name with the version that is there.
    pub(crate) fn title(&self) -> String {
        match self {
            Tool::Dvc(Some(program)) | Tool::Ninja(Some(program)) => {
                let output = Command::new(program).arg("--version").output();
                let output = output.map(|output| output.stdout).unwrap_or_default();
                let version = String::from_utf8_lossy(&output);
                // Three numbers, whatever follows them.
                let numbers: Vec<&str> = version.trim().split('.').take(3).collect();
                format!("{} {}", self.name(), numbers.join("."))
            }
            tool => tool.name().to_owned(),
        }
    }

    pub(crate) fn is_there(&self) -> bool {
        !matches!(self, Tool::Dvc(None) | Tool::Ninja(None))
    }

    /// The command for `work`.
    pub(crate) fn command(&self, work: Work) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        match (self, work) {
            (Tool::Atelier, Work::Repro) => words(&[env!("CARGO_BIN_EXE_xtask"), "repro"]),
            (Tool::Atelier, Work::Add) => words(&[env!("CARGO_BIN_EXE_xtask"), "add", "large"]),
            (Tool::Dvc(Some(dvc)), Work::Repro) => words(&[&dvc.to_string_lossy(), "repro"]),
            (Tool::Dvc(Some(dvc)), Work::Add) => words(&[&dvc.to_string_lossy(), "add", "large"]),
            // One command at a time, as the others.
            (Tool::Ninja(Some(ninja)), Work::Repro) => words(&[&ninja.to_string_lossy(), "-j1"]),
            // It has no cache: the time of a copy.
            (Tool::Ninja(_), Work::Add) => words(&["cp", "large", "copy"]),
            (Tool::Dvc(None) | Tool::Ninja(None), _) => words(&["false"]),
        }
    }

    /// Makes an empty workspace in `folder`.
    pub(crate) fn initialize(&self, folder: &Path) -> anyhow::Result<()> {
        if let Tool::Dvc(Some(dvc)) = self {
            run(Command::new(dvc).args(["init", "-q", "--no-scm"]), folder)?;
            for setting in ["core.analytics", "core.check_update"] {
                run(Command::new(dvc).args(["config", setting, "false"]), folder)?;
            }
        }
        Ok(())
    }

    /// Makes the outputs of many stages and has them accepted as results, if the tool needs half an hour to run a thousand.
    /// Returns whether it did.
    pub(crate) fn take_as_run(&self, folder: &Path, stages: &[Stage]) -> anyhow::Result<bool> {
        let Tool::Dvc(Some(dvc)) = self else {
            return Ok(false);
        };
        if stages.len() <= 100 {
            return Ok(false);
        }
        let commands = { stages.iter() }.map(|s| s.command.replace("OUTPUT", &s.output) + "\n");
        let script: String = commands.collect();
        run(Command::new("sh").args(["-ec", &script]), folder)?;
        run(Command::new(dvc).args(["commit", "-q", "-f"]), folder)?;
        Ok(true)
    }

    /// Declares stages in the tool's own file.
    pub(crate) fn declare(&self, folder: &Path, stages: &[Stage]) -> anyhow::Result<()> {
        if stages.is_empty() && !matches!(self, Tool::Atelier) {
            // It works without, and not with an empty list.
            return Ok(());
        }
        let (file, head, declare): (_, _, fn(&Stage) -> String) = match self {
            Tool::Atelier => ("pipeline.toml", "", Stage::atelier),
            Tool::Dvc(_) => ("dvc.yaml", "stages:\n", Stage::dvc),
            Tool::Ninja(_) => ("build.ninja", "rule run\n  command = $cmd\n", Stage::ninja),
        };
        let text: String = stages.iter().map(declare).collect();
        Ok(fs_err::write(folder.join(file), head.to_owned() + &text)?)
    }
}

/// Work of a tool.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    /// Bring everything up to date.
    Repro,
    /// Take the file `large` into its cache.
    Add,
}

/// A command that makes one file or folder from others.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) command: String,
    /// A file, or a folder with the files in it, for a tool that has files alone.
    pub(crate) input: String,
    pub(crate) files: Vec<String>,
    pub(crate) output: String,
}

impl Stage {
    fn atelier(&self) -> String {
        let Stage {
            name,
            command,
            input,
            output,
            ..
        } = self;
        let command = command.replace("OUTPUT", "${out.o}");
        format!(
            "[stage.{name}]\ncmd = '{command}'\nin = {{ i = \"{input}\" }}\nout = {{ o = \"{output}\" }}\n"
        )
    }

    fn dvc(&self) -> String {
        let Stage {
            name,
            command,
            input,
            output,
            ..
        } = self;
        let command = command.replace("OUTPUT", output);
        format!("  {name}:\n    cmd: {command}\n    deps: [{input}]\n    outs: [{output}]\n")
    }

    fn ninja(&self) -> String {
        let Stage {
            command,
            input,
            files,
            output,
            ..
        } = self;
        let command = command.replace("OUTPUT", output);
        let inputs = match files.as_slice() {
            [] => input.clone(),
            files => files.join(" "),
        };
        format!("build {output}: run {inputs}\n  cmd = {command}\n")
    }
}

fn set_up(environment: &Path) -> anyhow::Result<()> {
    if !environment.is_dir() {
        let mut python = Command::new("python3");
        run(python.args(["-m", "venv"]).arg(environment), Path::new("."))?;
    }
    let mut pip = Command::new(environment.join("bin/pip"));
    run(
        pip.args(["install", "--quiet"]).args(PACKAGES),
        Path::new("."),
    )
}

fn run(command: &mut Command, folder: &Path) -> anyhow::Result<()> {
    let command = command.current_dir(folder).stdin(Stdio::null());
    let output = { command.output() }.with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} failed: {errors}");
    }
    Ok(())
}
