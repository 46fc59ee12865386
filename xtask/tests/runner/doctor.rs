//! `doctor`: the program is built for the device and given the facts of the machine.

use serde_json::{Value, json};

use crate::space::Space;

const PIPELINE: &str = r#"
[stage.app]
cmd = "echo x > ${out.to}"
out = { to = "to.txt" }
"#;

/// Prints its features before its job, and is not sound where its name asks for it.
const PROGRAM: &str = r#"
#[cfg(feature = "cuda")]
compile_error!("no compiler for GPUs");
fn main() {
    let job = std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();
    assert_eq!(cfg!(feature = "metal"), job.contains("\"device\":\"metal\",\"e"));
    print!("{job}");
    std::process::exit(i32::from(job.contains("\"batch_size\":2")));
}
"#;

fn workspace() -> Space {
    let space = Space::new(PIPELINE);
    let params = "device = \"auto\"\n[model]\nresnet = 18\nclassifier = true\nembedding_size = 4\n\
                  [train]\nside_px = 48\nbatch_size = 1\n";
    space.write("params.toml", params);
    space.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"device-check\"]\n",
    );
    space.write(
        "device-check/Cargo.toml",
        "[package]\nname = \"device-check\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[features]\nmetal = []\ncuda = []\n",
    );
    space.write("device-check/src/bin/doctor.rs", PROGRAM);
    space
}

/// Params of the job on a machine with this accelerator, and the exit code.
fn params(space: &Space, accelerator: &str, arguments: &[&str]) -> (Value, Option<i32>) {
    let mut command = space.command(&[&["doctor"][..], arguments].concat());
    let output = command.env("ATELIER_ACCELERATOR", accelerator).output();
    let output = output.unwrap();
    let job: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (job["params"].clone(), output.status.code())
}

#[test]
fn the_program_gets_params_and_facts() {
    let space = workspace();
    let (params, code) = params(&space, "cpu", &["--json"]);
    assert_eq!(code, Some(0));
    let expected =
        json!({"device": "cpu", "build_failure": null, "resnet": 18, "side_px": 48, "json": true});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&params[name], value, "{name}");
    }
    let facts = &params["facts"];
    assert!(facts["rustc"].as_str().unwrap().starts_with("rustc "));
    let devices = facts["devices"].as_array().unwrap().iter();
    let devices: Vec<&Value> = devices.map(|device| &device["device"]).collect();
    assert_eq!(devices, ["cpu", "metal", "cuda"]);
    assert_eq!(facts["auto"]["device"], "cpu");
    let reason = facts["auto"]["reason"].as_str().unwrap();
    assert!(reason.contains("no accelerator"), "{reason}");
}

#[test]
fn the_accelerator_is_measured_unless_another_device_is_named() {
    let space = workspace();
    assert_eq!(params(&space, "metal", &[]).0["device"], "metal");
    let named = params(&space, "metal", &["--device", "cpu"]).0;
    assert_eq!(named["device"], "cpu");
    assert_eq!(
        named["facts"]["auto"]["reason"],
        "`--device cpu` leaves out the check of metal"
    );
    let set = params(&space, "metal", &["--set", "device=cpu"]).0;
    assert_eq!(set["device"], "cpu");
    assert_eq!(
        set["facts"]["auto"]["reason"],
        "`cpu` is set, so that no device is tried"
    );
}

#[test]
fn the_cpu_is_measured_where_the_build_fails() {
    let space = workspace();
    let params = params(&space, "cuda", &[]).0;
    assert_eq!(params["device"], "cuda");
    let failure = params["build_failure"].as_str().unwrap();
    assert!(
        failure.starts_with("the build for cuda failed: "),
        "{failure}"
    );
}

#[test]
fn the_exit_code_is_the_program_s() {
    let space = workspace();
    let code = params(&space, "cpu", &["--set", "train.batch_size=2"]).1;
    assert_eq!(code, Some(1));
}

#[test]
fn an_unknown_device_fails_before_a_build() {
    let space = workspace();
    let ran = space.run(&["doctor", "--device", "metla"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    let expected = "unknown device `metla`; did you mean `metal`?";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    assert!(!space.exists("target"));
}
