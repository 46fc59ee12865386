use super::*;

fn manifest(lines: &[(&str, &str, &str)]) -> Manifest {
    let mut manifest = Manifest::default();
    for (section, name, value) in lines {
        manifest.add(Section::named(section), name, *value);
    }
    manifest
}

fn explain(old: &Manifest, new: &Manifest) -> Vec<String> {
    new.differences(old)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_text_reads_back_and_the_order_of_adding_is_nothing() {
    let a = manifest(&[("param", "lr", "0.1"), ("command", "run", "\"a = b\"")]);
    let b = manifest(&[("command", "run", "\"a = b\""), ("param", "lr", "0.1")]);
    assert_eq!(a.key(), b.key());
    assert_eq!(Manifest::read(&a.to_string()), a);
}

#[test]
fn differences_are_the_reasons() {
    let digest = "0".repeat(64);
    let old = manifest(&[
        ("param", "lr", "0.1"),
        ("code", "a.rs", &digest),
        ("input", "x", &digest),
    ]);
    let new = manifest(&[
        ("param", "lr", "0.2"),
        ("code", "b.rs", &digest),
        ("input", "x", "other"),
    ]);
    assert_ne!(old.key(), new.key());
    assert_eq!(
        explain(&old, &new),
        [
            "param lr 0.1 → 0.2",
            "input x changed",
            "code a.rs removed",
            "code b.rs added"
        ]
    );
    assert!(explain(&old, &old).is_empty());
}

#[test]
fn tables_of_params_differ_key_by_key() {
    let mut old = Manifest::default();
    old.add_param("adam", &serde_json::json!({"beta1": 0.9, "beta2": 0.99}));
    let mut new = Manifest::default();
    new.add_param("adam", &serde_json::json!({"beta2": 0.99, "beta1": 0.8}));
    assert_eq!(explain(&old, &new), ["param adam.beta1 0.9 → 0.8"]);
}

#[test]
fn an_input_to_be_made_is_a_difference_only_if_it_is_new() {
    let old = manifest(&[("input", "x", "1"), ("param", "lr", "0.1")]);
    let new = manifest(&[("param", "lr", "0.1")]);
    let while_pending = |name| {
        let differences = new.differences_while(&old, &BTreeSet::from([name]));
        let texts = differences.iter().map(ToString::to_string);
        texts.collect::<Vec<String>>()
    };
    assert!(while_pending("x").is_empty());
    assert_eq!(while_pending("y"), ["input x removed", "input y added"]);
    assert_eq!(explain(&old, &new), ["input x removed"]);
}

#[test]
fn lines_are_sorted_as_texts_and_names_are_escaped() {
    let lines = manifest(&[
        ("param", "b", "2"),
        ("param", "a=\n ", "1"),
        ("package", "x 1", "y"),
        ("command", "run", "a/b"),
        ("code", "z.rs", "0"),
        ("crate", "c", ""),
        ("build", "", "f"),
        ("later", "x", "1"),
    ]);
    let text = lines.to_string();
    expect_test::expect![[r#"
        build = f
        code z.rs = 0
        command run = a/b
        crate c = 
        later x = 1
        package x 1 = y
        param a\x3d\n = 1
        param b = 2
    "#]]
    .assert_eq(&text);
    let mut sorted: Vec<&str> = text.lines().collect();
    sorted.sort_unstable();
    assert_eq!(sorted, text.lines().collect::<Vec<_>>());
    assert_eq!(Manifest::read(&text).to_string(), text);
}

#[test]
fn differences_come_in_the_order_for_people_and_sections_of_other_versions_last() {
    let sections = [
        "build", "later", "package", "crate", "code", "output", "input", "env", "param", "command",
    ];
    let lines: Vec<_> = { sections.iter() }
        .map(|section| (*section, "x", "1"))
        .collect();
    assert_eq!(
        explain(&Manifest::default(), &manifest(&lines)).join("\n"),
        "command x 1 added\nparam x 1 added\nenv x 1 added\ninput x 1 added\noutput x 1 added\ncode x 1 added\n\
         crate x 1 added\npackage x 1 added\nbuild x 1 added\nlater x 1 added"
    );
}

#[test]
fn values_that_are_long_or_empty_are_not_shown() {
    let long = "x".repeat(25);
    let of = |value: &str| manifest(&[("env", "V", value)]);
    assert_eq!(explain(&of("1"), &of(&long)), ["env V changed"]);
    assert_eq!(explain(&of("1"), &of("")), ["env V changed"]);
    assert_eq!(explain(&Manifest::default(), &of(&long)), ["env V added"]);
    assert_eq!(explain(&of("1"), &of("2")), ["env V 1 → 2"]);
}

#[test]
fn differences_are_json_with_entry_and_values() {
    let old = manifest(&[
        ("param", "a", "1"),
        ("param", "b", "2"),
        ("param", "c", "3"),
    ]);
    let new = manifest(&[
        ("param", "b", "4"),
        ("param", "c", "3"),
        ("param", "d", "5"),
    ]);
    let differences = new.differences_while(&old, &BTreeSet::from(["x"]));
    let json = serde_json::to_string(&differences).unwrap();
    assert_eq!(
        json,
        r#"[{"entry":"param a","old":"1","new":null},{"entry":"param b","old":"2","new":"4"},{"entry":"param d","old":null,"new":"5"},{"entry":"input x","old":null,"new":null}]"#
    );
    let read: Vec<Difference> = serde_json::from_str(&json).unwrap();
    assert_eq!(read, differences);
}

#[test]
fn code_is_hashed_apart_from_the_rest() {
    let code = [("code", "a.rs", "0"), ("build", "rustc", "1.95")];
    let mut with_params = code.to_vec();
    with_params.push(("param", "lr", "0.1"));
    assert_eq!(manifest(&code).code(), manifest(&with_params).code());
    assert_eq!(
        manifest(&code).code(),
        Some(Digest::of_bytes(b"build rustc = 1.95\ncode a.rs = 0\n"))
    );
    assert_eq!(manifest(&[("param", "lr", "0.1")]).code(), None);
}
