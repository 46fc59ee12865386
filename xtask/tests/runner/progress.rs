//! Reports during a run: a forecast, and the epochs of trainings.

use serde_json::Value;

use crate::space::{CHAIN, Space};

/// A training of two epochs that reports as the crate `stage` does.
const TRAIN: &str = r#"
[stage.train]
cmd = '''
say() { echo "{\"progress\": $1}"; }
say '{"task": "epochs", "done": 0, "total": 2}'
say '{"task": "steps", "done": 0, "total": 5}'
say '{"task": "steps", "done": 5, "total": 5, "loss": 0.9}'
say '{"task": "epochs", "done": 1, "total": 2, "loss": 1.5, "score": 0.25, "best_score": 0.25, "best_epoch": 1}'
say '{"task": "steps", "done": 3, "total": 5, "loss": 0.7}'
say '{"task": "epochs", "done": 2, "total": 2, "loss": 0.75, "score": 0.125, "best_score": 0.25, "best_epoch": 1}'
echo done > ${out.model}
'''
each = { fold = 2 }
out = { model = "models/${fold}" }

[stage.score]
cmd = "cat ${in.models} | wc -l > ${out.score}"
in = { models = "models/*" }
out = { score = "score.txt" }
"#;

#[test]
fn without_a_terminal_each_epoch_is_a_line() {
    let space = Space::new(TRAIN);
    let said = space.ok(&["repro"]).stderr;
    for fold in ["train@0", "train@1"] {
        let first = format!("{fold}  epoch 1/2  loss 1.500  score 0.250  best 0.250 (epoch 1)");
        let second = format!("{fold}  epoch 2/2  loss 0.750  score 0.125  best 0.250 (epoch 1)\n");
        assert!(said.contains(&first) && said.contains(&second), "{said}");
    }
    let line = said
        .lines()
        .find(|line| line.contains("epoch 1/2"))
        .unwrap();
    assert!(line.ends_with(" s left"), "{line}");
}

#[test]
fn json_events_have_epochs() {
    let space = Space::new(TRAIN);
    let ran = space.ok(&["repro", "--json"]);
    let lines = ran.stderr.lines().filter(|line| line.starts_with('{'));
    let lines = lines.map(serde_json::from_str::<Value>);
    let lines: Vec<Value> = lines.collect::<Result<_, _>>().unwrap();
    assert_eq!(lines[0]["forecast"]["to_run"][2], "score");
    let epoch = &lines[2];
    assert_eq!(epoch["stage"], "train@0");
    assert_eq!((&epoch["epoch"], &epoch["epochs"]), (&2.into(), &2.into()));
    assert_eq!(
        (&epoch["loss"], &epoch["score"]),
        (&0.75.into(), &0.125.into())
    );
    assert_eq!(
        (&epoch["best_score"], &epoch["best_epoch"]),
        (&0.25.into(), &1.into())
    );
    assert_eq!(lines.len(), 5);
}

#[test]
fn a_run_begins_with_a_forecast() {
    let space = Space::new(TRAIN);
    let said = space.ok(&["repro"]).stderr;
    let unknown = "3 stages to run, for how long is not known, as none of them ran here before: train ×2, score\n";
    assert!(said.starts_with(unknown), "{said}");
    // With nothing to do, nothing is foretold.
    assert_eq!(space.ok(&["repro"]).stderr, "");
    let said = space.ok(&["repro", "train@1", "--force"]).stderr;
    assert!(said.starts_with("1 stage to run, about 0."), "{said}");
    // One more fold, which takes as long as another one did.
    space.write("pipeline.toml", &TRAIN.replace("fold = 2", "fold = 3"));
    let said = space.ok(&["repro"]).stderr;
    assert!(said.starts_with("2 stages to run, about 0."), "{said}");
}

#[test]
fn the_forecast_of_a_training_is_proportional_to_its_epochs() {
    let space = Space::new(
        "[stage.t]\ncmd = \"sleep 0.${chain.rest}; echo > ${out.x}\"\nparams = [\"chain.epochs\"]\nout = { x = \"x\" }\n",
    );
    space.write("params.toml", "[chain]\nepochs = 1\nrest = 5\n");
    space.ok(&["repro"]);
    let said = space
        .ok(&["repro", "--set", "chain.epochs=20", "--set", "chain.rest=0"])
        .stderr;
    assert!(said.contains("1 stage to run, about 1"), "{said}");
    let seconds = said
        .split("about ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    assert!(
        (10.0..20.0).contains(&seconds.parse::<f64>().unwrap()),
        "{said}"
    );
}

#[test]
fn the_forecast_lists_stages_that_may_run_apart() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    let said = space.ok(&["repro", "--set", "chain.letter=y"]).stderr;
    let mut lines = said.lines();
    let (first, second) = (lines.next().unwrap(), lines.next().unwrap());
    assert!(
        first.starts_with("1 stage to run, about 0.") && first.ends_with(" s: a"),
        "{said}"
    );
    assert!(
        second.starts_with("2 stages may follow, about 0."),
        "{said}"
    );
    assert!(second.ends_with(" s: b, c"), "{said}");
}

#[test]
fn a_run_on_other_data_has_no_forecast() {
    let space = Space::new(
        "[stage.a]\ncmd = \"cat ${in.data} > ${out.a}\"\nin = { data = \"data\" }\nout = { a = \"a\" }\n\
         [stage.b]\ncmd = \"cp ${in.a} ${out.b}\"\nparams = [\"chain.side\"]\nin = { a = \"a\" }\nout = { b = \"b\" }\n",
    );
    space.write("data", "one");
    space.write("params.toml", "[chain]\nside = 1\n");
    space.ok(&["repro"]);
    space.write("data", "another");
    let said = space.ok(&["repro", "--set", "chain.side=2"]).stderr;
    let line = said.lines().next().unwrap();
    assert!(line.starts_with("2 stages to run, at least 0.0"), "{said}");
    assert!(
        line.ends_with("(the time of 1 of them is not known): a, b"),
        "{said}"
    );
}
