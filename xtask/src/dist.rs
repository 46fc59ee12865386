//! An archive for people who use the pipeline and don't edit its code.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};
use clap::Args;
use cli::arguments::common::Params;
use cli::print;
use cli::workspace::{current_folder, open};
use runner::prebuild::prebuild;
use runner::workspace::Access;

/// Files and folders that the archive has besides binaries, if the workspace has them.
const FILES: [&str; 14] = [
    "pipeline.toml",
    "params.toml",
    // An input of stage `model-card`.
    "Cargo.toml",
    "params",
    "searches",
    "weights.toml",
    "notebooks",
    "docs",
    "README.md",
    "GLOSSARY.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
];

/// Pack the built stages in an archive that needs neither Rust nor the sources
#[derive(Debug, Args)]
#[command(after_help = "\
Unpacked in an empty folder, `./atelier` takes the place of `cargo xtask`. It has the keys of the sources, so that both share a cache.

Examples:
  cargo xtask dist
  cargo xtask dist --out atelier.tar.gz")]
pub(crate) struct Dist {
    /// The archive; by default atelier-VERSION-TARGET.tar.gz in the current folder
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    params: Params,
}

/// Builds and packs.
pub(crate) fn dist(arguments: &Dist) -> anyhow::Result<ExitCode> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    let root = workspace.workflow.root.clone();
    crate::cargo::check_sources(&root, "dist")?;
    let (prebuilt, binaries) = prebuild(&mut workspace, &study_commands::PROGRAMS)?;
    let name = format!("atelier-{}-{}", prebuilt.version, prebuilt.target);
    let work = root.join(format!("target/dist-{}", std::process::id()));
    let folder = work.join(&name);
    for (place, executable) in &binaries {
        copy(executable, &folder.join(place))?;
    }
    copy(&std::env::current_exe()?, &folder.join("atelier"))?;
    for file in FILES {
        copy_tree(&root.join(file), &folder.join(file))?;
    }
    let text = serde_json::to_vec(&prebuilt)?;
    fs_err::write(folder.join(keys::prebuilt::FILE), text)?;
    let out = arguments.out.clone();
    let out = out.unwrap_or_else(|| format!("{name}.tar.gz").into());
    pack(&work, &name, &current_folder()?.join(&out))?;
    fs_err::remove_dir_all(&work)?;
    let bytes = fs_err::metadata(current_folder()?.join(&out))?.len();
    print::text(&format!(
        "{}: {} binaries, {:.1} MB\n",
        out.display(),
        binaries.len(),
        bytes as f64 / 1e6
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the folder `name` in `work` as an archive.
fn pack(work: &Path, name: &str, out: &Path) -> anyhow::Result<()> {
    let mut command = Command::new("tar");
    command.arg("-czf").arg(out).arg("-C").arg(work).arg(name);
    let status = command.status().context("cannot start `tar`")?;
    ensure!(status.success(), "cannot pack: `tar` ended with {status}");
    Ok(())
}

/// Copies a file or a folder, if it is there.
fn copy_tree(from: &Path, to: &Path) -> anyhow::Result<()> {
    if !from.is_dir() {
        return if from.is_file() {
            copy(from, to)
        } else {
            Ok(())
        };
    }
    for entry in fs_err::read_dir(from)? {
        let name = entry?.file_name();
        copy_tree(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if let Some(parent) = to.parent() {
        fs_err::create_dir_all(parent)?;
    }
    fs_err::copy(from, to)?;
    Ok(())
}
