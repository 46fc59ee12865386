//! Mistakes in declarations, reported before anything runs.

use crate::space::{CHAIN, Space};

fn check(pipeline: &str, part: &str) {
    let space = Space::new(pipeline);
    space.fails(&["repro"], part);
    assert_eq!(space.ran(), "", "nothing runs");
}

#[test]
fn a_cycle_is_printed_as_a_chain() {
    check(
        &CHAIN.replace("in = { src = \"src.txt\" }", "in = { src = \"c.txt\" }"),
        "stages form a cycle: a → b → c → a",
    );
}

#[test]
fn outputs_outside_or_overlapping_are_refused() {
    check(
        &CHAIN.replace("\"c.txt\"", "\"../c.txt\""),
        "outputs are inside the workspace",
    );
    check(
        &CHAIN.replace("\"c.txt\"", "\"/c.txt\""),
        "outputs are inside the workspace",
    );
    check(
        &CHAIN.replace("\"c.txt\"", "\"a.txt\""),
        "outputs overlap: `a.txt` of `a` and `a.txt` of `c`",
    );
    check(
        &CHAIN.replace("\"c.txt\"", "\"out\""),
        "outputs overlap: `out` of `c` and `out/b.txt` of `b`",
    );
}

#[test]
fn a_missing_input_is_found_before_anything_runs() {
    check(
        &CHAIN.replace(
            "in = { b = \"out/b.txt\" }",
            "in = { b = \"out/b.txt\", extra = \"data/extra.csv\" }",
        ),
        "stage `c` needs the input `extra`: `data/extra.csv` does not exist",
    );
}

#[test]
fn misspelt_names_are_answered_with_the_nearest() {
    check(
        &CHAIN.replace("${chain.letter}", "${chain.leter}"),
        "unknown parameter `chain.leter`; did you mean `chain.letter`?",
    );
    check(&CHAIN.replace("cmd =", "comd ="), "did you mean `cmd`?");
    let space = Space::new(CHAIN);
    space.fails(
        &["repro", "--set", "chain.leter=y"],
        "did you mean `chain.letter`?",
    );
    space.fails(&["repro", "--set", "chain.number=y"], "--> --set:1:");
    space.fails(
        &["repro", "--set", "chain.number=0.5"],
        "`chain.number` is an integer in `params.toml`, and here a float",
    );
    space.write("overlay.toml", "[chian]\nletter = \"y\"\n");
    space.fails(&["repro", "--params", "overlay.toml"], "overlay.toml:1:2");
    let missing = "there is no file `overly.toml` of params; did you mean `overlay.toml`?";
    space.fails(&["repro", "--params", "overly.toml"], missing);
    space.write("overlay.toml", "[chain]\nletter = \"y\"\n");
    space.ok(&["repro", "--params", "overlay.toml"]);
    assert_eq!(space.read("a.txt"), "source\ny\n");
}

#[test]
fn an_error_outside_of_a_workspace_names_the_missing_file() {
    let space = Space::new(CHAIN);
    space.remove("pipeline.toml");
    space.fails(&["status"], "cannot find `pipeline.toml`");
}

#[test]
fn advice_is_printed_before_the_stages_that_it_is_about() {
    let space = Space::new(&format!(
        "{CHAIN}[[advice]]\nstage = \"b\"\nwhen = {{ \"chain.letter\" = \"x\" }}\nunless = {{ \"chain.number\" = 2 }}\ntext = \"an x is seldom meant\"\n"
    ));
    let warned = |arguments: &[&str]| {
        space
            .ok(arguments)
            .stderr
            .contains("warning: an x is seldom meant\n")
    };
    assert!(warned(&["repro"]));
    // The warning doesn't depend on the work to do.
    assert!(warned(&["repro"]));
    assert!(!warned(&["repro", "a"]));
    assert!(!warned(&["repro", "--quiet"]));
    assert!(!warned(&["repro", "--set", "chain.letter=y"]));
    assert!(!warned(&["repro", "--set", "chain.number=2"]));
    let text = space.read("pipeline.toml");
    space.write(
        "pipeline.toml",
        &text.replace("chain.letter\" =", "chain.leter\" ="),
    );
    space.fails(
        &["repro"],
        "advice names the unknown parameter `chain.leter`; did you mean `chain.letter`?",
    );
}
