//! Declarations of a stage.

use crate::space::{CHAIN, Space};

fn stage(text: &str) -> Space {
    Space::new(&format!("[stage.s]\n{text}\n"))
}

#[test]
fn a_list_of_commands_runs_in_one_shell_and_stops_at_the_first_that_fails() {
    let space = stage(
        "cmd = [\"word=one\", \"cd ..; cd - > /dev/null\", \"echo $word > ${out.x}\"]\nout = { x = \"x.txt\" }",
    );
    space.ok(&["repro"]);
    assert_eq!(space.read("x.txt"), "one\n");
    // Of itself a shell goes on after the first of these.
    for failing in ["false && true", "false | cat", "(exit 3)"] {
        let space = stage(&format!(
            "cmd = [\"{failing}\", \"echo on > went; echo > ${{out.x}}\"]\nout = {{ x = \"x.txt\" }}"
        ));
        space.fails(&["repro"], "stage `s` failed: exit status");
        assert!(!space.exists("went"), "{failing}");
    }
}

#[test]
fn a_list_of_one_is_the_text_and_an_edited_list_runs() {
    let space = stage("cmd = \"echo 1 > ${out.x}\"\nout = { x = \"x.txt\" }");
    space.ok(&["repro"]);
    let text = space.read("pipeline.toml");
    space.write(
        "pipeline.toml",
        &text.replace("\"echo 1 > ${out.x}\"", "[\"echo 1 > ${out.x}\"]"),
    );
    assert_eq!(space.repro(), ["s up-to-date"]);
    space.write(
        "pipeline.toml",
        &text.replace("\"echo 1 > ${out.x}\"", "[\"true\", \"echo 1 > ${out.x}\"]"),
    );
    assert_eq!(space.repro(), ["s ran"]);
}

#[test]
fn an_environment_variable_that_is_declared_counts() {
    let space = stage(
        "cmd = \"echo ${PLACE-none} > ${out.x}\"\nenv = [\"PLACE\"]\nout = { x = \"x.txt\" }",
    );
    // `${…}` is the runner's, so the shell's variable is written without braces.
    space.fails(&["repro"], "unknown parameter `PLACE-none`");
    let space =
        stage("cmd = \"echo $PLACE > ${out.x}\"\nenv = [\"PLACE\"]\nout = { x = \"x.txt\" }");
    let repro = ["repro", "--json"];
    let with = |place: &str| space.states_with(&repro, &[("PLACE", place), ("OTHER", place)]);
    assert_eq!(with("here"), ["s ran"]);
    assert_eq!(with("there"), ["s ran"]);
    assert_eq!(space.read("x.txt"), "there\n");
    assert_eq!(with("here"), ["s restored"]);
    assert_eq!(with("here"), ["s up-to-date"]);
    let explained = space.ok(&["explain", "s"]).stdout;
    assert!(
        explained.contains("env PLACE \"here\" → unset"),
        "{explained}"
    );
}

#[test]
fn a_frozen_stage_stays_as_it_is() {
    let frozen = CHAIN.replace("[stage.b]\n", "[stage.b]\nfrozen = true\n");
    let space = Space::new(&frozen);
    space.fails(
        &["repro"],
        "stage `b` cannot run: it is frozen, and `out/b.txt` is neither there nor in the cache",
    );
    space.write("pipeline.toml", CHAIN);
    space.ok(&["repro"]);
    space.write("pipeline.toml", &frozen);
    space.write("src.txt", "edited\n");
    assert_eq!(space.repro(), ["a ran", "b frozen", "c up-to-date"]);
    assert_eq!(
        space.states(&["repro", "b", "--force", "--json"]),
        ["b frozen"],
        "what it was made from is of no concern"
    );
    assert!(space.ok(&["repro"]).stdout.contains("1 frozen"));
    space.remove("out");
    assert_eq!(space.repro(), ["a up-to-date", "b frozen", "c up-to-date"]);
    assert_eq!(space.read("out/b.txt"), "source\n");
    // An edited output of a frozen stage is taken as it is.
    space.write("out/b.txt", "mine\n");
    assert_eq!(space.repro(), ["a up-to-date", "b frozen", "c ran"]);
    assert_eq!(space.read("c.txt"), "mine\nc\n");
}

#[test]
fn a_stage_can_always_run() {
    let space = Space::new(&CHAIN.replace("[stage.a]\n", "[stage.a]\nalways = true\n"));
    space.ok(&["repro"]);
    assert_eq!(space.repro(), ["a ran", "b up-to-date", "c up-to-date"]);
    let status = space.ok(&["status", "a"]).stdout;
    assert!(status.contains("a  would run      always runs"), "{status}");
}

