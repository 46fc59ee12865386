//! Checks of outputs. The program that knows tables has tests of its own; here another stands in its place.

use crate::space::Space;

/// Refuses outputs that contain `bad`, and checks that contain `nonsense`.
const CHECKER: &str = r#"
fn main() {
    let question = std::env::args().nth(1).unwrap();
    let question = std::fs::read_to_string(question).unwrap();
    if question.contains("nonsense") {
        println!("{{\"faults\": [\"unknown field `nonsense`\"]}}");
        return;
    }
    let Some((_, path)) = question.split_once("\"path\":\"") else {
        println!("{{\"faults\": []}}");
        return;
    };
    let text = std::fs::read_to_string(path.split('"').next().unwrap()).unwrap();
    let mut log = std::fs::OpenOptions::new().append(true).create(true).open("checked").unwrap();
    std::io::Write::write_all(&mut log, b"checked\n").unwrap();
    if text.contains("bad") {
        println!("{{\"faults\": [\"row 0: `word` is bad\", \"row 1: so is this\"]}}");
    } else {
        println!("{{\"faults\": []}}");
    }
}
"#;

const STAGE: &str = r#"
[stage.s]
cmd = "echo ${chain.letter} > ${out.x}"
out = { x = "x.txt" }
"#;

fn checked(space: &Space) -> usize {
    let n_checked = if space.exists("checked") {
        space.read("checked").lines().count()
    } else {
        0
    };
    space.remove("checked");
    n_checked
}

#[test]
fn an_output_is_checked_once_and_before_it_is_recorded() {
    let with = |check: &str| format!("{STAGE}{check}\n");
    let space = Space::new(&with("check.x.rows = 1"));
    space.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"checks\"]\n",
    );
    space.write(
        "checks/Cargo.toml",
        "[package]\nname = \"checks\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    space.write("checks/src/bin/table.rs", CHECKER);
    assert_eq!(space.repro(), ["s ran"]);
    assert_eq!(checked(&space), 1);
    let bad = ["repro", "--set", "chain.letter=bad"];
    space.fails(
        &bad,
        "stage `s` failed the check of its output `x`:\nrow 0: `word` is bad\nrow 1: so is this\n",
    );
    assert_eq!(space.read("x.txt"), "x\n", "what was there stays");
    let told = space.run(&bad).stderr;
    let made = told
        .lines()
        .find_map(|line| line.strip_prefix("what it made: "));
    assert_eq!(space.read(made.unwrap()), "bad\n");
    checked(&space);
    assert_eq!(space.repro(), ["s up-to-date"]);
    assert_eq!(checked(&space), 0, "what has passed is not looked at again");

    // A new check of an old result runs the check, not the stage.
    space.ran();
    space.write("pipeline.toml", &with("check.x.rows = 2"));
    let status = space.ok(&["status"]).stdout;
    assert!(
        status.contains("s  up to date     output x to be checked\n"),
        "{status}"
    );
    assert_eq!(space.repro(), ["s up-to-date"]);
    assert_eq!((checked(&space), space.ran()), (1, String::new()));

    // Without a check it would have passed.
    space.write("pipeline.toml", STAGE);
    space.ok(&bad);
    space.write("pipeline.toml", &with("check.x.rows = 2"));
    space.fails(&bad, "stage `s` failed the check of its output `x`");
    space.write("pipeline.toml", &with("check.x.nonsense = 2"));
    space.ran();
    let other = ["repro", "--set", "chain.letter=z"];
    space.fails(&other, "stage `s`: unknown field `nonsense`");
    space.fails(&other, "--> pipeline.toml:5:7");
    assert_eq!(space.ran(), "", "words are read before anything runs");
}
