//! Crates of the workspace and those that they use: as cargo has them, and as the map of `ARCHITECTURE.md` lists them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::circles::Graph;

/// All crates of tables are one row of the map.
const TABLE: &str = "table-NAME";

/// The map: rows of a crate, what it is, and the crates that it uses.
pub(crate) fn listed(text: &str) -> Graph {
    let (_, map) = text.split_once("\n## Map\n").unwrap();
    let (map, _) = map.split_once("\n#").unwrap();
    let rows = map.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let name = cells.first()?.strip_prefix('`')?.strip_suffix('`')?;
        let uses = cells
            .last()?
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        Some((name.to_owned(), uses))
    });
    rows.collect()
}

/// Description of the workspace by cargo.
fn metadata(root: &Path) -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Packages with a program.
pub(crate) fn with_programs(root: &Path) -> Vec<String> {
    let has_program = |package: &&serde_json::Value| {
        let mut targets = package["targets"].as_array().unwrap().iter();
        targets.any(|target| target["kind"][0] == "bin")
    };
    let metadata = metadata(root);
    let packages = metadata["packages"].as_array().unwrap().iter();
    let names = packages.filter(has_program).map(|it| it["name"].as_str());
    names.map(|name| name.unwrap().to_owned()).collect()
}

/// Normal and build dependencies within the workspace, but for crates of tables.
pub(crate) fn used(root: &Path) -> Graph {
    let metadata = metadata(root);
    let packages = metadata["packages"].as_array().unwrap();
    let members: BTreeSet<&str> = packages
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    let uses = |package: &serde_json::Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let ours = dependencies.filter(|it| it["kind"].is_null() || it["kind"] == "build");
        let names = ours.map(|it| it["name"].as_str().unwrap());
        let names = names.filter(|name| members.contains(name) && !is_table(name));
        names.map(str::to_owned).collect()
    };
    let mut used = Graph::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let name = if is_table(name) { TABLE } else { name };
        let uses: BTreeSet<String> = uses(package);
        used.entry(name.to_owned()).or_default().extend(uses);
    }
    used
}

fn is_table(name: &str) -> bool {
    name.starts_with("table-") && !["table-io", "table-protocol"].contains(&name)
}
