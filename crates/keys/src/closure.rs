//! The code that a stage's binary is made from, found without a declaration.
//!
//! It is the files of the stage's crate, without its other binaries, and of the
//! workspace crates that it reaches by normal and build dependencies, without
//! their binaries. Tests, benches, examples and prose are left out; so is a
//! module of tests at the end of a file. No name is looked for in a source: a
//! crate that is reached and not used counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use store::{Digest, Index};

use crate::cargo::{Member, Packages};
use crate::error::Result;
use crate::manifest::{Manifest, Section};

mod test_module;

pub(crate) use test_module::without_tests;

/// Version of the rules by which the code of a file counts: digests by other rules are computed anew.
const RULES: &str = "2";

/// Digests of code, remembered between runs by the state of the files.
#[derive(Debug, Default)]
pub(crate) struct Closures {
    known: BTreeMap<String, Known>,
    /// Files of each crate, looked at once a process.
    files: BTreeMap<String, Vec<(PathBuf, Digest)>>,
    pub(crate) changed: bool,
}

/// The closure of a binary when its files had a certain state.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    state: Digest,
    /// Digest of the part of a file that counts, by path from the workspace root.
    code: BTreeMap<String, Digest>,
}

impl Closures {
    /// Reads `cache`; empty where it cannot be read.
    pub(crate) fn load(cache: &Path) -> Self {
        let known = store::read_own(cache).ok();
        let known = known.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Closures {
            known: known.unwrap_or_default(),
            ..Closures::default()
        }
    }

    /// The file for [`Closures::load`].
    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.known).expect("maps with text keys are JSON")
    }

    /// Looks at the files anew from here on.
    pub(crate) fn forget_files(&mut self) {
        self.files.clear();
    }

    /// The lines of the manifest for the code of `package/binary`.
    ///
    /// # Errors
    /// There's no such crate or binary, or a file cannot be read.
    pub(crate) fn manifest(
        &mut self,
        root: &Path,
        packages: &Packages,
        index: &mut Index,
        run: &str,
    ) -> Result<Manifest> {
        let main = packages.member_of_stage(run)?;
        let mut manifest = Manifest::default();
        manifest.add(Section::Build, "rustc", &*packages.rustc);
        manifest.add(Section::Build, "profile", &*packages.profile);
        if !packages.flags.is_empty() {
            manifest.add(Section::Build, "flags", &*packages.flags);
        }
        for name in &main.reaches {
            manifest.add(Section::Crate, name, &*packages.members[name].settings);
        }
        for name in &main.locked {
            manifest.add(Section::Package, name, &*packages.locked[name]);
        }
        for (path, digest) in self.code(root, packages, index, run)? {
            manifest.add(Section::Code, &path, digest.to_string());
        }
        Ok(manifest)
    }

    /// Digests of the files of `package/binary` as far as they count, by path from the workspace root.
    ///
    /// # Errors
    /// There's no such crate or binary, or a file cannot be read.
    pub(crate) fn code(
        &mut self,
        root: &Path,
        packages: &Packages,
        index: &mut Index,
        run: &str,
    ) -> Result<BTreeMap<String, Digest>> {
        let (package, binary) = run.split_once('/').unwrap_or((run, run));
        let main = packages.member_of(run)?;
        let mut files = Vec::new();
        for name in &main.reaches {
            let member = &packages.members[name];
            if !self.files.contains_key(name) {
                let listed = list_crate(root, packages, member, index)?;
                self.files.insert(name.clone(), listed);
            }
            let kept = if name == package { Some(binary) } else { None };
            let of_crate = self.files[name].iter();
            let of_crate = of_crate.filter(|(path, _)| !is_other_binary(member, path, kept));
            files.extend(of_crate.cloned());
        }
        let state: String = files
            .iter()
            .map(|(path, digest)| format!("{} {digest}\n", path.display()))
            .collect();
        let state = Digest::of_bytes(format!("rules {RULES}\n{state}").as_bytes());
        if let Some(known) = self.known.get(run)
            && known.state == state
        {
            return Ok(known.code.clone());
        }
        let code = read_code(root, &files)?;
        self.known.insert(
            run.to_owned(),
            Known {
                state,
                code: code.clone(),
            },
        );
        self.changed = true;
        Ok(code)
    }
}

/// Files of a crate that may be compiled, from the workspace root, sorted.
fn list_crate(
    root: &Path,
    packages: &Packages,
    member: &Member,
    index: &mut Index,
) -> Result<Vec<(PathBuf, Digest)>> {
    let members = packages.members.values();
    let nested = members.map(|other| other.folder.as_path());
    let nested: Vec<&Path> = nested.filter(|other| *other != member.folder).collect();
    let mut paths = Vec::new();
    list_folder(root, &member.folder, true, &nested, &mut paths)?;
    paths.sort();
    let digests = paths.into_iter().map(|path| {
        let digest = index.digest(&root.join(&path))?;
        Ok((path, digest))
    });
    digests.collect()
}

/// Lists a folder without those of `other` crates.
fn list_folder(
    root: &Path,
    folder: &Path,
    is_top: bool,
    others: &[&Path],
    paths: &mut Vec<PathBuf>,
) -> Result<()> {
    for entry in fs_err::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(text) = name.to_str() else { continue };
        let path = folder.join(&name);
        if entry.path().is_dir() {
            let is_left_out = match text {
                "tests" => true,
                "benches" | "examples" | "target" => is_top,
                _ => text.starts_with('.'),
            };
            if !is_left_out && !others.contains(&path.as_path()) {
                list_folder(root, &path, false, others, paths)?;
            }
        } else if is_code(text, is_top) {
            paths.push(path);
        }
    }
    Ok(())
}

/// Returns whether a file of this name is compiled, or may be included by a compiled one. The
/// crate's manifest counts by the features and dependencies that cargo reports.
fn is_code(name: &str, is_top: bool) -> bool {
    let is_test = name == "tests.rs" || name.ends_with("_tests.rs");
    let is_prose = name.ends_with(".md") || name.starts_with("LICENSE");
    let is_left_by_editor = name.starts_with('.') || name.starts_with('#') || name.ends_with('~');
    let is_manifest = is_top && (name == "Cargo.toml" || name == "Cargo.lock");
    !(is_test || is_prose || is_left_by_editor || is_manifest)
}

/// Returns whether `path`, from the workspace root, belongs to a binary other than `kept`.
fn is_other_binary(member: &Member, path: &Path, kept: Option<&str>) -> bool {
    let others = member
        .binaries
        .iter()
        .filter(|(name, _)| Some(name.as_str()) != kept);
    let mut places = others.map(|(_, source)| {
        let place = member.folder.join(source);
        // `src/bin/x/main.rs` owns its folder; `src/main.rs` doesn't own `src`.
        let owns_folder = place.ends_with("main.rs") && !place.ends_with("src/main.rs");
        if owns_folder {
            place.parent().map(Path::to_owned).unwrap_or(place)
        } else {
            place
        }
    });
    places.any(|place| path.starts_with(place))
}

/// Digests of files as far as they count.
fn read_code(root: &Path, files: &[(PathBuf, Digest)]) -> Result<BTreeMap<String, Digest>> {
    let code = files.iter().map(|(path, digest)| {
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        let digest = if is_rust {
            let text = fs_err::read_to_string(root.join(path))?;
            Digest::of_bytes(without_tests(&text).as_bytes())
        } else {
            *digest
        };
        Ok((path.display().to_string(), digest))
    });
    code.collect()
}

#[cfg(test)]
mod repository;
#[cfg(test)]
mod tests;
