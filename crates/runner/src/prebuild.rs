//! Binaries for an archive, which runs where there are neither sources nor cargo.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use executor::Interrupts;
use keys::manifest::Section;
use keys::prebuilt::{Binary, Prebuilt};
use workflow::declaration::Action;
use workflow::device::Device;

use crate::build::{Build, TABLES};
use crate::error::{Error, Result};
use crate::workspace::Workspace;

/// Folder of the binaries in an archive.
const FOLDER: &str = "bin";

/// Builds the binaries of all stages, and of those `programs`, each a text `crate/binary`, that the workspace has. Returns
/// the manifest of the archive and each executable by its place in it.
///
/// # Errors
/// The build fails, a key doesn't cover the code of a stage, the workspace is an archive itself, or a signal to stop came.
pub fn prebuild(
    workspace: &mut Workspace,
    programs: &[&str],
) -> Result<(Prebuilt, BTreeMap<PathBuf, PathBuf>)> {
    let interrupts = Interrupts::catch()?;
    let mut build = Build::of(&workspace.workflow.graph.instances);
    let mut stages = BTreeMap::new();
    for instance in &workspace.workflow.graph.instances {
        if let Action::Run(run) = &instance.action {
            stages.insert(run.clone(), Arc::clone(instance));
        }
    }
    build.binaries.extend(stages.keys().cloned());
    let check = { workspace.workflow.declaration.device_check.as_ref() }.map(|it| it.run.clone());
    let others = programs.iter().copied().chain([TABLES]);
    for run in others.chain(check.as_deref()) {
        if workspace.has_binary(run)? {
            build.add(run, None);
            build.binaries.insert(run.to_owned());
        }
    }
    let root = workspace.workflow.root.clone();
    let built = build.run(&root, &interrupts)?;
    workspace.forget_code();
    for (run, instance) in &stages {
        workspace.check_code(&instance.name, run, &built)?;
    }
    let (mut binaries, mut files) = (BTreeMap::new(), BTreeMap::new());
    let mut target = String::new();
    for run in &build.binaries {
        let executable = built.executables.get(run);
        let executable = executable.ok_or_else(|| Error::NoExecutable(run.clone()))?;
        let manifest = workspace.code.manifest(run, &mut workspace.state.index)?;
        let compiler = manifest.section(&Section::Build).remove("rustc");
        let host = compiler.as_deref().and_then(|text| text.rsplit(' ').next());
        target = host.unwrap_or_default().to_owned();
        let (package, name) = run.split_once('/').unwrap_or((run, run));
        let mut devices = build.devices.iter().filter(|(of, _)| of == package);
        let device = devices.find_map(|(_, device)| device.feature());
        let path = PathBuf::from(FOLDER).join(name);
        let sha256 = ledger::sha256::of_file(executable)?;
        let device = device.unwrap_or(Device::Cpu.name()).to_owned();
        let binary = Binary::new(path.clone(), sha256, device, &manifest);
        binaries.insert(run.clone(), binary);
        files.insert(path, executable.clone());
    }
    let commit = workspace.state.environment(&root).commit.clone();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok((Prebuilt::new(version, commit, target, binaries), files))
}
