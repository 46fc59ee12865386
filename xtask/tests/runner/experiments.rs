//! Experiments beside the current state.

use serde_json::{Value, json};

use crate::space::Space;

/// A model of the rate, and what it is worth.
const SCORED: &str = r#"
[stage.train]
cmd = "test ! -e hold || { touch held; sleep 60; }; test ${chain.letter} != bad; cat ${in.src} > ${out.model}; echo ${chain.letter} ${chain.rate} >> ${out.model}"
in = { src = "src.txt" }
out = { model = "models/model.txt" }

[stage.score]
cmd = "tail -n 1 ${in.model} | awk '{ printf \"{\\\"test\\\": {\\\"f1\\\": %s}, \\\"n\\\": 3}\", 1 - ($2 - 0.25) ^ 2 }' > ${out.scores}"
in = { model = "models/model.txt" }
out = { scores = "scores.json" }
metrics = ["scores"]
"#;

fn rows(space: &Space, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["exp", "show", "--json"], arguments].concat();
    serde_json::from_str(&space.ok(&arguments).stdout).unwrap()
}

/// `name state` of each row.
fn names(space: &Space, arguments: &[&str]) -> Vec<String> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = rows(space, arguments);
    let names = rows
        .iter()
        .map(|row| format!("{} {}", text(row, "name"), text(row, "state")));
    names.collect()
}

#[test]
fn an_experiment_leaves_the_current_state_alone() {
    let space = Space::new(SCORED);
    space.ok(&["repro"]);
    let files = [
        "params.toml",
        "pipeline.lock",
        "models/model.txt",
        "scores.json",
    ];
    let before = files.map(|file| space.read(file));
    space.ok(&["exp", "run", "--set", "chain.rate=0.25"]);
    assert_eq!(files.map(|file| space.read(file)), before);
    let aside = ".atelier/experiments/rate-0.25/models/model.txt";
    assert_eq!(space.read(aside), "source\nx 0.25\n");
    assert_eq!(
        names(&space, &[]),
        ["workspace up to date", "rate-0.25 complete"]
    );
    let rows = rows(&space, &[]);
    assert_eq!(rows[1]["params"]["chain.rate"], 0.25);
    assert_eq!(
        rows[1]["metrics"],
        json!({"score.scores.n": 3.0, "score.scores.test.f1": 1.0})
    );
    assert_eq!(rows[0]["metrics"]["score.scores.test.f1"], 0.9375);
    space.ran();
    assert_eq!(space.repro(), ["train up-to-date", "score up-to-date"]);
}

#[test]
fn a_table_shows_differing_columns() {
    let space = Space::new(SCORED);
    space.ok(&[
        "exp",
        "run",
        "--grid",
        "chain.rate=0.25,0.75",
        "--set",
        "chain.letter=y",
    ]);
    let table = "\
name                chain.letter  chain.rate  n  test.f1  state
workspace           x                    0.5  -        -  changed
letter-y_rate-0.25  y                   0.25  3        1  complete
letter-y_rate-0.75  y                   0.75  3     0.75  complete
";
    assert_eq!(space.ok(&["exp", "show"]).stdout, table);
    let f1 = space.ok(&["exp", "show", "--metric", "f1"]).stdout;
    assert!(
        f1.starts_with("name                chain.letter  chain.rate  test.f1  state\n"),
        "{f1}"
    );
}

#[test]
fn grids_make_a_product_and_each_combination_runs_once() {
    let space = Space::new(SCORED);
    let grid = [
        "exp",
        "run",
        "--grid",
        "chain.rate=0.1,0.2",
        "--grid",
        "chain.letter=p,q",
    ];
    let dry = space.ok(&[&grid[..], &["--dry-run"]].concat()).stdout;
    assert_eq!(dry.lines().count(), 4, "{dry}");
    assert!(
        dry.starts_with("rate-0.1_letter-p  chain.letter p, chain.rate 0.1\n"),
        "{dry}"
    );
    assert!(!space.exists(".atelier/experiments"), "nothing is written");
    space.ok(&grid);
    assert_eq!(space.ran().split(' ').count(), 8);
    assert_eq!(names(&space, &[]).len(), 5);
    space.ok(&grid);
    assert_eq!(space.ran(), "", "a repeated one costs nothing");
    assert_eq!(names(&space, &[]).len(), 5);
    space.ok(&[
        "exp",
        "run",
        "--grid",
        "chain.rate=0.3,0.30",
        "--name",
        "own",
    ]);
    assert_eq!(
        names(&space, &[])[5..],
        ["own-rate-0.3 complete"],
        "equal values are one experiment"
    );
}

