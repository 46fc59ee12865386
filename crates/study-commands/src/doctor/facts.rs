//! Facts of the machine and the repository, found without a device.

use std::path::Path;
use std::process::{Command, Stdio};

use keys::cargo::tool;
use ledger::runs::Environment;
use protocol::Verdict;
use runner::Workspace;
use runner::accelerator::{accelerator, missing};
use serde::Serialize;
use serde_json::{Map, Value};
use workflow::device::Device;

const GIB: f64 = (1_u64 << 30) as f64;

/// The trial of the accelerator by the device check.
#[derive(Debug)]
pub(super) enum Trial {
    /// The verdict; none where there is nothing to try.
    Done(Option<Verdict>),
    /// By `--device cpu`.
    LeftOut,
}

impl Trial {
    fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::Done(verdict) => verdict.as_ref(),
            Self::LeftOut => None,
        }
    }
}

/// Facts for the program, which prints them.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    system: String,
    memory_gib: Option<f64>,
    available_gib: Option<f64>,
    atelier: &'static str,
    commit: Option<String>,
    rustc: String,
    candle: String,
    devices: Vec<DeviceFacts>,
    auto: Auto,
}

#[derive(Debug, Serialize)]
struct DeviceFacts {
    device: &'static str,
    missing: Vec<&'static str>,
    gpus: Vec<String>,
    /// The program knows it, once it has opened the device.
    memory_gib: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Auto {
    setting: String,
    device: &'static str,
    reason: String,
    check: Option<Map<String, Value>>,
}

impl Facts {
    /// Finds them.
    pub(super) fn find(workspace: &Workspace, trial: &Trial) -> anyhow::Result<Self> {
        let root = &workspace.workflow.root;
        let unknown = || "unknown".to_owned();
        let meminfo = fs_err::read_to_string("/proc/meminfo").unwrap_or_default();
        let hardware = || {
            first_line("sysctl", &["-n", "hw.memsize"])?
                .parse::<f64>()
                .ok()
        };
        let lock = fs_err::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
        let setting = workspace.workflow.device_setting().unwrap_or("auto");
        Ok(Facts {
            // Without the name of the machine, as the text is for others.
            system: first_line("uname", &["-srm"]).unwrap_or_else(unknown),
            memory_gib: { of_meminfo(&meminfo, "MemTotal:").or_else(hardware) }.map(in_gib),
            available_gib: of_meminfo(&meminfo, "MemAvailable:").map(in_gib),
            atelier: env!("CARGO_PKG_VERSION"),
            commit: Environment::find(root).commit,
            rustc: first_line(Path::new(&tool("rustc", "RUSTC")), &["-V"]).unwrap_or_else(unknown),
            candle: locked_version(&lock, "candle-core").unwrap_or_else(unknown),
            devices: [Device::Cpu, Device::Metal, Device::Cuda]
                .map(DeviceFacts::of)
                .into(),
            auto: Auto {
                setting: setting.to_owned(),
                device: workspace.workflow.device()?.name(),
                reason: reason(trial, setting, accelerator()),
                check: trial.verdict().map(|verdict| verdict.details.clone()),
            },
        })
    }
}

impl DeviceFacts {
    fn of(device: Device) -> Self {
        let query = [
            "--query-gpu=name,driver_version,memory.total",
            "--format=csv,noheader",
        ];
        DeviceFacts {
            device: device.name(),
            missing: missing(device),
            gpus: match device {
                Device::Cuda => lines("nvidia-smi", &query).unwrap_or_default(),
                Device::Cpu | Device::Metal => Vec::new(),
            },
            memory_gib: None,
        }
    }
}

fn in_gib(bytes: f64) -> f64 {
    bytes / GIB
}

/// The reason for the choice of a device, where `detected` is the accelerator of this machine, or the CPU.
fn reason(trial: &Trial, setting: &str, detected: Device) -> String {
    let name = detected.name();
    if setting != "auto" {
        return format!("`{setting}` is set, so that no device is tried");
    }
    if detected == Device::Cpu {
        let mut accelerators = [Device::Metal, Device::Cuda].into_iter();
        return match accelerators.any(|device| missing(device).is_empty()) {
            true => "`ATELIER_ACCELERATOR` is `cpu`, so that no accelerator is tried".to_owned(),
            false => "no accelerator is found".to_owned(),
        };
    }
    match trial {
        Trial::LeftOut => format!("`--device cpu` leaves out the check of {name}"),
        Trial::Done(None) => "`pipeline.toml` names no device check".to_owned(),
        Trial::Done(Some(verdict)) => match &verdict.refusal {
            Some(refusal) => {
                format!("the device check refused {name}: {refusal}; `--set device={name}` insists")
            }
            None => format!(
                "{name} passed the device check{}",
                details(&verdict.details)
            ),
        },
    }
}

/// Measurements of the device check as text.
fn details(details: &Map<String, Value>) -> String {
    let number = |name: &str| details.get(name).and_then(Value::as_f64);
    let mut text = String::new();
    if let Some(error) = number("largest_error") {
        let worst = details.get("worst").and_then(Value::as_str);
        let worst = worst.filter(|worst| !worst.is_empty());
        let of = worst.map(|worst| format!(", of {worst}"));
        text.push_str(&format!(
            "; the largest relative error is {error:.1e}{}",
            of.unwrap_or_default()
        ));
    }
    if let (Some(needed), Some(memory)) = (number("needed_gib"), number("memory_gib")) {
        text.push_str(&format!(
            "; a step needs about {needed:.1} of {memory:.1} GiB"
        ));
    }
    text
}

/// Bytes of a line of `/proc/meminfo`.
fn of_meminfo(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024.0)
}

