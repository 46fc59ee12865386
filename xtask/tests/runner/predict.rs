//! New pictures: the program that judges them is built and given a job.

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
const INSPECT: &str = r#"
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
        "device = \"cpu\"\n[chain]\nnumber = 1\n[explain]\ncells = 4\nsquare = 1\n",
    );
    space.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"inspect\"]\n",
    );
    space.write(
        "inspect/Cargo.toml",
        "[package]\nname = \"inspect\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    space.write("inspect/src/main.rs", INSPECT);
    space.write("a.jpg", "");
    space
}

#[test]
fn without_a_model_or_a_picture_nothing_is_built() {
    let space = workspace();
    space.fails(
        &["predict", "a.jpg"],
        "no model yet: run `cargo xtask repro`",
    );
    space.fails(&["predict", "b.jpg"], "`b.jpg` is not there");
    assert!(!space.exists("target"));
}

#[test]
fn the_program_is_given_what_a_repro_made() {
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
