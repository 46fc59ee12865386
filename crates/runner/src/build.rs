//! Building the binaries of stages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use executor::Interrupts;
use keys::cargo::tool;
use serde_json::Value;
use workflow::declaration::Action;
use workflow::device::Device;
use workflow::graph::PerInstance;
use workflow::instance::Instance;

use crate::error::{Error, Result};

/// Crate and binary of the program that reads and writes tables.
pub(crate) const TABLES: &str = "checks/table";

/// What to build, and how.
#[derive(Debug, Clone, Default)]
pub(crate) struct Build {
    /// All crates that have stages: always the same, so that cargo unifies
    /// features, and thus compiles dependencies, in one way only.
    pub(crate) packages: BTreeSet<String>,
    /// The binaries to make, as `crate/binary`.
    pub(crate) binaries: BTreeSet<String>,
    /// Crates whose stages run on a device, with it.
    pub(crate) devices: BTreeSet<(String, Device)>,
    /// Whether to make what can be made where something doesn't compile.
    pub(crate) keep_going: bool,
}

impl Build {
    /// All crates that have stages, and no binary yet.
    pub(crate) fn of(instances: &PerInstance<Arc<Instance>>) -> Self {
        let mut build = Build::default();
        for instance in instances {
            if let Action::Run(run) = &instance.action {
                build.add(run, instance.device);
            }
            if !instance.rules.checks.is_empty() {
                build.add(TABLES, None);
            }
        }
        build
    }

    /// Adds the crate of `run`, a text `crate/binary`.
    pub(crate) fn add(&mut self, run: &str, device: Option<Device>) {
        let package = run.split('/').next().unwrap_or(run).to_owned();
        self.devices
            .extend(device.map(|device| (package.clone(), device)));
        self.packages.insert(package);
    }

    /// Builds in release, with cargo's own progress on standard error, and
    /// returns the path of each executable by `crate/binary`. Where it keeps going, those that don't compile are missing.
    ///
    /// # Errors
    /// Cargo cannot be started, the build fails, or a signal asks to stop.
    pub(crate) fn run(
        &self,
        root: &Path,
        interrupts: &Interrupts,
    ) -> Result<BTreeMap<String, PathBuf>> {
        let failed = |why: String| {
            Error::from(keys::Error::Cargo {
                what: "build the stages".into(),
                why,
            })
        };
        let mut child = self
            .command(root)
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let mut executables = BTreeMap::new();
        executor::follow(&mut child, interrupts, |line| {
            executables.extend(executable(&line));
        })?;
        let status = child.wait()?;
        interrupts.check()?;
        if status.success() {
            Ok(executables)
        } else if self.keep_going {
            self.without_broken(executables, root, interrupts)
        } else {
            Err(failed(format!("cargo ended with {status}")))
        }
    }

    /// Builds what was made once more, without what doesn't compile: cargo tells what a binary is made from only where
    /// all goes well.
    fn without_broken(
        &self,
        made: BTreeMap<String, PathBuf>,
        root: &Path,
        interrupts: &Interrupts,
    ) -> Result<BTreeMap<String, PathBuf>> {
        if made.is_empty() {
            return Ok(made);
        }
        let build = Build {
            binaries: made.into_keys().collect(),
            keep_going: false,
            ..self.clone()
        };
        build.run(root, interrupts)
    }

    fn command(&self, root: &Path) -> Command {
        let mut command = Command::new(tool("cargo", "CARGO"));
        command
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command.args([
            "build",
            "--release",
            "--message-format=json-render-diagnostics",
        ]);
        if self.keep_going {
            command.arg("--keep-going");
        }
        for package in &self.packages {
            command.args(["--package", package]);
        }
        for run in &self.binaries {
            // Names, without the crate: those of the packages above are looked through.
            command.args(["--bin", run.rsplit('/').next().unwrap_or(run)]);
        }
        for (package, device) in &self.devices {
            if let Some(feature) = device.feature() {
                command
                    .arg("--features")
                    .arg(format!("{package}/{feature}"));
            }
        }
        command
    }
}

/// The executable that a line of cargo's messages announces.
fn executable(line: &[u8]) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_slice(line).ok()?;
    if message.get("reason")? != "compiler-artifact" {
        return None;
    }
    let path = message.get("executable")?.as_str()?;
    let folder = Path::new(message.get("manifest_path")?.as_str()?).parent()?;
    let binary = message.pointer("/target/name")?.as_str()?;
    let package = package_name(message.get("package_id")?.as_str()?, folder)?;
    Some((format!("{package}/{binary}"), PathBuf::from(path)))
}

/// The name in a package id: `path+file:///a/b#name@1.0`, or `…/name#1.0`
/// where the folder has the package's name.
fn package_name(id: &str, folder: &Path) -> Option<String> {
    let fragment = id.rsplit_once('#')?.1;
    match fragment.split_once('@') {
        Some((name, _)) => Some(name.to_owned()),
        None => Some(folder.file_name()?.to_str()?.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_found_in_the_messages() {
        let line = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/crates/metrics#0.1.0","manifest_path":"/w/crates/metrics/Cargo.toml","target":{"name":"score"},"executable":"/t/score"}"#;
        let found = executable(line.as_bytes());
        assert_eq!(found, Some(("metrics/score".into(), "/t/score".into())));
        assert_eq!(
            executable(line.replace("#0.1.0", "#scores@0.1.0").as_bytes())
                .unwrap()
                .0,
            "scores/score"
        );
        assert_eq!(executable(br#"{"reason":"build-finished"}"#), None);
        assert_eq!(executable(b"not json"), None);
    }
}