/// The version of a package in `Cargo.lock`.
fn locked_version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    let version = lines.next()?.strip_prefix("version = \"")?;
    Some(version.trim_end_matches('"').to_owned())
}

/// The first line of a program's output.
fn first_line(program: impl AsRef<Path>, arguments: &[&str]) -> Option<String> {
    lines(program, arguments)?.into_iter().next()
}

/// Lines of a program's output; none if it isn't there or fails.
fn lines(program: impl AsRef<Path>, arguments: &[&str]) -> Option<Vec<String>> {
    let mut command = Command::new(program.as_ref());
    command.args(arguments).stdin(Stdio::null());
    let output = command.output().ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Some(lines.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn done(refusal: Option<&str>, details: &Value) -> Trial {
        Trial::Done(Some(Verdict {
            refusal: refusal.map(str::to_owned),
            details: details.as_object().cloned().unwrap_or_default(),
        }))
    }

    #[test]
    fn the_choice_has_its_reason() {
        let found = json!({"largest_error": 0.0012, "worst": "loss", "needed_gib": 1.5, "memory_gib": 10.7});
        let passed = done(None, &found);
        assert_eq!(
            reason(&passed, "auto", Device::Metal),
            "metal passed the device check; the largest relative error is 1.2e-3, of loss; a step needs about 1.5 of 10.7 GiB"
        );
        let refused = done(Some("no driver"), &Value::Null);
        assert_eq!(
            reason(&refused, "auto", Device::Cuda),
            "the device check refused cuda: no driver; `--set device=cuda` insists"
        );
        assert!(reason(&Trial::Done(None), "auto", Device::Cpu).contains("no accelerator"));
        assert_eq!(
            reason(&Trial::LeftOut, "auto", Device::Cuda),
            "`--device cpu` leaves out the check of cuda"
        );
        assert_eq!(
            reason(&Trial::Done(None), "cpu", Device::Cuda),
            "`cpu` is set, so that no device is tried"
        );
    }

    #[test]
    fn memory_and_versions_are_read() {
        let meminfo = "MemTotal:  2097152 kB\nMemAvailable: 1048576 kB\n";
        assert_eq!(of_meminfo(meminfo, "MemTotal:").map(in_gib), Some(2.0));
        assert_eq!(of_meminfo(meminfo, "MemAvailable:").map(in_gib), Some(1.0));
        assert_eq!(of_meminfo("", "MemTotal:"), None);
        let lock = "[[package]]\nname = \"candle-core\"\nversion = \"0.11.1\"\nsource = \"x\"\n";
        assert_eq!(
            locked_version(lock, "candle-core").as_deref(),
            Some("0.11.1")
        );
        assert_eq!(locked_version(lock, "candle"), None);
    }

    #[test]
    fn a_program_that_is_not_there_has_no_lines() {
        assert_eq!(lines("no-such-program-anywhere", &[]), None);
    }
}
