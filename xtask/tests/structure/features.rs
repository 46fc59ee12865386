//! Features of dependencies as cargo resolves them, for a package and for the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Libraries that take long to compile.
const LARGE: [&str; 6] = [
    "arrow-array",
    "candle-core",
    "candle-nn",
    "parquet",
    "serde_arrow",
    "umap-rs",
];

/// Features of a package that a registry has, by its name and version. In `build.rs` and macros they can be others.
type Features = BTreeMap<String, BTreeSet<String>>;

/// Large libraries of which a build of one of `packages` has others than a build of the workspace, each with a dependency
/// whose features differ.
pub(crate) fn built_twice(root: &Path, packages: &[String]) -> Vec<String> {
    let workspace = features(root, &["--workspace"]);
    let large = LARGE.map(|name| (name, features(root, &["--package", name])));
    let mut found = Vec::new();
    for package in packages {
        let own = features(root, &["--package", package]);
        for (name, dependencies) in large.iter().filter(|(name, _)| has(&own, name)) {
            for dependency in dependencies.keys() {
                let features = own.get(dependency);
                if features.is_some() && features != workspace.get(dependency) {
                    found.push(format!("{package}: {name}, for {dependency} {features:?}"));
                }
            }
        }
    }
    found
}

fn has(features: &Features, package: &str) -> bool {
    let start = format!("{package} ");
    features.keys().any(|name| name.starts_with(&start))
}

/// The features of all dependencies of the packages that `selection` selects.
fn features(root: &Path, selection: &[&str]) -> Features {
    let output = Command::new(env!("CARGO"))
        .current_dir(root)
        .args([
            "tree",
            "--locked",
            "--offline",
            "--no-dedupe",
            "--prefix",
            "none",
        ])
        .args(["--edges", "normal,build", "--format", "{p}|{f}"])
        .args(selection)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "cargo tree {selection:?}: {errors}"
    );
    let mut features = Features::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        // A crate of the workspace has its path after the version.
        if let Some((package, list)) = line.split_once('|')
            && !package.contains("(/")
        {
            let name = package.trim_end_matches(" (proc-macro)").to_owned();
            features.entry(name).or_default().insert(list.to_owned());
        }
    }
    features
}
