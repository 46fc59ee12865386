//! Metrics and parameters of the workspace, of experiments and of revisions.

use std::process::Command;

use serde_json::{Value, json};

use crate::space::Space;

const SCORED: &str = r#"
[stage.score]
cmd = "echo '{\"f1\": '${chain.rate}', \"n\": 3, \"note\": \"none\"}' > ${out.scores}"
out = { scores = "scores.json" }
metrics = ["scores"]
"#;

/// A program that reads tables, in the place of the one that knows parquet: `PAR1` and lines of a name and a number.
const TABLES: &str = r#"
fn main() {
    let question = std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();
    let mut log = std::fs::OpenOptions::new().append(true).create(true).open("asked").unwrap();
    std::io::Write::write_all(&mut log, b"asked\n").unwrap();
    if let Some((_, rest)) = question.split_once("{\"write\":{\"path\":\"") {
        std::fs::write(rest.split('"').next().unwrap(), &question).unwrap();
        println!("\"written\"");
        return;
    }
    let (_, list) = question.split_once("[").unwrap();
    let answers: Vec<String> = list.split('"').skip(1).step_by(2).map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        if text.contains("broken") {
            return "{\"Err\": \"it is broken\"}".to_owned();
        }
        let pairs: Vec<String> = text.lines().skip(1).map(|line| {
            let (name, value) = line.split_once(' ').unwrap();
            format!("[\"{name}\", \"{value}\"]")
        }).collect();
        format!("{{\"Ok\": [{}]}}", pairs.join(", "))
    }).collect();
    println!("{{\"numbers\": [{}]}}", answers.join(", "));
}
"#;

