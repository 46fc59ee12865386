use std::collections::BTreeSet;

use super::*;

#[test]
fn a_binary_is_a_file_or_a_folder() {
    let member = Member {
        folder: "crates/metrics".into(),
        settings: String::new(),
        binaries: BTreeMap::from([
            ("score".into(), "src/bin/score.rs".into()),
            ("check".into(), "src/bin/check/main.rs".into()),
            ("metrics".into(), "src/main.rs".into()),
        ]),
        features: BTreeSet::new(),
        reaches: BTreeSet::new(),
        locked: BTreeSet::new(),
        outside: BTreeMap::new(),
    };
    let is_other = |path: &str, kept| is_other_binary(&member, Path::new(path), kept);
    assert!(is_other(
        "crates/metrics/src/bin/check/part.rs",
        Some("score")
    ));
    assert!(!is_other(
        "crates/metrics/src/bin/check/part.rs",
        Some("check")
    ));
    assert!(!is_other("crates/metrics/src/bin/score.rs", Some("score")));
    assert!(is_other("crates/metrics/src/bin/score.rs", None));
    assert!(is_other("crates/metrics/src/main.rs", None));
    assert!(!is_other("crates/metrics/src/lib.rs", None));
}

#[test]
fn tests_prose_and_leftovers_are_no_code() {
    for name in [
        "tests.rs",
        "kernel_tests.rs",
        "README.md",
        ".lib.rs.swp",
        "lib.rs~",
    ] {
        assert!(!is_code(name, false), "{name}");
    }
    assert!(is_code("lib.rs", false) && is_code("style.css", false));
    assert!(!is_code("Cargo.toml", true) && is_code("build.rs", true));
}
