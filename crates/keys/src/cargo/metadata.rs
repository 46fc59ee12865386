//! The part of `cargo metadata` that the code of a binary depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use workflow::source::Source;

use crate::error::Result;

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
    /// Entries of the lock file that it reaches.
    pub(crate) locked: BTreeSet<String>,
    /// Folders of the crates that it reaches by a path and that are no members, by name.
    pub(crate) outside: BTreeMap<String, PathBuf>,
}

/// Members by name, and entries of the lock file: `name version` → checksum and features.
type Members = (BTreeMap<String, Member>, BTreeMap<String, String>);

/// The parts of `cargo metadata` that the code of a binary depends on.
#[derive(Deserialize)]
pub(super) struct Metadata {
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
    /// The members with their dependencies.
    ///
    /// # Errors
    /// The lock file cannot be read.
    pub(super) fn members(&self, root: &Path) -> Result<Members> {
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
                if package.source.is_none() {
                    let folder = package.manifest_path.parent().unwrap_or(root);
                    member
                        .outside
                        .insert(package.name.clone(), folder.to_owned());
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
        Ok((members, locked))
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
        let binaries =
            of_kind("bin").map(|target| (target.name.clone(), relative(&target.src_path)));
        let features = node.map(|node| node.features.join(",")).unwrap_or_default();
        Member {
            folder: folder.strip_prefix(root).unwrap_or(folder).to_owned(),
            settings: format!("edition {} [{features}]", self.edition),
            binaries: binaries.collect(),
            features: self.features.keys().cloned().collect(),
            reaches: BTreeSet::new(),
            locked: BTreeSet::new(),
            outside: BTreeMap::new(),
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
