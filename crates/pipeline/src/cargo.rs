//! What cargo knows: the workspace's crates, what they link, and building them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use store::{Digest, Index};

use crate::error::{Error, Result};

mod build;
mod dep_info;
mod flags;
mod metadata;

pub(crate) use build::{Build, TABLES};
pub(crate) use dep_info::DepInfo;
use metadata::Metadata;
use workflow::source::Source;

/// The crates of the workspace and what the lock file holds for them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Packages {
    /// Hash of the files and the compiler that this was read from.
    state: Digest,
    /// Manifests of the members, from the workspace root.
    manifests: Vec<PathBuf>,
    /// `rustc 1.95.0 (…)` with the host's name.
    pub(crate) rustc: String,
    /// `[profile.release]` on one line.
    pub(crate) profile: String,
    /// What environment and configuration of cargo add to it, on one line; empty where they add nothing.
    pub(crate) flags: String,
    /// By name.
    pub(crate) members: BTreeMap<String, Member>,
    /// `name version` → checksum and features.
    pub(crate) locked: BTreeMap<String, String>,
}

/// A crate of the workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    /// From the workspace root.
    pub(crate) folder: PathBuf,
    /// Edition and features on one line.
    pub(crate) settings: String,
    /// Source files of its binaries by name, from `folder`.
    pub(crate) binaries: BTreeMap<String, PathBuf>,
    /// Features that it declares.
    pub(crate) features: BTreeSet<String>,
    /// Members that it reaches by normal and build dependencies, itself included.
    pub(crate) reaches: BTreeSet<String>,
    /// Keys of [`Packages::locked`] that it reaches.
    pub(crate) locked: BTreeSet<String>,
    /// Folders of the crates that it reaches by a path and that are no members, by name.
    pub(crate) outside: BTreeMap<String, PathBuf>,
}

impl Packages {
    /// Reads `cache`, or asks cargo where the manifests, the lock file or the compiler changed.
    ///
    /// # Errors
    /// Cargo or rustc fails, or a manifest cannot be read.
    pub(crate) fn load(root: &Path, cache: &Path, index: &mut Index) -> Result<(Self, bool)> {
        let cached = store::read_own(cache).ok();
        let cached: Option<Packages> = cached.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if let Some(cached) = cached
            && state(root, &cached.manifests, index).is_ok_and(|state| state == cached.state)
        {
            return Ok((cached, false));
        }
        Ok((Packages::ask(root, index)?, true))
    }

    fn ask(root: &Path, index: &mut Index) -> Result<Self> {
        let version = output(
            Command::new(tool("rustc", "RUSTC")).arg("-vV"),
            "ask rustc for its version",
        )?;
        let line = |start: &str| version.lines().find(|line| line.starts_with(start));
        let host = line("host: ").map_or("", |line| &line["host: ".len()..]);
        let mut command = Command::new(tool("cargo", "CARGO"));
        command.current_dir(root).args([
            "metadata",
            "--format-version",
            "1",
            "--filter-platform",
            host,
        ]);
        let text = output(&mut command, "read the workspace's metadata")?;
        let metadata: Metadata = serde_json::from_str(&text).map_err(|error| Error::Cargo {
            what: "read the workspace's metadata".into(),
            why: error.to_string(),
        })?;
        let rustc = format!("{} {host}", line("rustc ").unwrap_or_default());
        let mut packages = metadata.packages(root)?;
        packages.rustc = rustc;
        packages.profile = release_profile(root)?;
        packages.flags = flags::read(root)?;
        // After cargo's run, which may have completed the lock file.
        packages.state = state(root, &packages.manifests, index)?;
        Ok(packages)
    }

    /// The member that has the binary of `run`, a text `crate/binary`.
    ///
    /// # Errors
    /// There's no such member or binary; the message names the nearest.
    pub(crate) fn member_of(&self, run: &str) -> Result<&Member> {
        let (package, binary) = run.split_once('/').unwrap_or((run, run));
        let Some(member) = self.members.get(package) else {
            let hint = nearest_name::hint(package, self.members.keys().map(String::as_str));
            return Err(Error::Invalid(format!(
                "the workspace has no crate `{package}`{hint}"
            )));
        };
        if !member.binaries.contains_key(binary) {
            let hint = nearest_name::hint(binary, member.binaries.keys().map(String::as_str));
            return Err(Error::Invalid(format!(
                "crate `{package}` has no binary `{binary}`{hint}"
            )));
        }
        Ok(member)
    }

