//! Searches over parameters.

use serde_json::Value;

use crate::metrics::with_tables;
use crate::space::Space;

/// A fold's score is highest at a rate of 0.3, and a little lower in the second fold.
const FOLDS: &str = r#"
[stage.train]
cmd = "test ! -e hold || { touch held; sleep 60; }; test ${chain.letter} != bad; echo ${chain.rate} > ${out.model}"
each = { fold = 3 }
out = { model = "models/${fold}/model.txt" }

[stage.grade]
cmd = "awk '{ print 1 - ($1 - 0.3) ^ 2 - ${fold} / 100 }' ${in.model} > ${out.score}"
each = { fold = 3 }
in = { model = "models/${fold}/model.txt" }
out = { score = "grades/${fold}.txt" }
"#;

const SEARCH: &str = r#"
score = "grade.score"
trials = 4
method = "random"
seed = 7
[space]
"chain.rate" = { float = [0.0, 1.0] }
"#;

/// How many networks were trained since runs were last asked for.
fn trained(space: &Space) -> usize {
    let ran = space.ran();
    let trained = ran.split(' ').filter(|name| name.starts_with("train@"));
    trained.count()
}

fn space(search: &str) -> Space {
    let space = Space::new(FOLDS);
    space.write("searches/rates.toml", search);
    space
}

fn run(space: &Space) {
    space.ok(&["search", "run", "rates"]);
}

fn trials(space: &Space) -> Vec<Value> {
    let shown = space.ok(&["search", "show", "rates", "--json"]).stdout;
    serde_json::from_str(&shown).unwrap()
}

#[test]
fn a_search_leaves_the_current_state_alone() {
    let space = space(SEARCH);
    space.ok(&["repro"]);
    let before = ["pipeline.lock", "models/0/model.txt", "grades/2.txt"].map(|f| space.read(f));
    run(&space);
    let after = ["pipeline.lock", "models/0/model.txt", "grades/2.txt"].map(|f| space.read(f));
    assert_eq!(before, after);
    space.ran();
    assert!(
        space
            .repro()
            .iter()
            .all(|state| state.ends_with("up-to-date"))
    );
    assert_eq!(space.ran(), "");
    assert!(
        space
            .ok(&["search", "list"])
            .stdout
            .contains("rates  4 of 4 trials, best ")
    );
}

