//! The code that a stage's binary is made from, found without anybody listing it.
//!
//! It is the files of the stage's crate, without its other binaries, and of the
//! workspace crates that it reaches by normal and build dependencies, without
//! their binaries. Tests, benches, examples and prose are left out; so is a
//! block of tests at the end of a file. Of a crate whose manifest says
//! `[package.metadata.atelier] modules = "named"`, only those public modules
//! count which code of the closure names: adding a table concerns nobody yet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use store::{Digest, Index};

use crate::cargo::{Member, Packages};
use crate::error::{Error, Result};
use crate::manifest::{Manifest, Section};

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
    /// Path from the workspace root, with the digest of what counts in it.
    code: BTreeMap<String, Digest>,
}

impl Closures {
    /// What `cache` remembers; nothing where it cannot be read.
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
        let (package, binary) = run.split_once('/').unwrap_or((run, run));
        let main = packages.member_of(run)?;
        let mut manifest = Manifest::default();
        manifest.add(Section::Build, "rustc", &*packages.rustc);
        manifest.add(Section::Build, "profile", &*packages.profile);
        for name in &main.reaches {
            manifest.add(Section::Crate, name, &*packages.members[name].settings);
        }
        for name in &main.locked {
            manifest.add(Section::Package, name, &*packages.locked[name]);
        }
        for (path, digest) in self.code(root, packages, index, (package, binary))? {
            manifest.add(Section::Code, &path, digest.to_string());
        }
        Ok(manifest)
    }

    fn code(
        &mut self,
        root: &Path,
        packages: &Packages,
        index: &mut Index,
        (package, binary): (&str, &str),
    ) -> Result<BTreeMap<String, Digest>> {
        let main = &packages.members[package];
        let mut files = Vec::new();
        for name in &main.reaches {
            let member = &packages.members[name];
            if !self.files.contains_key(name) {
                let listed = list_crate(root, member, index)?;
                self.files.insert(name.clone(), listed);
            }
            let kept = if name == package { Some(binary) } else { None };
            let of_crate = self.files[name].iter();
            let of_crate = of_crate.filter(|(path, _)| !is_other_binary(member, path, kept));
            files.extend(of_crate.map(|(path, digest)| (name.as_str(), path.clone(), *digest)));
        }
        let state: String = files
            .iter()
            .map(|(_, path, digest)| format!("{} {digest}\n", path.display()))
            .collect();
        let state = Digest::of_bytes(state.as_bytes());
        let run = format!("{package}/{binary}");
        if let Some(known) = self.known.get(&run)
            && known.state == state
        {
            return Ok(known.code.clone());
        }
        let code = read_code(root, packages, &files)?;
        self.known.insert(
            run,
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
fn list_crate(root: &Path, member: &Member, index: &mut Index) -> Result<Vec<(PathBuf, Digest)>> {
    let mut paths = Vec::new();
    list_folder(root, &member.folder, true, &mut paths)?;
    paths.sort();
    let digests = paths.into_iter().map(|path| {
        let digest = index.digest(&root.join(&path))?;
        Ok((path, digest))
    });
    digests.collect()
}

fn list_folder(root: &Path, folder: &Path, is_top: bool, paths: &mut Vec<PathBuf>) -> Result<()> {
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
            if !is_left_out {
                list_folder(root, &path, false, paths)?;
            }
        } else if is_code(text, is_top) {
            paths.push(path);
        }
    }
    Ok(())
}

/// Whether a file of this name is compiled, or may be included by what is. The
/// crate's manifest counts by the features and dependencies that cargo reports.
fn is_code(name: &str, is_top: bool) -> bool {
    let is_test = name == "tests.rs" || name.ends_with("_tests.rs");
    let is_prose = name.ends_with(".md") || name.starts_with("LICENSE");
    let is_left_by_editor = name.starts_with('.') || name.starts_with('#') || name.ends_with('~');
    let is_manifest = is_top && (name == "Cargo.toml" || name == "Cargo.lock");
    !(is_test || is_prose || is_left_by_editor || is_manifest)
}

/// Whether `path`, from the workspace root, belongs to a binary other than `kept`.
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

/// The digest of what counts in each file.
fn read_code(
    root: &Path,
    packages: &Packages,
    files: &[(&str, PathBuf, Digest)],
) -> Result<BTreeMap<String, Digest>> {
    let mut texts = Vec::new();
    for (name, path, digest) in files {
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        let text = if is_rust {
            let text = fs_err::read_to_string(root.join(path))?;
            Some(without_tests(&text))
        } else {
            None
        };
        texts.push(File {
            package: name,
            path,
            digest: *digest,
            text,
        });
    }
    let crates: BTreeSet<&str> = files.iter().map(|(name, ..)| *name).collect();
    for name in crates {
        let member = &packages.members[name];
        if member.named_modules {
            keep_named_modules(member, &mut texts)?;
        }
    }
    let code = texts.into_iter().map(|file| {
        let digest = match &file.text {
            Some(text) => Digest::of_bytes(text.as_bytes()),
            None => file.digest,
        };
        (file.path.display().to_string(), digest)
    });
    Ok(code.collect())
}

