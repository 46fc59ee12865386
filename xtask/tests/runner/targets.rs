//! Targets.

use crate::space::{CHAIN, Space};

#[test]
fn a_target_includes_its_upstream_stages() {
    let space = Space::new(CHAIN);
    assert_eq!(space.states(&["repro", "b", "--json"]), ["a ran", "b ran"]);
    assert_eq!(
        space.states(&["repro", "c.txt", "--json"]),
        ["a up-to-date", "b up-to-date", "c ran"]
    );
    assert_eq!(
        space.states(&["repro", "out/*", "--json"]),
        ["a up-to-date", "b up-to-date"]
    );
}

#[test]
fn a_target_is_an_instance_a_group_or_a_pattern_of_paths() {
    let space = Space::new(
        "[stage.t]\ncmd = \"echo ${n} > ${out.x}\"\neach = { n = 3 }\nout = { x = \"t/${n}/x\" }\n",
    );
    assert_eq!(space.states(&["repro", "t@2", "--json"]), ["t@2 ran"]);
    let states = space.states(&["repro", "t", "--json"]);
    assert_eq!(states, ["t@0 ran", "t@1 ran", "t@2 up-to-date"]);
    let states = space.states(&["repro", "t/*/x", "--force", "--json"]);
    assert_eq!(states, ["t@0 ran", "t@1 ran", "t@2 ran"]);
    space.fails(&["repro", "t@3"], "unknown stage or output `t@3`");
}

#[test]
fn single_and_downstream_go_no_further() {
    let space = Space::new(CHAIN);
    space.fails(&["repro", "b", "--single"], "`a.txt` does not exist");
    space.ok(&["repro"]);
    space.write("src.txt", "edited\n");
    assert_eq!(
        space.states(&["repro", "b", "--single", "--json"]),
        ["b up-to-date"]
    );
    let states = space.states(&["repro", "b", "--downstream", "--force", "--json"]);
    assert_eq!(states, ["b ran", "c up-to-date"]);
}

#[test]
fn force_runs_the_named_targets() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    assert_eq!(
        space.states(&["repro", "c", "--force", "--json"]),
        ["a up-to-date", "b up-to-date", "c ran"]
    );
    assert_eq!(
        space.states(&["repro", "--force", "--json"]),
        ["a ran", "b ran", "c ran"]
    );
}

#[test]
fn unknown_targets_name_the_nearest() {
    let space = Space::new(&CHAIN.replace("[stage.a]", "[stage.annotate]"));
    space.fails(&["repro", "anotate"], "did you mean `annotate`?");
    space.fails(&["explain", "anotate"], "did you mean `annotate`?");
    space.fails(&["repro", "out/a.txt"], "did you mean `out/b.txt`?");
}

#[test]
fn a_dry_run_touches_nothing() {
    let space = Space::new(CHAIN);
    let before = space.snapshot();
    let states = space.states(&["repro", "--dry-run", "--json"]);
    assert_eq!(states, ["a would-run", "b would-run", "c would-run"]);
    assert_eq!(space.snapshot(), before);
    space.ok(&["repro"]);
    space.write("src.txt", "edited\n");
    space.remove("c.txt");
    let before = space.snapshot();
    let states = space.states(&["repro", "--dry-run", "--json"]);
    assert_eq!(states, ["a would-run", "b may-run", "c may-run"]);
    assert_eq!(space.snapshot(), before);
}

#[test]
fn a_source_runs_only_where_it_is_needed() {
    let pipeline = format!(
        "[stage.paint]\nsource = true\ncmd = \"echo painted > drawn.txt\"\nout = {{ drawn = \"drawn.txt\" }}\n{CHAIN}"
    );
    let space = Space::new(&pipeline);
    assert_eq!(space.repro(), ["a ran", "b ran", "c ran"]);
    assert_eq!(space.states(&["repro", "paint", "--json"]), ["paint ran"]);
    space.write("pipeline.toml", &pipeline.replace("src.txt", "drawn.txt"));
    assert_eq!(space.repro()[0], "paint up-to-date");
}

#[test]
fn a_command_works_from_a_folder_below() {
    let space = Space::new(CHAIN);
    space.write("deep/er/file", "");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = command
        .arg("repro")
        .current_dir(space.path("deep/er"))
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(space.exists("c.txt"));
}
