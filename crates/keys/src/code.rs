//! The code of the workspace's binaries: by cargo's knowledge and the closures found with it, or by the manifest of an
//! archive.

use std::path::{Path, PathBuf};

use store::{Index, write_whole};
use workflow::declaration::{Action, Declaration};
use workflow::instance::Instance;

use crate::cargo::{Built, DepInfo, Packages, Variable};
use crate::closure::Closures;
use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::prebuilt::Prebuilt;

/// Code of binaries, loaded when first needed.
#[derive(Debug)]
pub struct Code {
    root: PathBuf,
    /// The runner's own folder.
    folder: PathBuf,
    /// True if cargo's answer is stored for the next command.
    is_kept: bool,
    packages: Option<Packages>,
    /// The manifest of an archive, once looked for; none in it where the workspace has sources.
    prebuilt: Option<Option<Prebuilt>>,
    closures: Closures,
}

impl Code {
    /// Code of the workspace at `root`, with the runner's folder `folder`.
    pub fn open(root: &Path, folder: &Path, is_kept: bool) -> Self {
        Code {
            root: root.to_owned(),
            folder: folder.to_owned(),
            is_kept,
            packages: None,
            prebuilt: None,
            closures: Closures::load(&folder.join("code.json")),
        }
    }

    /// The lines of a manifest for the code of `run`, a text `crate/binary`.
    ///
    /// # Errors
    /// There's no such binary, or cargo fails.
    pub fn manifest(&mut self, run: &str, index: &mut Index) -> Result<Manifest> {
        if let Some(prebuilt) = self.prebuilt()? {
            return prebuilt.manifest(run);
        }
        self.load(index)?;
        let packages = self.packages.as_ref().expect("they were just loaded");
        self.closures.manifest(&self.root, packages, index, run)
    }

    /// Returns whether there is the binary of `run`, a text `crate/binary`.
    ///
    /// # Errors
    /// Cargo fails.
    pub fn has(&mut self, run: &str, index: &mut Index) -> Result<bool> {
        if let Some(prebuilt) = self.prebuilt()? {
            return Ok(prebuilt.binary(run).is_ok());
        }
        if !self.root.join("Cargo.toml").is_file() {
            return Ok(false);
        }
        Ok(self.load(index)?.member_of(run).is_ok())
    }

    /// Checks that there is the binary of `run`, a text `crate/binary`.
    ///
    /// # Errors
    /// There isn't; the message names the nearest. Or cargo fails.
    pub fn check(&mut self, run: &str, index: &mut Index) -> Result<()> {
        if let Some(prebuilt) = self.prebuilt()? {
            return prebuilt.binary(run).map(drop);
        }
        self.load(index)?.member_of_stage(run).map(drop)
    }

    /// A file that the binary of `run` was made from, by cargo's file beside `executable`, and that its key doesn't
    /// cover.
    ///
    /// # Errors
    /// There's no such binary, or a file cannot be read.
    pub fn uncovered(
        &mut self,
        run: &str,
        executable: &Path,
        index: &mut Index,
    ) -> Result<Option<PathBuf>> {
        if self.prebuilt()?.is_some() {
            return Ok(None);
        }
        self.load(index)?;
        let packages = self.packages.as_ref().expect("they were just loaded");
        let code = self.closures.code(&self.root, packages, index, run)?;
        Ok(DepInfo::read(executable)?.uncovered(&self.root, &code))
    }

    /// A variable of the environment that the binary of `run` was compiled with, and that its key doesn't cover.
    ///
    /// # Errors
    /// There's no such binary, or a file cannot be read.
    pub fn uncovered_variable(
        &mut self,
        run: &str,
        built: &Built,
        index: &mut Index,
    ) -> Result<Option<Variable>> {
        if self.prebuilt()?.is_some() {
            return Ok(None);
        }
        let root = self.root.clone();
        let reaches = &self.load(index)?.member_of_stage(run)?.reaches;
        built.uncovered_variable(&root, run, &reaches.clone(), index)
    }

    /// Reads sources and manifests again from here on, after a build.
    pub fn forget(&mut self) {
        self.closures.forget_files();
        self.packages = None;
    }

    /// Writes the caches of the next command.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&mut self) -> store::Result<()> {
        if self.closures.changed {
            write_whole(&self.folder.join("code.json"), &self.closures.to_json())?;
            self.closures.changed = false;
        }
        Ok(())
    }

    /// The manifest of an archive; none where the workspace has sources.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn prebuilt(&mut self) -> Result<Option<&Prebuilt>> {
        let prebuilt = match self.prebuilt.take() {
            Some(prebuilt) => prebuilt,
            None => Prebuilt::load(&self.root)?,
        };
        Ok(self.prebuilt.insert(prebuilt).as_ref())
    }

    fn load(&mut self, index: &mut Index) -> Result<&Packages> {
        let packages = match self.packages.take() {
            Some(packages) => packages,
            None => self.ask(index)?,
        };
        Ok(self.packages.insert(packages))
    }

    fn ask(&self, index: &mut Index) -> Result<Packages> {
        let cache = self.folder.join("cargo.json");
        let (packages, is_new) = Packages::load(&self.root, &cache, index)?;
        if is_new && self.is_kept {
            let text = serde_json::to_vec(&packages).map_err(std::io::Error::from)?;
            write_whole(&cache, &text)?;
        }
        Ok(packages)
    }
}

/// Points an error about the name of an instance's binary at its `run`.
pub fn at_stage(declaration: &Declaration, instance: &Instance, error: Error) -> Error {
    let is_of_name = matches!(
        error,
        Error::UnknownCrate { .. }
            | Error::UnknownBinary { .. }
            | Error::ForeignCrate { .. }
            | Error::NotPrebuilt { .. }
    );
    let located = is_of_name.then(|| located(declaration, instance, error.to_string()));
    located.flatten().map_or(error, Error::from)
}

/// An error that points at an instance's `run`; none for an instance of a command.
pub fn located(
    declaration: &Declaration,
    instance: &Instance,
    message: String,
) -> Option<workflow::Error> {
    let mut stages = declaration.stages.iter();
    match &stages.find(|stage| stage.name == instance.stage)?.action {
        Action::Run(run) => Some(declaration.source.error(run.span.clone(), message)),
        Action::Command(_) => None,
    }
}