#[test]
fn equal_names_are_distinguished_by_parameters() {
    let space = Space::new(SCORED);
    space.ok(&["exp", "run", "--set", "chain.rate=0.1"]);
    space.write(
        "params.toml",
        "[chain]\nletter = \"z\"\nnumber = 1\nrate = 0.5\n",
    );
    space.ok(&["exp", "run", "--set", "chain.rate=0.1"]);
    let expected = [
        "workspace changed",
        "rate-0.1 complete",
        "rate-0.1-2 complete",
    ];
    assert_eq!(names(&space, &[]), expected);
    space.ok(&["exp", "run", "--name", "mine"]);
    space.fails(
        &["exp", "run", "--name", "mine", "--set", "chain.rate=0.2"],
        "experiment `mine` has other parameters",
    );
}

#[test]
fn a_killed_experiment_goes_on() {
    let space = Space::new(SCORED);
    space.write("hold", "");
    let grid = ["exp", "run", "--grid", "chain.rate=0.1,0.2"];
    let mut killed = space.start(&[&grid[..], &["--no-sandbox"]].concat());
    space.wait_for("held");
    killed.kill().unwrap();
    killed.wait().unwrap();
    space.remove("hold");
    assert_eq!(
        names(&space, &[]),
        ["workspace changed", "rate-0.1 unfinished"]
    );
    space.fails(&["exp", "apply", "rate-0.1"], "is unfinished, not complete");
    space.ran();
    space.ok(&grid);
    assert_eq!(space.ran(), "train score train score");
    let expected = [
        "workspace changed",
        "rate-0.1 complete",
        "rate-0.2 complete",
    ];
    assert_eq!(names(&space, &[]), expected);
}