#[test]
fn an_output_can_stay_out_of_the_cache() {
    let space = stage(
        "cmd = \"echo large ${chain.letter} > ${out.x}; echo small > ${out.y}\"\nout = { x = { path = \"x.txt\", cache = false }, y = \"y.txt\" }",
    );
    space.ok(&["repro"]);
    let has_cached = |text: &str| {
        let files = space.snapshot();
        let objects = files.iter().filter(|(path, _)| {
            let mut parts = path.components();
            parts.any(|part| part.as_os_str() == "objects")
        });
        { objects }.any(|(_, bytes)| bytes == text.as_bytes())
    };
    assert!(has_cached("small\n") && !has_cached("large x\n"));
    assert_eq!(space.repro(), ["s up-to-date"]);
    // A lost lock is rebuilt from the present outputs.
    space.remove("pipeline.lock");
    assert_eq!(space.repro(), ["s restored"]);
    // The previous output is replaced and not backed up.
    let changed = ["repro", "--json", "--set", "chain.letter=y"];
    assert_eq!(space.states(&changed), ["s ran"]);
    assert_eq!(space.read("x.txt"), "large y\n");
    assert!(!space.exists(".atelier/backup"));
    space.write("x.txt", "mine");
    assert_eq!(space.states(&changed), ["s ran"]);
    assert_eq!(space.read(".atelier/backup/1/x.txt"), "mine");
    space.remove("x.txt");
    assert_eq!(space.states(&changed), ["s ran"]);
}

#[test]
fn a_run_can_continue_outputs_of_the_last_one() {
    for out in ["x.txt", "${out.x}"] {
        let space = stage(&format!(
            "cmd = \"echo ${{chain.letter}} >> {out}; test ${{chain.letter}} != bad\"\nout = {{ x = {{ path = \"x.txt\", keep = true }} }}"
        ));
        space.ok(&["repro"]);
        space.ok(&["repro", "--set", "chain.letter=y"]);
        assert_eq!(space.read("x.txt"), "x\ny\n", "{out}");
        space.fails(&["repro", "--set", "chain.letter=bad"], "exit status 1");
        assert_eq!(
            space.read("x.txt"),
            "x\ny\n",
            "a failure leaves it as it was"
        );
        // The outputs of the first run are in the cache unchanged.
        assert_eq!(space.repro(), ["s restored"]);
        assert_eq!(space.read("x.txt"), "x\n");
    }
}

#[test]
fn a_stage_is_stopped_after_its_timeout() {
    let space = stage(
        "cmd = \"trap '' TERM; echo $$ > pid; sleep 60 & echo > ${out.x}; wait; sleep 60\"\ntimeout = \"300 ms\"\nsandbox = false\nout = { x = \"x.txt\" }",
    );
    space.fails(
        &["repro"],
        "stage `s` failed: stopped after its timeout of 300ms",
    );
    assert!(!space.exists("x.txt"));
    let pid = space.read("pid").trim().parse().unwrap();
    let pid = nix::unistd::Pid::from_raw(pid);
    assert!(nix::sys::signal::kill(pid, None).is_err());
    let space = stage("cmd = \"echo > ${out.x}\"\ntimeout = \"1 h\"\nout = { x = \"x.txt\" }");
    space.ok(&["repro"]);
}

#[test]
fn rules_are_no_part_of_the_key() {
    let space = stage("cmd = \"echo > ${out.x}\"\nout = { x = \"x.txt\" }");
    space.ok(&["repro"]);
    let text = space.read("pipeline.toml");
    let rules = "cores = 2\nmemory = \"1 GB\"\ngpu = 1\ntimeout = \"1 h\"\nsandbox = false\n";
    space.write("pipeline.toml", &format!("{text}{rules}"));
    assert_eq!(space.repro(), ["s up-to-date"]);
}

#[test]
fn errors_point_at_wrong_declarations() {
    for (wrong, part) in [
        ("timeout = \"5\"", "`timeout`: `5` has no known unit"),
        ("memory = 4", "`memory` is an integer; expected a string"),
        (
            "memory = \"4 PB\"",
            "expected a number and one of `B`, `kB`",
        ),
        ("cores = -1", "`cores` is an integer; expected a count"),
        (
            "env = \"HOME\"",
            "`env` is a string; expected an array of strings",
        ),
        (
            "env = [\"A B\"]",
            "`A B` is no name of an environment variable",
        ),
        ("frozen = 1", "`frozen` is an integer; expected a boolean"),
        (
            "sandbox = \"off\"",
            "`sandbox` is a string; expected a boolean",
        ),
        ("check.y.rows = 1", "`check` names no output: `y`"),
        (
            "check.x.rows = 1",
            "the workspace has no `checks/table` to check with",
        ),
    ] {
        let space = stage(&format!("cmd = \"true\"\nout = {{ x = \"x\" }}\n{wrong}"));
        space.fails(&["repro"], part);
        space.fails(&["repro"], "--> pipeline.toml:4:");
    }
}