#[test]
fn a_trial_has_the_median_of_its_folds() {
    let space = space(SEARCH);
    run(&space);
    for trial in trials(&space) {
        let rate = trial["params"]["chain.rate"].as_f64().unwrap();
        let score = trial["score"].as_f64().unwrap();
        assert!(
            (score - (0.99 - (rate - 0.3).powi(2))).abs() < 1e-4,
            "{trial}"
        );
        assert_eq!(trial["steps"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn a_repeated_search_computes_nothing() {
    let space = space(SEARCH);
    run(&space);
    let first = trials(&space);
    assert_eq!(trained(&space), 12);
    run(&space);
    assert_eq!(space.ran(), "");
    assert_eq!(trials(&space), first);
}

#[test]
fn a_killed_search_continues() {
    let whole = space(SEARCH);
    run(&whole);
    let space = space(SEARCH);
    space.write(
        "searches/rates.toml",
        &SEARCH.replace("trials = 4", "trials = 2"),
    );
    run(&space);
    assert_eq!(trained(&space), 6);
    space.write("searches/rates.toml", SEARCH);
    space.write("hold", "");
    let mut killed = space.start(&["search", "run", "rates", "--no-sandbox"]);
    space.wait_for("held");
    killed.kill().unwrap();
    killed.wait().unwrap();
    space.remove("hold");
    run(&space);
    // Of the last two trials each fold came to its end once, that which was killed too.
    assert_eq!(trained(&space), 6);
    assert_eq!(trials(&space), trials(&whole));
}

#[test]
fn an_adopted_trial_is_restored() {
    let space = space(SEARCH);
    space.write(
        "params.toml",
        "[chain]\nletter = \"x\" # a letter\n# How fast.\nrate = 0.5 # slow\n",
    );
    run(&space);
    space.ran();
    space.ok(&["search", "apply", "rates", "--trial", "1"]);
    let rate = trials(&space)[1]["params"]["chain.rate"].as_f64().unwrap();
    let expected =
        format!("[chain]\nletter = \"x\" # a letter\n# How fast.\nrate = {rate:?} # slow\n");
    assert_eq!(space.read("params.toml"), expected);
    assert!(
        space
            .repro()
            .iter()
            .all(|state| state.ends_with("restored"))
    );
    assert_eq!(space.ran(), "");
    space.fails(
        &["search", "apply", "rates", "--trial", "9"],
        "the search has 4 trials",
    );
}

#[test]
fn values_go_where_the_next_run_reads_them() {
    let space = space(&format!("params = [\"params/own.toml\"]\n{SEARCH}"));
    space.write("params/own.toml", "[chain]\nletter = \"y\"\n");
    run(&space);
    space.ran();
    space.ok(&["search", "apply", "rates"]);
    assert!(
        space
            .read("params/own.toml")
            .contains("letter = \"y\"\nrate = 0.")
    );
    let states = space.states(&["repro", "--json", "--params", "params/own.toml"]);
    assert!(
        states.iter().all(|state| state.ends_with("restored")),
        "{states:?}"
    );
}

#[test]
fn parameters_can_follow_another() {
    let search = SEARCH
        .replace("random", "grid")
        .replace("{ float = [0.0, 1.0] }", "{ choice = [0.25, 0.5] }");
    let follow = "[follow.\"chain.rate\".\"0.25\"]\n\"chain.letter\" = \"bad\"\n";
    let space = space(&format!("{search}{follow}"));
    run(&space);
    let states: Vec<Value> = trials(&space)
        .iter()
        .map(|trial| trial["state"].clone())
        .collect();
    assert_eq!(states, ["failed", "complete"]);
}

#[test]
fn a_hopeless_trial_is_stopped() {
    let search = SEARCH.replace("method", "pruner = { trials = 1, steps = 1 }\nmethod");
    let grid = "method = \"grid\"\n";
    let search = search.replace("method = \"random\"\n", grid);
    let space = space(
        &search
            .replace("[0.0, 1.0]", "[0.3, 0.9]")
            .replace("trials = 4", "trials = 3"),
    );
    run(&space);
    let states: Vec<String> = trials(&space)
        .iter()
        .map(|trial| {
            format!(
                "{} {}",
                trial["state"],
                trial["steps"].as_array().unwrap().len()
            )
        })
        .collect();
    assert_eq!(states, ["\"complete\" 3", "\"pruned\" 1", "\"pruned\" 1"]);
    assert_eq!(trained(&space), 5);
    space.fails(
        &["search", "apply", "rates", "--trial", "2"],
        "trial 2 is pruned, not complete",
    );
}

#[test]
fn a_trial_that_fails_is_one_of_the_trials() {
    let search = SEARCH.replace(
        "\"chain.rate\" = { float = [0.0, 1.0] }",
        "\"chain.letter\" = { choice = [\"good\", \"bad\"] }",
    );
    let space = space(&search.replace("random", "grid"));
    run(&space);
    let states: Vec<Value> = trials(&space)
        .iter()
        .map(|trial| trial["state"].clone())
        .collect();
    assert_eq!(states, ["complete", "failed"]);
}

#[test]
fn a_score_that_is_no_finite_number_makes_a_failed_trial() {
    let unreadable = "no metrics of `grade.score`: it is neither JSON nor a table in parquet";
    for (wrote, reason) in [
        ("nan", "`grade.score` is NaN, expected a finite number"),
        ("-inf", "`grade.score` is -inf, expected a finite number"),
        ("no score", unreadable),
        ("", unreadable),
        ("{}", "`grade.score` has no number"),
    ] {
        let grade = format!(
            "cmd = \"if [ ${{chain.letter}} = bad ]; then echo '{wrote}' > ${{out.score}}; else echo 0.5 > ${{out.score}}; fi\""
        );
        let pipeline = format!("[stage.grade]\n{grade}\nout = {{ score = \"score.txt\" }}\n");
        let space = Space::new(&pipeline);
        let letters = "\"chain.letter\" = { choice = [\"bad\", \"good\", \"fair\"] }";
        let search = SEARCH.replace("\"chain.rate\" = { float = [0.0, 1.0] }", letters);
        space.write("searches/rates.toml", &search.replace("random", "grid"));
        let expected = [r#""failed" null"#, r#""complete" 0.5"#, r#""complete" 0.5"#];
        // A continuation comes past it, too.
        for _ in 0..2 {
            let printed = space.ok(&["search", "run", "rates"]).stderr;
            let reason = format!("{reason}: the trial failed");
            assert!(printed.contains(&reason), "{printed}");
            let trials = trials(&space);
            let trials = trials
                .iter()
                .map(|t| format!("{} {}", t["state"], t["score"]));
            assert_eq!(trials.collect::<Vec<_>>(), expected);
        }
        space.ok(&["search", "apply", "rates"]);
        assert!(space.read("params.toml").contains("letter = \"good\""));
    }
}

/// Scores of the trials of a grid over two rates.
fn scores(space: &Space, score: &str) -> Vec<f64> {
    let search = SEARCH
        .replace("random", "grid")
        .replace("[0.0, 1.0] }", "[0.25, 0.75], points = 2 }")
        .replace("grade.score", score);
    space.write("searches/rates.toml", &search);
    run(space);
    let trials = trials(space);
    let scores = trials.iter().map(|trial| trial["score"].as_f64().unwrap());
    scores.collect()
}

#[test]
fn one_of_several_numbers_of_an_output_scores() {
    let space = Space::new(
        r#"
[stage.evaluate]
cmd = "echo '{\"test\": {\"f1\": '${chain.rate}', \"loss\": NaN}, \"n\": 3}' > ${out.scores}"
out = { scores = "scores.json" }
"#,
    );
    assert_eq!(scores(&space, "evaluate.scores.test.f1"), [0.25, 0.75]);
    let search = SEARCH.replace("grade.score", "evaluate.scores.*");
    space.write("searches/rates.toml", &search);
    let printed = space.ok(&["search", "run", "rates"]).stderr;
    let reason = "`evaluate.scores.test.loss` is NaN, expected a finite number: the trial failed";
    assert!(printed.contains(reason), "{printed}");
    let search = SEARCH.replace("grade.score", "evaluate.scores.f2");
    space.write("searches/rates.toml", &search);
    let printed = space.ok(&["search", "run", "rates"]).stderr;
    let reason = "`evaluate.scores` has no number `f2`: the trial failed";
    assert!(printed.contains(reason), "{printed}");
}

#[test]
fn several_scores_of_an_instance_are_an_error() {
    let space = Space::new(
        "[stage.s]\ncmd = \"echo '[1, 2]' > ${out.x}\"\nout = { x = \"x\" }\nmetrics = [\"x\"]\n",
    );
    space.write("searches/rates.toml", &SEARCH.replace("grade.score", "s.x"));
    space.fails(
        &["search", "run", "rates"],
        "`score` is `s.x`, which several metrics match: `s.x.0`, `s.x.1`",
    );
}

#[test]
fn the_best_row_of_a_table_scores() {
    let space = with_tables(
        r#"
[stage.train]
cmd = "printf 'PAR1\\n0.false.score 0.9\\n1.true.score %s\\n' ${chain.rate} > ${out.history}"
each = { fold = 3 }
out = { history = "train/${fold}/history.parquet" }
"#,
    );
    assert_eq!(scores(&space, "train.history.*true.score"), [0.25, 0.75]);
    let shown = space.ok(&["search", "show", "rates", "--json"]).stdout;
    assert_eq!(shown.matches("\"steps\"").count(), 2);
}

#[test]
fn former_names_lead_to_the_new_ones() {
    let space = space(SEARCH);
    space.fails(
        &["study", "run", "rates", "--quiet"],
        "`study` is called `search` now: try `cargo xtask search run rates --quiet`",
    );
    run(&space);
    for (folder, former) in [
        (".atelier/searches", ".atelier/studies"),
        ("searches", "studies"),
    ] {
        fs_err::rename(space.path(folder), space.path(former)).unwrap();
        let message =
            format!("`{former}` is called `{folder}` now: rename it by `mv {former} {folder}`");
        space.fails(&["search", "show", "rates"], &message);
        if former.starts_with('.') {
            space.fails(&["cache", "gc", "--workspace"], &message);
        } else {
            space.fails(&["search", "list"], &message);
        }
        fs_err::rename(space.path(former), space.path(folder)).unwrap();
    }
    space.ran();
    run(&space);
    assert_eq!(space.ran(), "");
}

/// Starts a run whose first training waits, and interrupts it there after the first trial.
fn interrupt(space: &Space) {
    let mut child = space.start(&["search", "run", "rates", "--no-sandbox"]);
    space.wait_for("held");
    let process = nix::unistd::Pid::from_raw(child.id().cast_signed());
    nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    space.remove("held");
}

#[test]
fn a_record_is_replaced_only_by_as_many_trials() {
    // Another code, which scores all trials anew, and waits in its second trial.
    let edited = FOLDS.replace("1 - ($1", "9 - ($1");
    let edited = edited.replace(
        "test ! -e hold ||",
        "echo >> count; test $(wc -l < count) -le 3 || test ! -e hold ||",
    );
    let space = space(SEARCH);
    run(&space);
    let before = trials(&space);
    let record = ".atelier/searches/rates/trials.json";
    let bytes = space.read(record);
    // A stop in the first trial, and one after it.
    for pipeline in [
        FOLDS
            .replace("1 - ($1", "8 - ($1")
            .replace("&& test", "&&  test"),
        edited.clone(),
    ] {
        let pipeline = pipeline.replace("test ${chain.letter}", "test  ${chain.letter}");
        space.write("pipeline.toml", &pipeline);
        space.write("hold", "");
        interrupt(&space);
        assert_eq!(space.read(record), bytes);
        assert_eq!(trials(&space), before);
    }
    let shown = space.ok(&["search", "show", "rates"]).stdout;
    assert!(shown.contains("a later run has 1 trials so far"), "{shown}");
    let best = |trials: &[Value]| {
        let scores = trials.iter().map(|t| t["score"].as_f64().unwrap());
        scores.fold(f64::NEG_INFINITY, f64::max)
    };
    let best_rate = before
        .iter()
        .find(|t| t["score"].as_f64() == Some(best(&before)));
    let best_rate = best_rate.unwrap()["params"]["chain.rate"].clone();
    space.ok(&["search", "apply", "rates"]);
    assert!(
        space
            .read("params.toml")
            .contains(&format!("rate = {best_rate}"))
    );
    // Once it has as many, it takes the place; what was recorded is kept.
    space.remove("hold");
    space.ok(&["search", "run", "rates", "--no-sandbox"]);
    assert!(
        trials(&space)
            .iter()
            .all(|t| t["score"].as_f64().unwrap() > 7.0)
    );
    assert_eq!(space.read(".atelier/searches/rates/trials.1.json"), bytes);
    assert!(!space.exists(".atelier/searches/rates/trials.unfinished.json"));
    // Fewer trials asked for: those that there are stay.
    space.write(
        "searches/rates.toml",
        &SEARCH.replace("trials = 4", "trials = 2"),
    );
    space.ok(&["search", "run", "rates", "--no-sandbox"]);
    assert_eq!(trials(&space).len(), 4);
}

#[test]
fn mistakes_in_a_search_are_reported() {
    let space = space(&SEARCH.replace("trials = 4", "trails = 4"));
    space.fails(&["search", "run", "rates"], "unknown field `trails`");
    space.fails(&["search", "run", "rate"], "there is no search `rate`");
    space.write(
        "searches/rates.toml",
        &SEARCH.replace("chain.rate", "chain.rat"),
    );
    space.fails(
        &["search", "run", "rates"],
        "unknown parameter `chain.rat`; did you mean `chain.rate`?",
    );
    space.write(
        "searches/rates.toml",
        &SEARCH.replace("grade.score", "grades.score"),
    );
    space.fails(
        &["search", "run", "rates"],
        "there is no stage `grades` to score by",
    );
    space.write(
        "searches/rates.toml",
        &SEARCH.replace("grade.score", "grade.scores"),
    );
    space.fails(
        &["search", "run", "rates"],
        "stage `grade` has no output `scores` to score by; did you mean `score`?",
    );
    space.write(
        "searches/rates.toml",
        &SEARCH.replace("grade.score", "grade"),
    );
    space.fails(
        &["search", "run", "rates"],
        "`score` is `grade`; expected `stage.output`",
    );
    space.write("searches/rates.toml", SEARCH);
    space.fails(&["search", "show", "rates"], "search `rates` never ran");
    let in_place = Space::new("[stage.s]\ncmd = \"echo 1 > y\"\nout = { y = \"y\" }\n");
    in_place.write("searches/rates.toml", &SEARCH.replace("grade.score", "s.y"));
    in_place.fails(
        &["search", "run", "rates"],
        "its command does not write `${out.y}`",
    );
}
