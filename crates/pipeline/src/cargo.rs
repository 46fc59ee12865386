//! What cargo knows: the workspace's crates, what they link, and building them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Digest, Index};

use crate::device::Device;
use crate::error::{Error, Result};
use crate::nearest;
use crate::process::{self, Interrupts};
use crate::source::Source;

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
    /// As other crates write it.
    pub(crate) library: String,
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
    /// Whether users depend only on those of its modules that they name.
    pub(crate) named_modules: bool,
}

impl Packages {
    /// Reads `cache`, or asks cargo where the manifests, the lock file or the compiler changed.
    ///
    /// # Errors
    /// Cargo or rustc fails, or a manifest cannot be read.
    pub(crate) fn load(root: &Path, cache: &Path, index: &mut Index) -> Result<(Self, bool)> {
        let cached = fs_err::read(cache).ok();
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
            let hint = nearest::hint(package, self.members.keys().map(String::as_str));
            return Err(Error::Invalid(format!(
                "the workspace has no crate `{package}`{hint}"
            )));
        };
        if !member.binaries.contains_key(binary) {
            let hint = nearest::hint(binary, member.binaries.keys().map(String::as_str));
            return Err(Error::Invalid(format!(
                "crate `{package}` has no binary `{binary}`{hint}"
            )));
        }
        Ok(member)
    }
}

/// What the answer of cargo depends on.
fn state(root: &Path, manifests: &[PathBuf], index: &mut Index) -> Result<Digest> {
    let mut text = String::new();
    let fixed = [PathBuf::from("Cargo.lock"), PathBuf::from("Cargo.toml")];
    for path in fixed.iter().chain(manifests) {
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
                crate::params::to_json(item).map_or_else(String::new, |value| value.to_string());
            lines.push(format!("{prefix} = {value}"));
        }
    }
}

/// The parts of `cargo metadata` that decide what a binary is made from.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    edition: String,
    manifest_path: PathBuf,
    source: Option<String>,
    targets: Vec<CrateTarget>,
    features: BTreeMap<String, Vec<String>>,
    metadata: Option<Value>,
}

#[derive(Deserialize)]
struct CrateTarget {
    name: String,
    kind: Vec<String>,
    src_path: PathBuf,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Link>,
    features: Vec<String>,
}

#[derive(Deserialize)]
struct Link {
    pkg: String,
    dep_kinds: Vec<LinkKind>,
}

#[derive(Deserialize)]
struct LinkKind {
    kind: Option<String>,
}

impl Metadata {
    fn packages(&self, root: &Path) -> Result<Packages> {
        let checksums = checksums(root)?;
        let nodes: BTreeMap<&str, &Node> = self
            .resolve
            .nodes
            .iter()
            .map(|node| (node.id.as_str(), node))
            .collect();
        let by_id: BTreeMap<&str, &Package> =
            self.packages.iter().map(|p| (p.id.as_str(), p)).collect();
        let mut members = BTreeMap::new();
        let mut locked = BTreeMap::new();
        for id in &self.workspace_members {
            let Some(package) = by_id.get(id.as_str()) else {
                continue;
            };
            let mut member = package.member(root, nodes.get(id.as_str()).copied());
            for id in reachable(id, &nodes) {
                let Some(package) = by_id.get(id) else {
                    continue;
                };
                if self.workspace_members.contains(id) {
                    member.reaches.insert(package.name.clone());
                    continue;
                }
                let name = format!("{} {}", package.name, package.version);
                let origin = checksums.get(&name).or(package.source.as_ref());
                let features = nodes
                    .get(id)
                    .map(|node| node.features.join(","))
                    .unwrap_or_default();
                let origin = origin.map_or("no checksum", String::as_str);
                locked.insert(name.clone(), format!("{origin} [{features}]"));
                member.locked.insert(name);
            }
            members.insert(package.name.clone(), member);
        }
        let manifests = members
            .values()
            .map(|member| member.folder.join("Cargo.toml"));
        Ok(Packages {
            state: Digest::of_bytes(b""),
            manifests: manifests.collect(),
            rustc: String::new(),
            profile: String::new(),
            members,
            locked,
        })
    }
}

impl Package {
    fn member(&self, root: &Path, node: Option<&Node>) -> Member {
        let folder = self.manifest_path.parent().unwrap_or(root);
        let relative = |path: &Path| path.strip_prefix(folder).unwrap_or(path).to_owned();
        let of_kind = |kind: &'static str| {
            let targets = self.targets.iter();
            targets.filter(move |target| target.kind.iter().any(|of| of.contains(kind)))
        };
        let library = of_kind("lib")
            .next()
            .map_or(&self.name, |target| &target.name);
        let binaries =
            of_kind("bin").map(|target| (target.name.clone(), relative(&target.src_path)));
        let features = node.map(|node| node.features.join(",")).unwrap_or_default();
        let modules = self
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.pointer("/atelier/modules"));
        Member {
            folder: folder.strip_prefix(root).unwrap_or(folder).to_owned(),
            library: library.replace('-', "_"),
            settings: format!("edition {} [{features}]", self.edition),
            binaries: binaries.collect(),
            features: self.features.keys().cloned().collect(),
            reaches: BTreeSet::new(),
            locked: BTreeSet::new(),
            named_modules: modules.and_then(Value::as_str) == Some("named"),
        }
    }
}

/// Packages reached by normal and build dependencies, the start included.
fn reachable<'a>(start: &'a str, nodes: &BTreeMap<&'a str, &'a Node>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::from([start]);
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        let Some(node) = nodes.get(id) else { continue };
        for link in &node.deps {
            let is_linked = link
                .dep_kinds
                .iter()
                .any(|kind| kind.kind.as_deref() != Some("dev"));
            if is_linked && seen.insert(&link.pkg) {
                open.push(&link.pkg);
            }
        }
    }
    seen
}

/// `name version` → checksum, of all packages from a registry.
fn checksums(root: &Path) -> Result<BTreeMap<String, String>> {
    let source = Source::read(&root.join("Cargo.lock"), "Cargo.lock")?;
    let document = source.parse()?;
    let packages = document
        .as_table()
        .get("package")
        .and_then(toml_edit::Item::as_array_of_tables);
    let mut checksums = BTreeMap::new();
    for package in packages.into_iter().flatten() {
        let text = |key: &str| package.get(key).and_then(toml_edit::Item::as_str);
        if let (Some(name), Some(version), Some(checksum)) =
            (text("name"), text("version"), text("checksum"))
        {
            checksums.insert(format!("{name} {version}"), checksum.to_owned());
        }
    }
    Ok(checksums)
}

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
}

impl Build {
    /// Builds in release, with cargo's own progress on standard error, and
    /// returns the path of each executable by `crate/binary`.
    ///
    /// # Errors
    /// Cargo cannot be started, the build fails, or a signal asks to stop.
    pub(crate) fn run(
        &self,
        root: &Path,
        interrupts: &Interrupts,
    ) -> Result<BTreeMap<String, PathBuf>> {
        let failed = |why: String| Error::Cargo {
            what: "build the stages".into(),
            why,
        };
        let mut child = self
            .command(root)
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let mut executables = BTreeMap::new();
        process::listen(&mut child, interrupts, |line| {
            executables.extend(executable(&line));
            Ok(())
        })?;
        let status = child.wait()?;
        interrupts.check()?;
        if status.success() {
            Ok(executables)
        } else {
            Err(failed(format!("cargo ended with {status}")))
        }
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