fn git(space: &Space, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=x", "-c", "user.email=x@y"]);
    let output = { command.args(arguments).current_dir(space.path("")) }.output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn commit(space: &Space) {
    git(
        space,
        &["add", "pipeline.toml", "params.toml", "pipeline.lock"],
    );
    git(space, &["commit", "--quiet", "--message", "a state"]);
}

/// A committed state of rate 0.5, and one of 0.75 in the workspace.
fn committed() -> Space {
    let space = Space::new(SCORED);
    git(&space, &["init", "--quiet"]);
    space.ok(&["repro"]);
    commit(&space);
    space.write(
        "params.toml",
        "[chain]\nletter = \"x\"\nnumber = 1\nrate = 0.75\n",
    );
    space.ok(&["repro"]);
    space
}

fn json_of(space: &Space, arguments: &[&str]) -> Value {
    serde_json::from_str(&space.ok(arguments).stdout).unwrap()
}

#[test]
fn revisions_are_compared_with_the_workspace() {
    let space = committed();
    let metrics = "\
metric           HEAD  workspace  change
score.scores.f1   0.5       0.75    0.25
";
    assert_eq!(space.ok(&["metrics", "diff", "HEAD"]).stdout, metrics);
    assert_eq!(space.ok(&["metrics", "diff"]).stdout, metrics);
    let params = "param       HEAD  workspace\nchain.rate   0.5       0.75\n";
    assert_eq!(space.ok(&["params", "diff", "HEAD"]).stdout, params);
    assert_eq!(
        space.ok(&["exp", "diff", "HEAD"]).stdout,
        format!("{params}\n{metrics}")
    );
    let difference = json!({
        "params": [{"param": "chain.rate", "a": 0.5, "b": 0.75}],
        "metrics": [{"metric": "score.scores.f1", "a": 0.5, "b": 0.75, "change": 0.25}],
    });
    assert_eq!(
        json_of(&space, &["exp", "diff", "HEAD", "--json"]),
        difference
    );
    let all = space.ok(&["metrics", "diff", "HEAD", "--all"]).stdout;
    assert!(
        all.ends_with("score.scores.n      3          3       0\n"),
        "{all}"
    );
    assert_eq!(
        space.ok(&["params", "diff", "HEAD", "HEAD"]).stdout,
        "no differences\n"
    );
}

#[test]
fn experiments_and_revisions_stand_beside_each_other() {
    let space = committed();
    space.ok(&["exp", "run", "--set", "chain.rate=1.0", "-q"]);
    let shown = "\
metric           HEAD  rate-1.0  workspace
score.scores.f1   0.5         1       0.75
";
    let show = [
        "metrics",
        "show",
        "HEAD",
        "rate-1.0",
        "workspace",
        "--metric",
        "f1",
    ];
    assert_eq!(space.ok(&show).stdout, shown);
    let diff = space.ok(&["metrics", "diff", "HEAD", "rate-1.0"]).stdout;
    assert!(
        diff.contains("score.scores.f1   0.5         1     0.5\n"),
        "{diff}"
    );
    let table = "\
name       chain.rate    f1  n  state
workspace        0.75  0.75  3  up to date
HEAD              0.5   0.5  3  committed
rate-1.0          1.0     1  3  complete
";
    assert_eq!(space.ok(&["exp", "show", "HEAD"]).stdout, table);
    space.fails(
        &["exp", "show", "rate-1.0"],
        "git knows no revision `rate-1.0`",
    );
    let both = json_of(&space, &["metrics", "show", "--json"]);
    assert_eq!(
        both[0],
        json!({"name": "workspace", "metrics": {"score.scores.f1": 0.75, "score.scores.n": 3.0}})
    );
}

#[test]
fn overlays_are_read_as_they_were() {
    let space = committed();
    space.write("own.toml", "[chain]\nnumber = 5\n");
    let diff = ["params", "diff", "HEAD", "--params", "own.toml"];
    space.fails(&diff, "has no `own.toml`");
    git(&space, &["add", "own.toml"]);
    git(&space, &["commit", "--quiet", "--message", "own"]);
    space.write("own.toml", "[chain]\nnumber = 7\n");
    let shown = space.ok(&diff).stdout;
    assert!(shown.contains("chain.number     5          7\n"), "{shown}");
}

#[test]
fn a_revision_whose_metrics_are_gone_is_named() {
    let space = committed();
    space.ok(&["cache", "gc", "--workspace"]);
    let ran = space.ok(&["metrics", "diff", "HEAD"]);
    let told = "warning: HEAD: no metrics of `score.scores`: the cache no longer has it\n";
    assert_eq!(ran.stderr, told);
    assert!(
        ran.stdout
            .contains("score.scores.f1     -       0.75       -\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn metrics_outlive_the_cache() {
    let space = committed();
    space.ok(&["metrics", "show", "HEAD"]);
    space.ok(&["cache", "gc", "--workspace"]);
    let ran = space.ok(&["metrics", "show", "HEAD"]);
    assert_eq!((ran.stderr.as_str(), ran.stdout.lines().count()), ("", 3));
}

#[test]
fn wrong_names_of_states_are_errors() {
    let space = committed();
    space.fails(
        &["params", "diff", "HAED"],
        "`HAED` is neither an experiment nor a revision of git",
    );
    space.fails(
        &["params", "diff", "--", "--output=x"],
        "is neither an experiment nor a revision of git",
    );
    let space = Space::new(SCORED);
    let told = space.ok(&["metrics", "show"]).stderr;
    assert_eq!(
        told,
        "warning: workspace: no stage with metrics has a result\n"
    );
    space.fails(
        &["metrics", "diff", "HEAD"],
        "is neither an experiment nor a revision of git",
    );
    let plain = Space::new(&SCORED.replace("metrics = [\"scores\"]", ""));
    plain.fails(
        &["metrics", "show"],
        "no stage of `pipeline.toml` has `metrics = [\"output\"]`",
    );
}

#[test]
fn metrics_are_declared_by_outputs_and_in_no_key() {
    let space = Space::new(&SCORED.replace("metrics = [\"scores\"]", ""));
    space.ok(&["repro"]);
    space.write("pipeline.toml", SCORED);
    assert_eq!(space.repro(), ["score up-to-date"]);
    space.write(
        "pipeline.toml",
        &SCORED.replace("[\"scores\"]", "[\"score\"]"),
    );
    space.fails(
        &["repro"],
        "`metrics` names no output: `score`; did you mean `scores`?",
    );
    space.write(
        "pipeline.toml",
        &SCORED.replace("[\"scores\"]", "\"scores\""),
    );
    space.fails(
        &["repro"],
        "`metrics` is a string; expected an array of strings",
    );
}

#[test]
fn an_error_names_the_file_that_has_no_metrics() {
    let space = Space::new(&SCORED.replace("echo '{", "echo 'no {"));
    space.ok(&["repro"]);
    let told = "no metrics of `score.scores`: it is neither JSON nor a table in parquet\n";
    assert!(space.ok(&["metrics", "show"]).stderr.ends_with(told));
    let folder = "[stage.score]\ncmd = \"mkdir ${out.scores}; echo 1 > ${out.scores}/x\"\nout = { scores = \"scores\" }\nmetrics = [\"scores\"]\n";
    let space = Space::new(folder);
    space.ok(&["repro"]);
    assert!(
        space
            .ok(&["metrics", "show"])
            .stderr
            .contains("no metrics of `score.scores`: it is a folder, or executable\n")
    );
}

#[test]
fn numbers_alone_and_outputs_outside_of_the_cache_are_read() {
    let space = Space::new(
        "[stage.s]\ncmd = \"echo 0.5 > ${out.x}; echo 7 > ${out.t}\"\neach = { k = 2 }\nmetrics = [\"x\", \"t\"]\n[stage.s.out]\nx = { path = \"${k}.txt\", cache = false }\nt = { path = \"t${k}.txt\", volatile = true }\n",
    );
    space.ok(&["repro"]);
    let expected = "metric  workspace\ns@0.x         0.5\ns@0.t           7\ns@1.x         0.5\ns@1.t           7\n";
    assert_eq!(space.ok(&["metrics", "show"]).stdout, expected);
    space.write("1.txt", "0.75\n");
    assert_eq!(
        space.ok(&["metrics", "show"]).stdout,
        expected,
        "what was made counts, and not what was edited"
    );
}

/// A workspace with a program that stands for the one that reads parquet.
pub(crate) fn with_tables(pipeline: &str) -> Space {
    let space = Space::new(pipeline);
    space.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"checks\"]\n",
    );
    let package = "[package]\nname = \"checks\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    space.write("checks/Cargo.toml", package);
    space.write("checks/src/bin/table.rs", TABLES);
    space
}

#[test]
fn tables_are_read_once() {
    let space = with_tables(
        "[stage.s]\ncmd = \"printf 'PAR1\\\\ntest.f1 %s\\\\n' ${chain.rate} > ${out.x}\"\nout = { x = \"x.parquet\" }\nmetrics = [\"x\"]\n",
    );
    space.ok(&["repro"]);
    let asked = || {
        let asked = if space.exists("asked") {
            space.read("asked").lines().count()
        } else {
            0
        };
        space.remove("asked");
        asked
    };
    let shown = "metric       workspace\ns.x.test.f1        0.5\n";
    assert_eq!(space.ok(&["metrics", "show"]).stdout, shown);
    assert_eq!(space.ok(&["metrics", "show"]).stdout, shown);
    assert_eq!(asked(), 1);
    space.ok(&["exp", "run", "--grid", "chain.rate=0.1,0.2", "-q"]);
    let table = space.ok(&["exp", "show"]).stdout;
    assert!(
        table.contains("rate-0.2          0.2      0.2  complete\n"),
        "{table}"
    );
    assert_eq!(asked(), 1, "both at once");
    space.ok(&["exp", "show"]);
    assert_eq!(asked(), 0);
    space.ok(&["exp", "show", "--parquet", "all.parquet"]);
    let written: Value = serde_json::from_str(&space.read("all.parquet")).unwrap();
    let names = json!(["name", ["workspace", "rate-0.1", "rate-0.2"]]);
    assert_eq!(written["write"]["columns"][0], names);
    assert_eq!(
        written["write"]["columns"][3],
        json!(["s.x.test.f1", [0.5, 0.1, 0.2]])
    );
    space.ok(&["repro", "--set", "chain.letter=broken"]);
}

#[test]
fn without_the_program_tables_are_named() {
    let space = Space::new(
        "[stage.s]\ncmd = \"printf PAR1 > ${out.x}\"\nout = { x = \"x.parquet\" }\nmetrics = [\"x\"]\n",
    );
    space.ok(&["repro"]);
    let told = "no metrics of `s.x`: the workspace has no `checks/table` to read tables with\n";
    assert!(space.ok(&["metrics", "show"]).stderr.ends_with(told));
}

#[test]
fn marks_choose_and_order() {
    let marked = |marks: &str| {
        let space = Space::new(&SCORED.replace("metrics = [\"scores\"]", marks));
        space.ok(&["repro"]);
        let shown = space.ok(&["metrics", "show"]).stdout;
        let names = shown
            .lines()
            .skip(1)
            .map(|line| line.split(' ').next().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(marked("metrics = [\"scores.n\"]"), ["score.scores.n"]);
    let both = ["score.scores.n", "score.scores.f1"];
    assert_eq!(marked("metrics = [\"scores.n*\", \"scores\"]"), both);
}

#[test]
fn numbers_that_are_not_finite_hide_no_others() {
    let space = Space::new(
        "[stage.s]\ncmd = \"echo '{\\\"f1\\\": 0.5, \\\"loss\\\": NaN}' > ${out.m}; echo inf > ${out.n}\"\nout = { m = \"m.json\", n = \"n.txt\" }\nmetrics = [\"m\", \"n\"]\n",
    );
    space.ok(&["repro"]);
    // What was read is remembered; so is what was not finite.
    for _ in 0..2 {
        let shown = space.ok(&["metrics", "show"]);
        assert!(
            shown.stdout.contains("s.m.f1        0.5"),
            "{}",
            shown.stdout
        );
        assert!(!shown.stdout.contains("loss"), "{}", shown.stdout);
        let told = "`s.m.loss` is NaN, expected a finite number";
        assert!(shown.stderr.contains(told), "{}", shown.stderr);
        let told = "`s.n` is inf, expected a finite number";
        assert!(shown.stderr.contains(told), "{}", shown.stderr);
    }
}
