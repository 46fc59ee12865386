//! Predictions for new images: the program is built and given a job.

use serde_json::{Value, json};

use crate::space::Space;

const PIPELINE: &str = r#"
[stage.export]
cmd = "echo weights > ${out.model}; echo settings > ${out.config}"
out = { model = "export/model", config = "export/config" }
[stage.predict]
cmd = "echo said > ${out.predictions}"
out = { predictions = "predictions" }
[stage.cluster]
cmd = "echo map > ${out.clusters}"
out = { clusters = "clusters" }
[stage.calibrate]
cmd = "echo cooler > ${out.calibrators}; test ${chain.number} = 2"
out = { calibrators = "calibrators" }
"#;

/// Prints its job and ends with a status of its own.
const PREDICTOR: &str = r#"
fn main() {
    let job = std::env::args().nth(1).unwrap();
    print!("{}", std::fs::read_to_string(job).unwrap());
    std::process::exit(3);
}
"#;

fn workspace() -> Space {
    let space = Space::new(PIPELINE);
    space.write(
        "params.toml",
        "device = \"cpu\"\n[chain]\nnumber = 1\n[attribution]\ncells = 4\nwindow = 1\n",
    );
    space.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"predictor\"]\n",
    );
    space.write(
        "predictor/Cargo.toml",
        "[package]\nname = \"predictor\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    space.write("predictor/src/main.rs", PREDICTOR);
    space.write("a.jpg", "");
    space
}

#[test]
fn without_a_model_or_an_image_nothing_is_built() {
    let space = workspace();
    space.fails(
        &["predict", "a.jpg"],
        "no model yet: run `cargo xtask repro`",
    );
    space.fails(&["predict", "b.jpg"], "`b.jpg` is not there");
    assert!(!space.exists("target"));
}

