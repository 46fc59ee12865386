//! Help for people: completion, schemas, the drawing of the graph.

use std::process::Command;

use serde_json::{Value, json};

use crate::space::{CHAIN, Space};

/// Two instances of `a`, and `b`.
const PAIR: &str = r#"
[stage.a]
cmd = "echo ${chain.letter} > ${out.x}"
each = { k = 2 }
out = { x = "a/${k}.txt" }
[stage.b]
cmd = "cat ${in.x} > ${out.x}"
in = { x = "a/*.txt" }
out = { x = "b.txt" }
"#;

#[test]
fn stages_parameters_and_searches_complete() {
    let space = Space::new(PAIR);
    let complete = |line: &str| space.ok(&["__complete", line]).stdout;
    assert_eq!(complete("cargo xtask repro "), "a\na@0\na@1\nb\n");
    assert_eq!(complete("cargo xtask explain a@"), "a@0\na@1\n");
    assert_eq!(
        complete("cargo xtask repro --set chain.l"),
        "chain.letter=\n"
    );
    assert_eq!(complete("cargo xtask import "), "");
    space.write("searches/demo.toml", "");
    assert_eq!(complete("cargo xtask search show "), "demo\n");
    // A file in the middle of an edit is no occasion for an error.
    space.write("pipeline.toml", "[stage.");
    assert_eq!(complete("cargo xtask repro "), "");
}

#[test]
fn help_of_every_command_names_this_program() {
    let space = Space::new(PAIR);
    let commands = space.ok(&["__complete", "cargo xtask "]).stdout;
    for command in [
        "repro", "doctor", "figures", "init", "predict", "weights", "test", "bench",
    ] {
        assert!(commands.lines().any(|line| line == command), "{commands}");
    }
    for command in commands.lines() {
        let help = space.ok(&[command, "--help"]).stdout;
        assert!(help.contains("Usage: cargo xtask"), "{help}");
        assert!(!help.contains("atelier "), "{help}");
    }
    let help = space.ok(&["weights", "--help"]).stdout;
    assert!(
        help.contains("\n  cargo xtask weights get resnet18\n"),
        "{help}"
    );
}

#[test]
fn the_script_for_bash_completes() {
    let space = Space::new(PAIR);
    let script = space.ok(&["completions", "bash"]).stdout;
    let binary = env!("CARGO_BIN_EXE_xtask");
    let test = format!(
        "{script}
        cargo() {{ shift; {binary} \"$@\"; }}
        COMP_LINE='cargo xtask repro a@'; COMP_POINT=${{#COMP_LINE}}
        COMP_WORDS=(cargo xtask repro a @); COMP_CWORD=4
        _cargo_xtask
        printf '%s,' \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new("bash")
        .args(["-c", &test])
        .current_dir(space.path(""))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0,1,");
    for shell in ["zsh", "fish"] {
        assert!(
            space
                .ok(&["completions", shell])
                .stdout
                .contains("cargo xtask __complete")
        );
    }
}

#[test]
fn a_schema_knows_the_parameters_with_their_comments() {
    let space = Space::new(CHAIN);
    space.write(
        "params.toml",
        "# The root.\nseed = 7\n\n# Not of the table.\n\n# How it learns.\n[train]\n# Steps.\n# Many.\nlr = 4e-4 # a float\nsizes = [1, 2]\nfree = {}\n[chain]\nletter = \"x\"\n",
    );
    let schema: Value = serde_json::from_str(&space.ok(&["schema", "params"]).stdout).unwrap();
    let seed = json!({"type": "integer", "default": 7, "description": "The root."});
    assert_eq!(schema["properties"]["seed"], seed);
    let train = &schema["properties"]["train"];
    assert_eq!(train["description"], "How it learns.");
    assert_eq!(train["additionalProperties"], false);
    let lr = json!({"type": "number", "default": 4e-4, "description": "Steps. Many."});
    assert_eq!(train["properties"]["lr"], lr);
    assert_eq!(train["properties"]["sizes"]["type"], "array");
    assert_eq!(train["properties"]["free"], json!({"type": "object"}));
    let pipeline: Value = serde_json::from_str(&space.ok(&["schema", "pipeline"]).stdout).unwrap();
    assert_eq!(pipeline["title"], "pipeline.toml");
}

#[test]
fn the_graph_is_drawn_with_states() {
    let space = Space::new(&CHAIN.replace("[stage.c]\n", "[stage.c]\ndesc = \"the last\"\n"));
    space.ok(&["repro", "b"]);
    let drawn = "●  a  up to date\n●  b  up to date\n●  c  would run   the last\n";
    assert_eq!(space.ok(&["dag"]).stdout, drawn);
    let mermaid = "flowchart TD\n    a\n    b\n    a --> b\n    c\n    b --> c\n";
    assert_eq!(space.ok(&["dag", "--mermaid"]).stdout, mermaid);
    assert!(
        space
            .ok(&["dag", "--dot"])
            .stdout
            .contains("\"b\" -> \"c\";")
    );
}

#[test]
fn every_command_has_help_and_most_have_examples() {
    let space = Space::new(CHAIN);
    let help = space.ok(&["--help"]).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() > 15, "{help}");
    for name in names {
        let help = space.ok(&[name, "--help"]).stdout;
        let has_own = ["cache", "search"].contains(&name);
        assert!(has_own || help.contains("Examples:\n"), "{name}:\n{help}");
    }
}
