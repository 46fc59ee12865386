//! The runner is compiled on a fresh clone before anything happens: it stays small.

use std::collections::BTreeSet;
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
    assert!(names.contains("pipeline") && names.contains("store"));
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
    // The crate `ignore` and what it stands on are ten of them: keys follow the rules of ignore files.
    assert!(names.len() < 100, "{} packages", names.len());
}
