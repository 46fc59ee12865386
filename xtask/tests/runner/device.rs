//! `device = "auto"` where there is an accelerator: it is tried once by a program of the workspace.

use std::process::Output;

use serde_json::Value;

use crate::space::Space;

const PIPELINE: &str = r#"
[device]
check = "app/check"
params = { batch = "app.batch" }
[stage.app]
run = "app/app"
params = ["device"]
in = { from = "src.txt" }
out = { to = "to.txt" }
"#;

/// Writes its device.
const APP: &str = r#"
fn main() {
    let job = std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();
    let after = |key: &str| job.split(key).nth(1).unwrap().split('"').next().unwrap().to_owned();
    let feature = if cfg!(feature = "metal") { "with metal" } else { "plain" };
    std::fs::write(after("\"to\": \""), format!("{} {feature}", after("\"device\": \""))).unwrap();
}
"#;

/// Counts its runs, refuses batches of 2, crashes at 3 and takes the device otherwise.
const CHECK: &str = r#"
use std::io::Write;
fn main() {
    let job = std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();
    assert!(cfg!(feature = "metal") && job.contains("\"device\":\"metal\""), "{job}");
    let mut count = std::fs::File::options().create(true).append(true).open("tried").unwrap();
    writeln!(count, "{job}").unwrap();
    let answer = job.split("\"verdict\":\"").nth(1).unwrap().split('"').next().unwrap();
    if job.contains("\"batch\":3") {
        eprintln!("error: no driver");
        std::process::exit(1);
    }
    let refusal = if job.contains("\"batch\":2") { "\"too large\"" } else { "null" };
    std::fs::write(answer, format!("{{\"refusal\": {refusal}, \"memory_gib\": 8.0}}")).unwrap();
}
"#;

fn workspace(batch: u32) -> Space {
    let space = Space::new(PIPELINE);
    space.write("params.toml", &params(batch));
    space.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"app\"]\n",
    );
    space.write(
        "app/Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[features]\nmetal = []\n",
    );
    space.write("app/src/bin/app.rs", APP);
    space.write("app/src/bin/check.rs", CHECK);
    space
}

fn params(batch: u32) -> String {
    format!("device = \"auto\"\n[app]\nbatch = {batch}\n")
}

/// A command on a machine that has Metal; its output and its errors.
fn on_a_mac(space: &Space, arguments: &[&str]) -> [String; 2] {
    let mut command = space.command(arguments);
    command.env("ATELIER_ACCELERATOR", "metal");
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(status.success(), "{stderr}");
    [stdout, stderr]
}

fn n_tried(space: &Space) -> usize {
    if space.exists("tried") {
        space.read("tried").lines().count()
    } else {
        0
    }
}

#[test]
fn accelerator_that_passes_is_used_and_tried_once() {
    let space = workspace(1);
    let [stdout, _] = on_a_mac(&space, &["repro"]);
    assert!(!stdout.contains("warning"), "{stdout}");
    assert_eq!(space.read("to.txt"), "metal with metal");
    assert_eq!(n_tried(&space), 1);
    let [stdout, _] = on_a_mac(&space, &["repro"]);
    assert!(stdout.contains("0 ran"), "{stdout}");
    let verdicts = space.read(".atelier/devices.json");
    let verdicts: Value = serde_json::from_str(&verdicts).unwrap();
    let verdict = verdicts.as_object().unwrap().values().next().unwrap();
    assert_eq!(verdict["refusal"], Value::Null);
    assert_eq!(verdict["memory_gib"], 8.0);
    // Another param of the program, and its own code, are other questions.
    space.write("params.toml", &params(5));
    on_a_mac(&space, &["repro"]);
    assert_eq!(n_tried(&space), 2);
    space.write("app/src/bin/check.rs", &format!("{CHECK}// Other.\n"));
    on_a_mac(&space, &["repro"]);
    assert_eq!(n_tried(&space), 3);
}

#[test]
fn accelerator_that_is_refused_gives_way_to_the_cpu_with_a_warning() {
    let space = workspace(2);
    for _ in 0..2 {
        let [stdout, _] = on_a_mac(&space, &["repro"]);
        let expected = "warning: device: stages run on the CPU and not on metal: too large; `--set device=metal` insists";
        assert!(stdout.contains(expected), "{stdout}");
        assert_eq!(space.read("to.txt"), "cpu plain");
    }
    assert_eq!(n_tried(&space), 1);
    // Commands that run nothing know it too.
    let [stdout, _] = on_a_mac(&space, &["status"]);
    assert!(stdout.contains("up to date"), "{stdout}");
    // An explicit device is not tried.
    on_a_mac(&space, &["repro", "--set", "device=metal"]);
    assert_eq!(space.read("to.txt"), "metal with metal");
    assert_eq!(n_tried(&space), 1);
}

#[test]
fn check_that_crashes_is_tried_again() {
    let space = workspace(3);
    for n in 1..=2 {
        let [stdout, _] = on_a_mac(&space, &["repro"]);
        assert!(stdout.contains("its check ended with"), "{stdout}");
        assert!(stdout.contains(": no driver;"), "{stdout}");
        assert_eq!(space.read("to.txt"), "cpu plain");
        assert_eq!(n_tried(&space), n);
    }
}

#[test]
fn without_an_accelerator_nothing_is_tried_or_built() {
    let space = workspace(2);
    let mut command = space.command(&["repro"]);
    let output = command.env("ATELIER_ACCELERATOR", "cpu").output().unwrap();
    assert!(output.status.success());
    assert_eq!(space.read("to.txt"), "cpu plain");
    assert!(!space.exists("tried") && !space.exists(".atelier/devices.json"));
    assert!(!space.exists("target/release/check"));
}

#[test]
fn wrong_declarations_of_the_check_are_errors() {
    for (text, error) in [
        ("[device]\nparams = {}\n", "`device` has no `check`"),
        (
            "[device]\ncheck = \"app\"\n",
            "`check` is `app`; expected `crate/binary`",
        ),
        (
            "[device]\nchek = \"a/b\"\n",
            "unknown key of `device`: `chek`; did you mean `check`?",
        ),
    ] {
        Space::new(text).fails(&["status"], error);
    }
}
