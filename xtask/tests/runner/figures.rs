//! Figures of the report as files: the program is built and given a job.

use serde_json::{Value, json};

use crate::space::Space;

const PIPELINE: &str = r#"
[stage.report]
cmd = "mkdir ${out.figures}; echo ${chain.letter} > ${out.figures}/a.svg"
out = { figures = "report/figures" }
params = ["chain.letter"]
"#;

/// Copies a figure and prints its job.
const PROGRAM: &str = r#"
fn main() {
    let job = std::env::args().nth(1).unwrap();
    let job = std::fs::read_to_string(job).unwrap();
    let path = |name: &str| {
        let rest = job.split_once(&format!("\"{name}\":\"")).unwrap().1;
        std::path::PathBuf::from(rest.split_once('"').unwrap().0)
    };
    let figure = std::fs::read(path("figures").join("a.svg")).unwrap();
    std::fs::write(path("folder").join("a.pdf"), figure).unwrap();
    print!("{job}");
}
"#;

fn workspace() -> Space {
    let space = Space::new(PIPELINE);
    space.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"figures\"]\n",
    );
    space.write(
        "figures/Cargo.toml",
        "[package]\nname = \"figures\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    space.write("figures/src/main.rs", PROGRAM);
    space
}

#[test]
fn wrong_arguments_fail_before_a_build() {
    let space = workspace();
    space.fails(
        &["figures", "--out", "files"],
        "no figures yet: run `cargo xtask repro report`",
    );
    assert!(!space.exists("files"));
    space.ok(&["repro"]);
    space.write("taken", "");
    for (out, why) in [
        (
            "taken",
            "cannot write to `taken`: choose another folder by `--out`",
        ),
        (
            "report/figures",
            "`report/figures` is in an output of stage `report`",
        ),
        (
            "report/figures/png",
            "`report/figures/png` is in an output of stage `report`",
        ),
        (
            "new/../report/figures/png",
            "`new/../report/figures/png` is in an output of stage `report`",
        ),
    ] {
        space.fails(&["figures", "--out", out], why);
    }
    assert!(!space.exists("report/figures/png"));
    assert!(!space.exists("new"));
    for (arguments, why) in [
        (
            ["--format", "pdf,pgn"],
            "unknown format; did you mean `png`?",
        ),
        (["--scale", "0"], "expected a number from 0.1 to 100"),
    ] {
        let ran = space.run(&[&["figures"][..], &arguments].concat());
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
    }
    assert!(!space.exists("target"));
}

#[test]
fn the_program_gets_the_figures_in_place() {
    let space = workspace();
    space.ok(&["repro"]);
    let arguments = ["figures", "--out", "paper/files", "--format", "svg,pdf,svg"];
    let ran = space.ok(&arguments);
    let job: Value = serde_json::from_str(&ran.stdout).unwrap();
    let root = fs_err::canonicalize(space.path("")).unwrap();
    let expected = json!({
        "figures": root.join("report/figures"),
        "folder": root.join("paper/files"),
        "out_argument": "paper/files",
        "formats": ["pdf", "svg"],
        "scale": 3.125,
        "json": false,
    });
    assert_eq!(job["params"], expected);
    assert_eq!(space.read("paper/files/a.pdf"), "x\n");
    assert!(!ran.stderr.contains("made otherwise"), "{}", ran.stderr);
    // Other parameters than the report's.
    let other = [&arguments[..], &["--set", "chain.letter=y"]].concat();
    let warned = space.ok(&other).stderr;
    assert!(
        warned.contains("the report in place was made otherwise (report: param letter"),
        "{warned}"
    );
}