#[test]
fn the_program_gets_the_outputs_of_a_repro() {
    let space = workspace();
    // The stage `calibrate` fails: its output is optional.
    space.fails(&["repro"], "calibrate");
    let ran = space.run(&[
        "predict",
        "a.jpg",
        "gone",
        "--explain",
        "--html",
        "new.html",
    ]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let job: Value = serde_json::from_str(&ran.stdout).unwrap();
    let path = |name: &str| {
        let root = fs_err::canonicalize(space.path("")).unwrap();
        json!(root.join(name))
    };
    assert_eq!(job["params"]["files"], json!([path("a.jpg"), path("gone")]));
    assert_eq!(job["params"]["cells"], 4);
    assert_eq!(job["params"]["explain"], true);
    assert_eq!(job["in"]["model"], path("export/model"));
    assert_eq!(job["in"]["calibrators"], Value::Null);
    assert_eq!(job["in"]["models"], json!([]));
    assert_eq!(job["out"]["page"], path("new.html"));
    // The job file is gone with the job.
    let left = fs_err::read_dir(space.path(".atelier/work"))
        .unwrap()
        .count();
    assert_eq!(left, 1, "the failed stage's own folder alone");

    space.ok(&["repro", "--set", "chain.number=2"]);
    let ran = space.run(&["predict", "a.jpg"]);
    let job: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(job["in"]["calibrators"], path("calibrators"));
    assert_eq!(job["out"]["page"], Value::Null);
}

/// Folds whose networks are an ensemble.
const FOLDS: &str = r#"
[stage.train]
each = { fold = "${folds}" }
cmd = "echo ${fold} > ${out.model}; echo ${fold} > ${out.history}"
out = { model = "train/${fold}/model", history = "train/${fold}/history" }
"#;

#[test]
fn an_ensemble_has_the_networks_of_all_folds() {
    let space = workspace();
    space.write("pipeline.toml", &format!("{PIPELINE}{FOLDS}"));
    space.write(
        "params.toml",
        "device = \"cpu\"\nfolds = 3\n[chain]\nnumber = 2\n[train]\nselection = \"last\"\n[attribution]\ncells = 4\nwindow = 1\n",
    );
    space.ok(&["repro"]);
    let ran = space.run(&["predict", "a.jpg", "--ensemble"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let job: Value = serde_json::from_str(&ran.stdout).unwrap();
    let root = fs_err::canonicalize(space.path("")).unwrap();
    let of_folds = |output: &str| {
        let paths = (0..3).map(|fold| root.join(format!("train/{fold}/{output}")));
        json!(paths.collect::<Vec<_>>())
    };
    assert_eq!(job["in"]["models"], of_folds("model"));
    assert_eq!(job["in"]["histories"], of_folds("history"));
    assert_eq!(job["params"]["selection"], "last");

    space.remove("train/1/model");
    assert_eq!(space.run(&["predict", "a.jpg"]).code, Some(3));
    space.fails(
        &["predict", "a.jpg", "--ensemble"],
        "the output `model` of train@1 is missing, expected that of every fold for the ensemble: run `cargo xtask repro train`",
    );
    // A network that another run made.
    space.write("train/1/model", "other\n");
    space.fails(
        &["predict", "a.jpg", "--ensemble"],
        "train@1: output model was edited",
    );
}

#[test]
fn the_network_of_a_single_fold_is_no_ensemble() {
    let space = workspace();
    space.write("pipeline.toml", &format!("{PIPELINE}{FOLDS}"));
    space.write(
        "params.toml",
        "device = \"cpu\"\nfolds = 1\n[chain]\nnumber = 2\n[train]\nselection = \"best\"\n[attribution]\ncells = 4\nwindow = 1\n",
    );
    space.ok(&["repro"]);
    space.fails(
        &["predict", "a.jpg", "--ensemble"],
        "there is the network of a single fold, expected two or more for an ensemble: leave out `--ensemble`, or set \
         `split.folds` to 2 or more, with `split.existing = \"ignore\"` if the collection has validation images",
    );
}

/// Stages that depend on each other as those of the study do.
const STUDY: &str = r#"
[stage.train]
cmd = "echo $(cat $ATELIER_JOB | grep -c .) ${chain.letter} > ${out.model}"
params = ["chain.letter", "device"]
out = { model = "model" }
[stage.export]
cmd = "cat ${in.model} > ${out.model}; echo settings > ${out.config}"
params = []
in = { model = "model" }
out = { model = "export/model", config = "export/config" }
[stage.predict]
cmd = "cat ${in.model} > ${out.predictions}"
params = ["chain.number"]
in = { model = "model" }
out = { predictions = "predictions" }
[stage.cluster]
cmd = "cat ${in.x} > ${out.clusters}"
in = { x = "predictions" }
out = { clusters = "clusters" }
[stage.calibrate]
cmd = "cat ${in.x} > ${out.calibrators}"
in = { x = "predictions" }
out = { calibrators = "calibrators" }
"#;

#[test]
fn results_of_several_runs_are_refused() {
    let space = workspace();
    space.write("pipeline.toml", STUDY);
    space.write(
        "params.toml",
        "device = \"cpu\"\n[chain]\nletter = \"x\"\nnumber = 1\n[attribution]\ncells = 4\nwindow = 1\n",
    );
    space.ok(&["repro"]);
    let accepted = |arguments: &[&str]| {
        let ran = space.run(&[&["predict", "a.jpg"], arguments].concat());
        assert_eq!(ran.code, Some(3), "{arguments:?}: {}", ran.stderr);
    };
    let refused = |arguments: &[&str], parts: &[&str]| {
        let ran = space.run(&[&["predict", "a.jpg"], arguments].concat());
        assert_eq!(ran.code, Some(1), "{arguments:?}: {}", ran.stdout);
        for part in parts {
            assert!(
                ran.stderr.contains(part),
                "`{part}` is not in:\n{}",
                ran.stderr
            );
        }
    };
    accepted(&[]);
    // A parameter of a stage above.
    let letter = ["--set", "chain.letter=y"];
    refused(
        &letter,
        &[
            "train: param letter \"x\" → \"y\"",
            "`cargo xtask repro export predict cluster calibrate --set chain.letter=y`",
        ],
    );
    // Made anew in parts.
    space.ok(&["repro", "export", "predict", "--set", "chain.letter=y"]);
    refused(
        &letter,
        &["cluster: input x changed", "calibrate: input x changed"],
    );
    refused(&[], &["train: param letter \"y\" → \"x\""]);
    space.ok(&["repro", "--set", "chain.letter=y"]);
    accepted(&letter);
    // Another file in the place of one of them.
    space.write("clusters", "other\n");
    refused(&letter, &["cluster: output clusters was edited"]);
    space.ok(&["repro", "--set", "chain.letter=y"]);
    // The code of a stage, and the device, are not of the model.
    space.write("pipeline.toml", &STUDY.replace("grep -c .", "grep -c ''"));
    accepted(&letter);
    accepted(&["--set", "chain.letter=y", "--set", "device=auto"]);
}
