use super::*;

#[test]
fn a_block_of_tests_is_left_out() {
    let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n";
    assert_eq!(without_tests(text), "fn a() {}\n\nfn c() {}\n");
}

#[test]
fn other_test_items_stay() {
    for text in [
        "#[cfg(test)]\nmod tests;\n",
        "#[cfg(test)]\nfn helper() {}\n",
        "mod tests {\n}\n",
    ] {
        assert_eq!(without_tests(text), text);
    }
}

#[test]
fn names_after_a_library_are_found() {
    let code = "use tables::{fold::Fold, history::{self, History}};\nlet x: tables::score::Score;\nuse mytables::zzz;";
    let mut words: Vec<&str> = paths_after(code, "tables").concat();
    words.sort_unstable();
    assert_eq!(
        words,
        ["Fold", "History", "fold", "history", "score", "self"]
    );
}

#[test]
fn a_binary_is_a_file_or_a_folder() {
    let member = Member {
        folder: "crates/metrics".into(),
        library: "metrics".into(),
        settings: String::new(),
        binaries: BTreeMap::from([
            ("score".into(), "src/bin/score.rs".into()),
            ("check".into(), "src/bin/check/main.rs".into()),
            ("metrics".into(), "src/main.rs".into()),
        ]),
        features: BTreeSet::new(),
        reaches: BTreeSet::new(),
        locked: BTreeSet::new(),
        named_modules: false,
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

mod named_modules {
    use super::*;

    /// The modules of a crate `tables` that remain when `user` is the stage's code.
    fn check(user: &str, expected: &[&str]) {
        let library = "//! Tables.\nmod io;\npub mod fold;\npub mod history;\npub mod timing;\npub use io::Table;\npub use timing::Timing;\n";
        let texts = [
            ("tables", "crates/tables/src/lib.rs", library),
            ("tables", "crates/tables/src/io.rs", "pub trait Table {}\n"),
            ("tables", "crates/tables/src/fold.rs", "use crate::Table;\n"),
            (
                "tables",
                "crates/tables/src/history.rs",
                "/// See [`crate::timing`].\nuse crate::fold::Fold;\n",
            ),
            ("tables", "crates/tables/src/timing.rs", "struct Timing;\n"),
            ("metrics", "crates/metrics/src/lib.rs", user),
        ];
        let mut files: Vec<File<'_>> = texts
            .iter()
            .map(|(package, path, text)| File {
                package,
                path: Path::new(path),
                digest: Digest::of_bytes(b""),
                text: Some((*text).to_owned()),
            })
            .collect();
        let member = Member {
            folder: "crates/tables".into(),
            library: "tables".into(),
            settings: String::new(),
            binaries: BTreeMap::new(),
            features: BTreeSet::new(),
            reaches: BTreeSet::new(),
            locked: BTreeSet::new(),
            named_modules: true,
        };
        keep_named_modules(&member, &mut files).unwrap();
        let root = files[0].text.as_deref().unwrap();
        let modules: Vec<&str> = root.lines().filter_map(public_module).collect();
        assert_eq!(modules, expected);
        assert_eq!(files.len(), 3 + expected.len());
        assert_eq!(root.contains("Timing"), expected.contains(&"timing"));
    }

    #[test]
    fn only_what_is_named_counts_with_what_it_names() {
        check("use tables::Table;\n", &[]);
        check("use tables::fold::Fold;\n", &["fold"]);
        check(
            "use tables::{history::History, Table};\n",
            &["fold", "history"],
        );
        check("// tables::timing is not used\n", &[]);
    }

    #[test]
    fn taking_the_whole_library_takes_all() {
        check("use tables::*;\n", &["fold", "history", "timing"]);
        check("use tables as t;\n", &["fold", "history", "timing"]);
    }
}