#[test]
fn a_failed_experiment_stops_no_other() {
    let space = Space::new(SCORED);
    let ran = space.run(&["exp", "run", "--grid", "chain.letter=bad,good"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("stage `train` failed"),
        "{}",
        ran.stderr
    );
    let expected = [
        "workspace changed",
        "letter-bad failed",
        "letter-good complete",
    ];
    assert_eq!(names(&space, &[]), expected);
}

#[test]
fn rows_are_sorted_and_filtered() {
    let space = Space::new(SCORED);
    space.ok(&["exp", "run", "--grid", "chain.rate=0.0,0.25,1.0", "score"]);
    space.ok(&["exp", "run", "--set", "chain.letter=late", "train"]);
    let of = |arguments: &[&str]| -> Vec<String> {
        let names = names(&space, arguments).into_iter();
        names
            .map(|name| name.split(' ').next().unwrap().to_owned())
            .collect()
    };
    let sorted = [
        "workspace",
        "rate-1.0",
        "rate-0.0",
        "rate-0.25",
        "letter-late",
    ];
    assert_eq!(of(&["--sort", "f1"]), sorted);
    let reversed = [
        "workspace",
        "rate-0.25",
        "rate-0.0",
        "rate-1.0",
        "letter-late",
    ];
    assert_eq!(
        of(&["--sort", "score.scores.test.f1", "--reverse"]),
        reversed
    );
    assert_eq!(
        of(&["--filter", "test.f1>0.9"]),
        ["workspace", "rate-0.0", "rate-0.25"]
    );
    let both = ["--filter", "f1 > 0.9", "--filter", "chain.rate!=0"];
    assert_eq!(of(&both), ["workspace", "rate-0.25"]);
    assert_eq!(
        of(&["--filter", "letter==late"]),
        ["workspace", "letter-late"]
    );
    assert_eq!(
        of(&["--filter", "state=complete", "--filter", "name<letter-z"]),
        ["workspace", "letter-late"]
    );
    space.fails(&["exp", "show", "--sort", "f2"], "there is no column `f2`");
    space.fails(
        &["exp", "show", "--filter", "f1"],
        "cannot read `--filter f1`",
    );
}

#[test]
fn an_applied_experiment_is_the_current_state() {
    let space = Space::new(SCORED);
    space.write(
        "params.toml",
        "[chain]\nletter = \"x\" # a letter\nnumber = 1\n# How fast.\nrate = 0.5\n",
    );
    space.ok(&["repro"]);
    space.ok(&["exp", "run", "--set", "chain.rate=0.123456789012345678"]);
    space.ran();
    let params = space.read("params.toml");
    space.ok(&["exp", "apply", "rate-0.123456789012345678"]);
    let expected = params.replace("rate = 0.5", "rate = 0.12345678901234568");
    assert_eq!(space.read("params.toml"), expected);
    assert_eq!(
        space.read("models/model.txt"),
        "source\nx 0.12345678901234568\n"
    );
    assert_eq!(space.repro(), ["train up-to-date", "score up-to-date"]);
    assert_eq!(space.ran(), "");
    assert_eq!(names(&space, &[])[0], "workspace up to date");
    assert_eq!(
        space
            .ok(&["exp", "diff", "rate-0.123456789012345678"])
            .stdout,
        "no differences\n"
    );
}

#[test]
fn all_parameters_of_an_experiment_come_back() {
    let space = Space::new(SCORED);
    space.write("own.toml", "[chain]\nnumber = 2\n");
    let set = [
        "exp",
        "run",
        "--params",
        "own.toml",
        "--set",
        "chain.rate=0.1",
        "--name",
        "e",
    ];
    space.ok(&set);
    // What was edited since then is set back, in the file that decides.
    space.write(
        "params.toml",
        "[chain]\nletter = \"new\"\nnumber = 1\nrate = 0.5\nmore = [1, 2]\n",
    );
    space.ok(&["exp", "apply", "e"]);
    let own = "[chain]\nnumber = 2\nletter = \"x\"\nrate = 0.1\n";
    assert_eq!(space.read("own.toml"), own);
    space.ran();
    let states = space.states(&["repro", "--json", "--params", "own.toml"]);
    assert_eq!(states, ["train up-to-date", "score up-to-date"]);
}

#[test]
fn changed_code_is_no_obstacle_to_applying() {
    let space = Space::new(SCORED);
    space.ok(&["exp", "run", "--set", "chain.rate=0.1"]);
    space.write(
        "pipeline.toml",
        &SCORED.replace("cat ${in.src}", "cat < ${in.src}"),
    );
    space.ran();
    space.ok(&["exp", "apply", "rate-0.1"]);
    assert_eq!(space.read("models/model.txt"), "source\nx 0.1\n");
    assert_eq!(space.ran(), "");
    let status = space.ok(&["status"]).stdout;
    assert!(status.contains("train  would run"), "{status}");
}

#[test]
fn removed_experiments_are_gone() {
    let space = Space::new(SCORED);
    space.ok(&["exp", "run", "--grid", "chain.rate=0.1,0.2,0.3"]);
    space.ok(&["exp", "remove", "rate-0.1", "rate-0.3"]);
    assert_eq!(
        names(&space, &[]),
        ["workspace changed", "rate-0.2 complete"]
    );
    space.fails(
        &["exp", "remove", "rate-0.4"],
        "there is no experiment `rate-0.4`; did you mean `rate-0.2`?",
    );
    space.fails(
        &["exp", "remove", "../experiments/rate-0.2"],
        "there is no experiment",
    );
    space.ok(&["exp", "remove", "--all"]);
    assert_eq!(names(&space, &[]), ["workspace changed"]);
    assert_eq!(
        space.ok(&["exp", "remove", "--all"]).stdout,
        "there is no experiment\n"
    );
}

#[test]
fn clearing_the_cache_keeps_results_of_experiments() {
    let space = Space::new(SCORED);
    space.ok(&["repro"]);
    space.ok(&["exp", "run", "--set", "chain.rate=0.1"]);
    space.ok(&["exp", "run", "--set", "chain.rate=0.2"]);
    space.ok(&["exp", "remove", "rate-0.2"]);
    let told = space.ok(&["cache", "gc", "--workspace"]).stdout;
    assert!(
        told.starts_with("removed 4 files, "),
        "two results, two records: {told}"
    );
    space.ran();
    space.remove("models");
    space.ok(&["exp", "apply", "rate-0.1"]);
    assert_eq!(space.repro(), ["train up-to-date", "score up-to-date"]);
    assert_eq!(space.ran(), "");
}

#[test]
fn clearing_the_cache_keeps_the_work_of_stopped_experiments() {
    let space = Space::new(
        "[stage.s]\ncmd = \"cd $(dirname $ATELIER_JOB)/scratch; echo half >> half; test ${chain.letter} = good; cp half ${out.x}\"\nout = { x = \"x.txt\" }\n",
    );
    space.run(&["exp", "run", "--set", "chain.letter=y"]);
    space.ok(&["cache", "gc", "--workspace"]);
    let folders = fs_err::read_dir(space.path(".atelier/work")).unwrap();
    assert_eq!(folders.count(), 1, "asked for again, it goes on from there");
    space.ok(&["exp", "remove", "--all"]);
    space.ok(&["cache", "gc", "--workspace"]);
    assert_eq!(
        fs_err::read_dir(space.path(".atelier/work"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn names_never_lead_out_of_their_folder() {
    let space = Space::new(SCORED);
    for name in ["../x", "a/b", ".hidden", "", "-x", "workspace", "a\nb"] {
        let name = format!("--name={name}");
        space.fails(&["exp", "run", &name], "is no name of an experiment");
    }
    space.ok(&[
        "exp",
        "run",
        "--set",
        "chain.letter=../../etc/passwd",
        "train",
    ]);
    assert_eq!(names(&space, &[])[1], "letter-..-..-etc-passwd complete");
    let long = format!("chain.letter={}", "x".repeat(300));
    space.ok(&["exp", "run", "--set", &long, "train"]);
    assert_eq!(names(&space, &[]).len(), 3);
}

#[test]
fn errors_of_experiments_are_reported_before_anything_runs() {
    let space = Space::new(SCORED);
    let grid = ["exp", "run", "--grid", "chain.rate=0.1,fast"];
    space.fails(&grid, "chain.rate = fast");
    space.fails(
        &["exp", "run", "--set", "chain.rat=1"],
        "did you mean `chain.rate`?",
    );
    space.fails(
        &["exp", "run", "--grid", "chain.rate"],
        "expected `table.key=value,…`",
    );
    space.fails(&["exp", "run", "--grid", "chain.rate="], "has no values");
    assert_eq!(space.ran(), "");
    assert!(!space.exists(".atelier/experiments"));
    space.fails(&["exp", "apply", "rate"], "there is no experiment `rate`");
    space.ok(&["exp", "run", "--name", "torn", "-q"]);
    space.write(".atelier/experiments/torn/pipeline.lock", "<<<<<<< HEAD\n");
    space.fails(
        &["exp", "show"],
        "`experiments/torn`: cannot read `pipeline.lock`",
    );
    space.ok(&["exp", "remove", "torn"]);
    space.write(".atelier/experiments/broken/experiment.json", "{");
    space.fails(
        &["exp", "show"],
        "`cargo xtask exp remove broken` removes the experiment",
    );
    space.ok(&["exp", "remove", "broken"]);
    space.ok(&["exp", "show"]);
}

#[test]
fn experiments_complete() {
    let space = Space::new(SCORED);
    space.ok(&["exp", "run", "--grid", "chain.rate=0.1,0.2", "-q"]);
    let complete = |line: &str| space.ok(&["__complete", line]).stdout;
    assert_eq!(complete("cargo xtask exp apply "), "rate-0.1\nrate-0.2\n");
    assert_eq!(
        complete("cargo xtask exp remove rate-0.1 rate-0.2"),
        "rate-0.2\n"
    );
    assert_eq!(
        complete("cargo xtask metrics diff "),
        "rate-0.1\nrate-0.2\nworkspace\n"
    );
    assert_eq!(
        complete("cargo xtask exp run --grid chain.r"),
        "chain.rate=\n"
    );
    assert_eq!(complete("cargo xtask exp run "), "score\ntrain\n");
}

#[test]
fn uncached_outputs_are_copied() {
    let space = Space::new(
        "[stage.s]\ncmd = \"mkdir ${out.x}; echo ${chain.letter} > ${out.x}/letter\"\nout = { x = { path = \"x\", cache = false } }\n",
    );
    space.ok(&["repro"]);
    space.ok(&["exp", "run", "--set", "chain.letter=y"]);
    space.ok(&["exp", "apply", "letter-y"]);
    assert_eq!(space.read("x/letter"), "y\n");
    assert!(
        !space.exists(".atelier/backup"),
        "what was there before was no one's own"
    );
    assert_eq!(space.repro(), ["s up-to-date"]);
    assert_eq!(space.read(".atelier/experiments/letter-y/x/letter"), "y\n");
    let diff = space.ok(&["exp", "diff", "letter-y", "workspace"]).stdout;
    assert_eq!(
        diff, "no differences\n",
        "without metrics there are parameters"
    );
}

#[test]
fn an_experiment_that_cannot_run_leaves_no_record() {
    let space = Space::new("[stage.s]\ncmd = \"echo 1 > y\"\nout = { y = \"y\" }\n");
    space.fails(&["exp", "run"], "its command does not write `${out.y}`");
    let space = Space::new(SCORED);
    space.fails(
        &["exp", "run", "nothing"],
        "unknown stage or output `nothing`",
    );
    assert_eq!(names(&space, &[]), ["workspace changed"]);
}

#[test]
fn applying_reports_outputs_that_the_cache_has_lost() {
    let space = Space::new(SCORED);
    space.ok(&["repro"]);
    space.ok(&["exp", "run", "--set", "chain.rate=0.1"]);
    space.remove(".atelier/cache");
    let ran = space.run(&["exp", "apply", "rate-0.1"]);
    assert_eq!(ran.code, Some(1));
    let told = "train  failed         the cache does not have output model\n";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    assert_eq!(space.repro(), ["train ran", "score ran"]);
}

#[test]
fn two_that_ask_for_the_same_run_it_once() {
    let space = Space::new(SCORED);
    let grid = ["exp", "run", "--grid", "chain.rate=0.1,0.2,0.3,0.4"];
    let both = [space.start(&grid), space.start(&grid)];
    for child in both {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(space.ran().split(' ').count(), 8);
    assert_eq!(names(&space, &[]).len(), 5);
}
