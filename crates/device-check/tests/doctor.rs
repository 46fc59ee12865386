//! The program behind `cargo xtask doctor`, started with a job file on the CPU.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::process::{Command, Output};

use serde_json::{Value, json};

fn start(device: &str, build_failure: Option<&str>, is_json: bool) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let devices = [("cpu", vec![]), ("metal", vec!["not a Mac"])];
    let devices = devices.map(|(device, missing)| {
        json!({"device": device, "missing": missing, "gpus": [], "memory_gib": null})
    });
    let job = json!({
        "in": {},
        "out": {},
        "params": {
            "device": device,
            "build_failure": build_failure,
            "resnet": 18,
            "classifier": true,
            "embedding_size": 4,
            "side_px": 48,
            "batch_size": 4,
            "micro_batch_size": 0,
            "json": is_json,
            "facts": {
                "system": "Linux 6.1 x86_64",
                "memory_gib": 8.0,
                "available_gib": 6.0,
                "atelier": "0.1.0",
                "commit": null,
                "rustc": "rustc 1.95.0",
                "candle": "0.11.1",
                "devices": devices,
                "auto": {
                    "setting": "auto",
                    "device": "cpu",
                    "reason": "no accelerator",
                    "check": null,
                },
            },
        },
        "scratch": "",
        "stage": "doctor",
    });
    let path = folder.path().join("job.json");
    fs_err::write(&path, job.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_doctor"));
    command.arg(&path).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_text_has_each_part_and_ends_with_the_verdict() {
    let ran = start("cpu", None, false);
    let stdout = text(&ran.stdout);
    assert!(ran.status.success(), "{stdout}{}", text(&ran.stderr));
    for part in [
        "\n  system     Linux 6.1 x86_64\n",
        "\n  memory     8.0 GiB, 6.0 GiB available\n",
        "\n  candle     0.11.1\n",
        "\n  metal      not here: not a Mac\n",
        "\n  cpu        device = \"auto\": no accelerator\n",
        "\nOperations: the CPU's kernels beside the reference backend on the CPU",
        "the median of 5 runs",
        "\n  convolution 7×7/2 ",
        "\n  batch-norm, train, residual, ReLU ",
        "\n  AdamW, a step ",
        "\n  device check: sound; ",
        "\n  ResNet-18, 4 images of 48 px, the configured batch: ",
        " images/s\n",
        "\nVerdict: sound: ",
    ] {
        assert!(stdout.contains(part), "{part}\n{stdout}");
    }
    assert!(stdout.lines().last().unwrap().starts_with("Verdict: "));
}

#[test]
fn the_document_has_each_operation_and_the_step() {
    let ran = start("cpu", None, true);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let document: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let operations = document["operations"].as_array().unwrap();
    assert_eq!(operations.len(), device_check::operations().len());
    for operation in operations {
        assert!(operation["cpu"]["forward_ms"].as_f64().unwrap() > 0.0);
        let errors = operation["errors"].as_array().unwrap();
        assert!(errors.iter().all(|error| error["error"].is_f64()));
    }
    assert!(document["step"]["device"]["images_per_s"].as_f64().unwrap() > 0.0);
    assert!(document["peak_gib"].as_f64().unwrap() > 0.1);
    assert_eq!(document["target"]["device"], "cpu");
    assert_eq!(document["verdict"]["is_sound"], true);
}

#[test]
fn a_device_that_cannot_be_measured_fails_after_the_operations_of_the_cpu() {
    let ran = start("cuda", Some("the build for cuda failed: no nvcc"), false);
    assert_eq!(ran.status.code(), Some(1));
    let stdout = text(&ran.stdout);
    assert!(
        stdout.contains("\n  cuda was not measured: the build"),
        "{stdout}"
    );
    let expected = "Verdict: cuda cannot be used: the build for cuda failed: no nvcc; `--set device=cpu` trains on the CPU";
    assert_eq!(stdout.lines().last(), Some(expected));
}
