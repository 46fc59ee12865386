//! The workspace's structure: modules without circles, crates as `ARCHITECTURE.md` has them, and one build of each
//! large library.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod circles;
mod features;
mod map;
mod modules;

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Source folders of the workspace's libraries and of `xtask`.
fn sources() -> Vec<PathBuf> {
    let crates = root().join("crates");
    let mut open = vec![crates];
    let mut sources = vec![root().join("xtask/src")];
    while let Some(folder) = open.pop() {
        for entry in fs_err::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.join("src").is_dir() {
                sources.push(path.join("src"));
            } else if path.is_dir() && path.file_name().unwrap() != "target" {
                open.push(path);
            }
        }
    }
    sources.sort();
    sources
}

#[test]
fn modules_of_a_crate_form_no_circle() {
    let mut found = Vec::new();
    for source in sources() {
        let modules = modules::of(&source);
        let name = source.strip_prefix(root()).unwrap().display().to_string();
        for circle in circles::of(&modules.uses()) {
            found.push(format!("{name}: {}", circle.join(" ")));
        }
    }
    assert!(
        found.is_empty(),
        "circles of modules:\n{}",
        found.join("\n")
    );
}

#[test]
fn crates_use_those_that_the_map_lists() {
    let text = fs_err::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (listed, used) = (map::listed(&text), map::used(root()));
    for (name, uses) in &used {
        assert_eq!(
            listed.get(name),
            Some(uses),
            "uses of `{name}` in the map of ARCHITECTURE.md"
        );
    }
    let gone: Vec<_> = listed
        .keys()
        .filter(|name| !used.contains_key(*name))
        .collect();
    assert!(gone.is_empty(), "crates of the map that are gone: {gone:?}");
    assert!(circles::of(&used).is_empty());
}

#[test]
fn large_libraries_have_one_build() {
    let found = features::built_twice(root(), &map::with_programs(root()));
    assert!(
        found.is_empty(),
        "features that `crates/unified` lacks:\n{}",
        found.join("\n")
    );
}
