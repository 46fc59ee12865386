//! The runner is compiled on a fresh clone before anything happens: it stays small.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn the_runner_compiles_nothing_heavy() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "xtask", "--edges", "normal,build"])
        .args(["--prefix", "none", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.split(' ').next());
    let names: BTreeSet<&str> = names.collect();
    assert!(names.contains("runner") && names.contains("store"));
    for heavy in [
        "candle-core",
        "arrow-array",
        "parquet",
        "image",
        "tokio",
        "tables",
    ] {
        assert!(!names.contains(heavy), "xtask depends on `{heavy}`");
    }
    // Those of this workspace are known by their paths. The crate `ignore` and what it stands on are ten of the others: keys
    // follow the rules of ignore files. The digest `sha2` is eight: downloads are hashed as they come.
    let others = text.lines().filter(|line| !line.contains(" (/"));
    let others: BTreeSet<&str> = others.filter_map(|line| line.split(' ').next()).collect();
    assert!(others.len() < 99, "{} packages", others.len());
}

#[test]
fn programs_with_tests_are_built_for_them() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .args(["--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let targets = packages.flat_map(|package| package["targets"].as_array().unwrap());
    let mut n_programs = 0;
    for target in targets.filter(|target| target["kind"][0] == "bin") {
        let source = Path::new(target["src_path"].as_str().unwrap());
        let has_tests = sources(source).iter().any(|source| {
            let text = fs_err::read_to_string(source).unwrap();
            text.contains("#[test]")
        });
        let is_tested = target["test"] == true;
        let name = target["name"].as_str().unwrap();
        assert!(is_tested || !has_tests, "`{name}` has tests that don't run");
        n_programs += 1;
    }
    assert!(n_programs > 20, "{n_programs} programs");
}

/// The file of a program's `main`, with those beside it where it has a folder to itself.
fn sources(main: &Path) -> Vec<PathBuf> {
    if !main.ends_with("main.rs") {
        return vec![main.to_owned()];
    }
    let files = fs_err::read_dir(main.parent().unwrap()).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    files.filter(|path| path.is_file()).collect()
}