/// A file of a closure; the text of Rust sources is without tests.
struct File<'a> {
    package: &'a str,
    path: &'a Path,
    digest: Digest,
    text: Option<String>,
}

/// `text` without blocks of tests: from a line `#[cfg(test)]` that is followed
/// by `mod tests {` through the next line `}`, all three at the first column.
fn without_tests(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let opens = line.trim_end() == "#[cfg(test)]"
            && lines
                .peek()
                .is_some_and(|next| next.trim_end() == "mod tests {");
        if opens {
            let _block = lines.by_ref().find(|line| line.trim_end() == "}");
        } else {
            kept.push_str(line);
        }
    }
    kept
}

/// Drops the public modules of `member` that nothing names, and their lines in
/// its `lib.rs`. A module that a kept one names is kept, too.
fn keep_named_modules(member: &Member, files: &mut Vec<File<'_>>) -> Result<()> {
    let source = member.folder.join("src");
    let root_file = source.join("lib.rs");
    let is_root = |file: &File<'_>| file.path == root_file;
    let root_text = files
        .iter()
        .find(|file| is_root(file))
        .and_then(|file| file.text.clone());
    let Some(root_text) = root_text else {
        let message = format!(
            "crate `{}` has named modules but no `src/lib.rs`",
            member.library
        );
        return Err(Error::Invalid(message));
    };
    let modules: BTreeSet<&str> = root_text.lines().filter_map(public_module).collect();
    let module_of = |path: &Path| -> Option<&str> {
        let first = path.strip_prefix(&source).ok()?.components().next()?;
        let name = first.as_os_str().to_str()?;
        modules
            .get(name.strip_suffix(".rs").unwrap_or(name))
            .copied()
    };
    let mut open: Vec<&str> = Vec::new();
    for file in files
        .iter()
        .filter(|file| !is_root(file) && module_of(file.path).is_none())
    {
        open.extend(named(file, member, &modules));
    }
    let mut kept: BTreeSet<&str> = BTreeSet::new();
    while let Some(module) = open.pop() {
        if kept.insert(module) {
            let of_module = files
                .iter()
                .filter(|file| module_of(file.path) == Some(module));
            open.extend(of_module.flat_map(|file| named(file, member, &modules)));
        }
    }
    files.retain(|file| module_of(file.path).is_none_or(|module| kept.contains(module)));
    if let Some(root_file) = files.iter_mut().find(|file| file.path == root_file) {
        let dropped: BTreeSet<&str> = modules.difference(&kept).copied().collect();
        root_file.text = Some(without_modules(&root_text, &dropped));
    }
    Ok(())
}

/// The name in a line `pub mod name;`.
fn public_module(line: &str) -> Option<&str> {
    line.strip_prefix("pub mod ")?.trim_end().strip_suffix(';')
}

/// The text of a `lib.rs` without prose and without the lines of `dropped` modules.
fn without_modules(text: &str, dropped: &BTreeSet<&str>) -> String {
    let concerns = |line: &str| {
        let path = line
            .strip_prefix("pub use ")
            .and_then(|path| path.split("::").next());
        public_module(line)
            .or(path)
            .is_some_and(|module| dropped.contains(module))
    };
    let lines = text
        .lines()
        .filter(|line| !is_comment(line) && !concerns(line));
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// Those of `modules` that a file names, as `library::module` from outside and
/// `crate::module` or `super::module` from inside; all of them where the file
/// takes the library as a whole.
fn named<'m>(file: &File<'_>, member: &Member, modules: &BTreeSet<&'m str>) -> BTreeSet<&'m str> {
    let Some(text) = &file.text else {
        return BTreeSet::new();
    };
    let code: String = text
        .lines()
        .filter(|line| !is_comment(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    let is_inside = member.library == file.package.replace('-', "_");
    let heads: &[&str] = if is_inside {
        &["crate", "super"]
    } else {
        &[&member.library]
    };
    let mut found = BTreeSet::new();
    for head in heads {
        for names in paths_after(&code, head) {
            for name in names {
                match name {
                    "*" | "self" => return modules.clone(),
                    name => found.extend(modules.get(name)),
                }
            }
        }
        let renamed = format!("use {head} as ");
        if code.contains(&renamed) {
            return modules.clone();
        }
    }
    found
}

/// The words that directly follow each `head::`, those in braces included.
fn paths_after<'t>(code: &'t str, head: &str) -> Vec<Vec<&'t str>> {
    let prefix = format!("{head}::");
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&prefix) {
        let is_whole_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if is_whole_word {
            found.push(first_words(code[at + prefix.len()..].trim_start()));
        }
    }
    found
}

/// The first word of a path, or the words of a braced list.
fn first_words(rest: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if rest.starts_with('*') {
        return vec!["*"];
    }
    if !rest.starts_with('{') {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        return vec![&rest[..end]];
    }
    let mut depth = 0_usize;
    let end = rest.find(|c| {
        depth = match c {
            '{' => depth + 1,
            '}' => depth - 1,
            _ => depth,
        };
        depth == 0
    });
    let list = &rest[..end.unwrap_or(rest.len())];
    list.split(|c| !is_word(c) && c != '*')
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests;
