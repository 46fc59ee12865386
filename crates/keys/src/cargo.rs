//! Cargo: the workspace's crates with their dependencies, and what a build made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};
use store::{Digest, Index};

use crate::error::{Error, Result};

mod built;
mod dep_info;
mod flags;
mod metadata;
mod program;
mod variables;

pub use built::Built;
pub(crate) use dep_info::DepInfo;
pub(crate) use metadata::Member;
use metadata::Metadata;
pub use program::tool;
use program::{find, home, output};
pub use variables::Variable;

/// The crates of the workspace, with their entries of the lock file.
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
    /// Flags from cargo's environment and configuration, on one line; empty where there are none.
    pub(crate) flags: String,
    /// By name.
    pub(crate) members: BTreeMap<String, Member>,
    /// `name version` → checksum and features.
    pub(crate) locked: BTreeMap<String, String>,
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
        let (members, locked) = metadata.members(root)?;
        let folders = members.values();
        let manifests = folders.map(|member| member.folder.join("Cargo.toml"));
        let manifests: Vec<PathBuf> = manifests.collect();
        Ok(Packages {
            // After cargo's run, which may have completed the lock file.
            state: state(root, &manifests, index)?,
            manifests,
            rustc,
            profile: flags::release_profile(root)?,
            flags: flags::read(root)?,
            members,
            locked,
        })
    }

    /// The member that has the binary of `run`, a text `crate/binary`.
    ///
    /// # Errors
    /// There's no such member or binary; the message names the nearest.
    pub(crate) fn member_of(&self, run: &str) -> Result<&Member> {
        let (package, binary) = run.split_once('/').unwrap_or((run, run));
        let Some(member) = self.members.get(package) else {
            let hint = nearest_name::hint(package, self.members.keys().map(String::as_str));
            let name = package.to_owned();
            return Err(Error::UnknownCrate { name, hint });
        };
        if !member.binaries.contains_key(binary) {
            let hint = nearest_name::hint(binary, member.binaries.keys().map(String::as_str));
            return Err(Error::UnknownBinary {
                package: package.to_owned(),
                name: binary.to_owned(),
                hint,
            });
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
            Some((name, folder)) => Err(Error::ForeignCrate {
                run: run.to_owned(),
                name: name.clone(),
                folder: folder.clone(),
            }),
        }
    }
}

/// Hash of everything that cargo's metadata depend on.
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
