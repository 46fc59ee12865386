//! Order-only dependencies: `after` orders stages and demands success, and is part of no key.

use crate::space::Space;

/// `use` reads nothing of `check`, which fails where `bad` exists.
fn pipeline(after: &str) -> String {
    format!(
        r#"
[stage.make]
cmd = "cat src.txt > ${{out.data}}"
in = {{ src = "src.txt" }}
out = {{ data = "data.txt" }}

[stage.use]
cmd = "cat ${{in.data}} > ${{out.result}}; echo ${{chain.number}} >> ${{out.result}}"
in = {{ data = "data.txt" }}
out = {{ result = "result.txt" }}
{after}

[stage.check]
cmd = "test ${{chain.letter}} != bad; sleep 0.3; cat ${{in.data}} > ${{out.seen}}"
in = {{ data = "data.txt" }}
out = {{ seen = "seen.txt" }}

[stage.page]
cmd = "cat ${{in.result}} > ${{out.page}}"
in = {{ result = "result.txt" }}
out = {{ page = "page.txt" }}
"#
    )
}

const AFTER: &str = "after = [\"check\"]";

#[test]
fn adding_and_removing_an_order_only_dependency_reruns_nothing() {
    let space = Space::new(&pipeline(""));
    space.ok(&["repro"]);
    let lock = space.read("pipeline.lock");
    for after in [AFTER, "after = []", "after = [\"make\", \"check\"]", ""] {
        space.write("pipeline.toml", &pipeline(after));
        let states = space.repro();
        assert!(
            states.iter().all(|state| state.ends_with("up-to-date")),
            "{after}: {states:?}"
        );
        assert_eq!(space.read("pipeline.lock"), lock, "{after}");
    }
}

#[test]
fn a_stage_starts_after_the_success_of_its_order_only_dependencies() {
    let space = Space::new(&pipeline(AFTER));
    space.ok(&["repro", "--jobs", "4"]);
    assert_eq!(space.runs(), ["make", "check", "use", "page"]);
    // A named stage takes them along.
    let space = Space::new(&pipeline(AFTER));
    assert_eq!(
        space.states(&["repro", "use", "--json"]),
        ["make ran", "check ran", "use ran"]
    );
    // It stays up to date when only they change.
    assert_eq!(
        space.states(&["repro", "--set", "chain.letter=y", "--json"]),
        ["make up-to-date", "check ran", "use up-to-date", "page ran"]
    );
}

#[test]
fn a_failed_order_only_dependency_skips_its_followers() {
    let space = Space::new(&pipeline(AFTER));
    let bad = ["repro", "--set", "chain.letter=bad"];
    space.fails(&bad, "stage `check` failed");
    assert_eq!(space.runs(), ["make", "check"]);
    let ran = space.run(&[&bad[..], &["--keep-going", "--json"]].concat());
    assert_eq!(ran.code, Some(1));
    let outcomes: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let outcomes = outcomes.as_array().unwrap().iter();
    let shown: Vec<String> = outcomes
        .map(|o| {
            let reasons = o["reasons"].as_array().unwrap().iter();
            let reasons: Vec<&str> = { reasons }
                .map(|reason| reason["text"].as_str().unwrap())
                .collect();
            format!("{} {} {reasons:?}", o["stage"], o["state"]).replace('"', "")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "make up-to-date []",
            "check failed []",
            "use skipped [`check` failed]",
            "page skipped [`check` failed]",
        ]
    );
    // An up-to-date stage is held back, too: its inputs were not accepted.
    space.ok(&["repro"]);
    let ran = space.run(&[&bad[..], &["--keep-going"]].concat());
    assert!(ran.stdout.contains("use    skipped"), "{}", ran.stdout);
}

#[test]
fn commands_that_look_ahead_name_order_only_dependencies() {
    let space = Space::new(&pipeline(AFTER));
    space.ok(&["repro"]);
    let change = ["--set", "chain.letter=z", "--set", "chain.number=2"];
    let status = space.ok(&[&["status", "use"][..], &change].concat()).stdout;
    assert!(
        status.contains("check  would run      ") && status.contains("`check` comes first"),
        "{status}"
    );
    let dry = space.ok(&[&["repro", "--dry-run"][..], &change].concat());
    assert!(dry.stdout.contains("`check` comes first"), "{}", dry.stdout);
    let mermaid = space.ok(&["dag", "--mermaid"]).stdout;
    assert!(mermaid.contains("check -.-> use\n"), "{mermaid}");
    assert!(mermaid.contains("make --> use\n"), "{mermaid}");
    let dot = space.ok(&["dag", "--dot"]).stdout;
    assert!(
        dot.contains("\"check\" -> \"use\" [style=dashed];"),
        "{dot}"
    );
    let drawn = space.ok(&["dag"]).stdout;
    let order = ["make", "check", "use", "page"].map(|name| drawn.find(&format!(" {name} ")));
    assert!(order.is_sorted() && order[0].is_some(), "{drawn}");
}

#[test]
fn unknown_stages_and_cycles_of_order_only_dependencies_are_errors() {
    let space = Space::new(&pipeline("after = [\"chekc\"]"));
    space.fails(
        &["status"],
        "`after` names no stage: `chekc`; did you mean `check`?",
    );
    space.fails(&["status"], "--> pipeline.toml:11:10");
    space.write("pipeline.toml", &pipeline("after = [\"page\"]"));
    space.fails(&["repro"], "stages form a cycle: use → page → use");
    space.write("pipeline.toml", &pipeline("after = \"check\""));
    space.fails(
        &["repro"],
        "`after` is a string; expected an array of strings",
    );
}