    /// The member that has the binary of a stage's `run`, a text `crate/binary`.
    ///
    /// # Errors
    /// There's no such member or binary, or it is made from a crate whose files no key covers.
    pub(crate) fn member_of_stage(&self, run: &str) -> Result<&Member> {
        let member = self.member_of(run)?;
        match member.outside.iter().next() {
            None => Ok(member),
            Some((name, folder)) => Err(Error::Invalid(format!(
                "`{run}` is made from crate `{name}` in `{}`, which is no member of the workspace, so that no key covers it: make it a member, or take it from a registry or by git",
                folder.display()
            ))),
        }
    }
}

/// What the answer of cargo depends on.
fn state(root: &Path, manifests: &[PathBuf], index: &mut Index) -> Result<Digest> {
    let mut text = String::new();
    let fixed = [PathBuf::from("Cargo.lock"), PathBuf::from("Cargo.toml")];
    // Joining an absolute path gives that path.
    for path in { fixed.iter() }.chain(manifests).chain(&flags::files(root)) {
        let digest = index.digest(&root.join(path))?;
        text.push_str(&format!("{} {digest}\n", path.display()));
    }
    // A compiler is too big to hash: its file's state stands for it.
    let rustc = tool("rustc", "RUSTC");
    let settings = home().map(|home| home.join(".rustup/settings.toml"));
    for file in [find(&rustc), settings].into_iter().flatten() {
        if let Ok(metadata) = fs_err::metadata(&file) {
            let modified = metadata.modified().ok();
            text.push_str(&format!(
                "{} {} {modified:?}\n",
                file.display(),
                metadata.len()
            ));
        }
    }
    text.push_str(&format!("{:?}\n", std::env::var_os("RUSTUP_TOOLCHAIN")));
    text.push_str(&flags::variables().join("\n"));
    Ok(Digest::of_bytes(text.as_bytes()))
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}

/// The program to call: the one in `variable`, else beside the cargo that
/// started this process, else by the search path.
fn tool(name: &str, variable: &str) -> OsString {
    if let Some(program) = std::env::var_os(variable) {
        return program;
    }
    let cargo = std::env::var_os("CARGO").map(PathBuf::from);
    match cargo.map(|cargo| cargo.with_file_name(name)) {
        Some(program) if program.is_file() => program.into(),
        _ => name.into(),
    }
}

fn find(program: &OsString) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).map(|folder| folder.join(program));
    // Joining an absolute path gives that path.
    { folders }.find(|file| file.is_file())
}

fn output(command: &mut Command, what: &str) -> Result<String> {
    let failed = |why: String| Error::Cargo {
        what: what.to_owned(),
        why,
    };
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(failed(message.trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The lines of `[profile.release]` and its sub-tables, without comments.
fn release_profile(root: &Path) -> Result<String> {
    let source = Source::read(&root.join("Cargo.toml"), "Cargo.toml")?;
    let document = source.parse()?;
    let profile = document
        .as_table()
        .get("profile")
        .and_then(|profile| profile.get("release"));
    let mut lines = Vec::new();
    if let Some(profile) = profile {
        flatten("", profile, &mut lines);
    }
    lines.sort();
    Ok(lines.join(", "))
}

fn flatten(prefix: &str, item: &toml_edit::Item, lines: &mut Vec<String>) {
    match item.as_table_like() {
        Some(table) => {
            for (key, item) in table.iter() {
                let dotted = if prefix.is_empty() {
                    key.to_owned()
                } else {
                    format!("{prefix}.{key}")
                };
                flatten(&dotted, item, lines);
            }
        }
        None => {
            let value =
                workflow::json::to_json(item).map_or_else(String::new, |value| value.to_string());
            lines.push(format!("{prefix} = {value}"));
        }
    }
}
