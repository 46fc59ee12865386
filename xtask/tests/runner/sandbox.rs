//! Stages held to what they declare.

use crate::space::Space;

fn skipped() -> bool {
    let skipped = !confine::is_supported();
    if skipped {
        eprintln!("skipped: this kernel has no Landlock");
    }
    skipped
}

const COPY: &str = r#"
[stage.copy]
cmd = "cat ${in.src} > ${out.copy}; mktemp > /dev/null"
in = { src = "src.txt" }
out = { copy = "made/copy.txt" }
"#;

#[test]
fn what_is_declared_is_reached() {
    if skipped() {
        return;
    }
    let space = Space::new(COPY);
    let ran = space.run(&["repro", "--sandbox"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(space.read("made/copy.txt"), "source\n");
    // It is no part of a key.
    assert!(space.ok(&["repro"]).stdout.contains("0 ran"));
}

#[test]
fn an_output_may_be_written_in_its_place() {
    if skipped() {
        return;
    }
    let space = Space::new(
        r#"
[stage.place]
cmd = "mkdir -p made && cp src.txt made/copy.txt"
in = { src = "src.txt" }
out = { copy = "made/copy.txt" }
"#,
    );
    fs_err::create_dir(space.path("made")).unwrap();
    let ran = space.run(&["repro", "--sandbox"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn an_undeclared_input_fails_with_the_line_to_add() {
    if skipped() {
        return;
    }
    let declared = COPY.replace("cat ${in.src}", "cat ${in.src} data/extra.csv");
    let space = Space::new(&declared);
    space.write("data/extra.csv", "more\n");
    let ran = space.run(&["repro", "--sandbox"]);
    assert_ne!(ran.code, Some(0));
    assert!(
        ran.stderr.contains("`in` of [stage.copy] in pipeline.toml"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("extra = \"data/extra.csv\""),
        "{}",
        ran.stderr
    );
    assert!(!space.exists("made/copy.txt"));

    space.write(
        "pipeline.toml",
        &declared.replace(
            "src = \"src.txt\"",
            "src = \"src.txt\", extra = \"data/extra.csv\"",
        ),
    );
    let ran = space.run(&["repro", "--sandbox"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(space.read("made/copy.txt"), "source\nmore\n");
}

#[test]
fn an_undeclared_output_is_not_written() {
    if skipped() {
        return;
    }
    let space = Space::new(&COPY.replace("mktemp", "echo x > src.txt; mktemp"));
    let ran = space.run(&["repro", "--sandbox"]);
    assert_ne!(ran.code, Some(0));
    assert_eq!(space.read("src.txt"), "source\n");
}
