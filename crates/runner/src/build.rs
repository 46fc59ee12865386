//! Building the binaries of stages, or taking them from an archive.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use executor::Interrupts;
use keys::cargo::{Built, tool};
use keys::prebuilt::Prebuilt;
use workflow::declaration::Action;
use workflow::device::Device;
use workflow::graph::PerInstance;
use workflow::instance::Instance;

use crate::error::{Error, Result};

/// Crate and binary of the program that reads and writes tables.
pub(crate) const TABLES: &str = "checks/table";

/// A build of binaries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Build {
    /// All crates that have stages: always the same, so that cargo unifies
    /// features, and thus compiles dependencies, in one way only.
    pub(crate) packages: BTreeSet<String>,
    /// The binaries to make, as `crate/binary`.
    pub(crate) binaries: BTreeSet<String>,
    /// Crates whose stages run on a device, with it.
    pub(crate) devices: BTreeSet<(String, Device)>,
    /// True if the build goes on where something doesn't compile.
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

    /// The binaries, from an archive if the workspace is one, else built in release, with cargo's own progress on
    /// standard error. Where it keeps going, executables that don't compile are missing.
    ///
    /// # Errors
    /// Cargo cannot be started, the build fails, a binary of the archive isn't the one of its manifest, or a signal to
    /// stop came.
    pub(crate) fn run(&self, root: &Path, interrupts: &Interrupts) -> Result<Built> {
        if let Some(prebuilt) = Prebuilt::load(root)? {
            return self.take(root, &prebuilt);
        }
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
        let mut built = Built::default();
        executor::follow(&mut child, interrupts, |line| built.add(&line))?;
        let status = child.wait()?;
        interrupts.check()?;
        if status.success() {
            Ok(built)
        } else if self.keep_going {
            self.without_broken(built, root, interrupts)
        } else {
            Err(failed(format!("cargo ended with {status}")))
        }
    }

    /// The binaries of an archive, each checked by its SHA-256.
    fn take(&self, root: &Path, prebuilt: &Prebuilt) -> Result<Built> {
        let mut built = Built::default();
        for run in &self.binaries {
            let binary = prebuilt.binary(run)?;
            let package = run.split('/').next().unwrap_or(run);
            let mut devices = self.devices.iter().filter(|(name, _)| name == package);
            let is_other = |device: &Device| device.feature().is_some_and(|it| it != binary.device);
            if let Some((_, device)) = devices.find(|(_, device)| is_other(device)) {
                return Err(Error::from(keys::Error::Cargo {
                    what: format!("run `{run}` on {}", device.name()),
                    why: format!(
                        "the archive has it for {}; a checkout of the sources builds for {}",
                        binary.device,
                        device.name()
                    ),
                }));
            }
            let path = root.join(&binary.path);
            let found = ledger::sha256::of_file(&path)?;
            if found != binary.sha256 {
                return Err(Error::NotThePrebuilt {
                    run: run.clone(),
                    path: binary.path.clone(),
                    found,
                    expected: binary.sha256.clone(),
                });
            }
            built.executables.insert(run.clone(), path);
        }
        Ok(built)
    }

    /// Builds once more without binaries that don't compile: cargo writes dependency information only where the whole
    /// build succeeds.
    fn without_broken(&self, built: Built, root: &Path, interrupts: &Interrupts) -> Result<Built> {
        if built.executables.is_empty() {
            return Ok(built);
        }
        let build = Build {
            binaries: built.executables.into_keys().collect(),
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
