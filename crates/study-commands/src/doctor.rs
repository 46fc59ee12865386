//! Check of this machine: the job file of the program that measures it.

mod facts;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};

use anyhow::bail;
use clap::Args;
use cli::arguments::common::{self, Confine};
use cli::program::exit_code;
use cli::workspace::open;
use facts::{Facts, Trial};
use protocol::Job;
use runner::accelerator::{accelerator, missing};
use runner::events::{Event, Events};
use runner::program_name::PROGRAM;
use runner::workspace::Access;
use runner::{Workspace, device_trial, program};
use serde::Serialize;
use serde_json::Value;
use workflow::device::Device;

/// The program, as `crate/binary`.
pub(crate) const BINARY: &str = "device-check/doctor";

/// Check this machine: devices, and times and results of each operation of training
#[derive(Debug, Args)]
#[command(after_help = format!("\
The first command on a new machine, and the text to paste into a report of a fault. It needs no images and takes about a
minute once it is built. Each operation of training runs on the device and by the kernels of the CPU; without an
accelerator, those of the reference backend, which a GPU runs, are measured on the CPU. It ends with a verdict, and with
exit code 1 where a result is wrong.

Examples:
  {PROGRAM} doctor
  {PROGRAM} doctor --device cpu                         leave an accelerator alone
  {PROGRAM} doctor --params params/paintings.toml       the step of a real study
  {PROGRAM} doctor --json > doctor.json"))]
pub(crate) struct Doctor {
    /// Device to measure: auto, cpu, metal or cuda; by default that of the setting `device`. auto is the accelerator that
    /// this machine seems to have, also where the device check refused it
    #[arg(long, value_name = "NAME", value_parser = device)]
    device: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    params: common::Params,
    #[command(flatten)]
    confine: Confine,
}

fn device(text: &str) -> Result<String, String> {
    let resolved = Device::resolve(text, Device::Cpu);
    let resolved = resolved.map_err(|error| error.to_string())?;
    match text {
        "auto" => Ok(text.to_owned()),
        _ => Ok(resolved.name().to_owned()),
    }
}

/// Parameters of the program.
#[derive(Serialize)]
struct Params<'a> {
    device: &'static str,
    build_failure: Option<String>,
    resnet: Option<&'a Value>,
    classifier: Option<&'a Value>,
    embedding_size: Option<&'a Value>,
    side_px: Option<&'a Value>,
    batch_size: Option<&'a Value>,
    micro_batch_size: Option<&'a Value>,
    json: bool,
    facts: &'a Facts,
}

/// Measures this machine; the exit code is the program's own.
pub(crate) fn doctor(arguments: &Doctor) -> anyhow::Result<ExitCode> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    let device = target(&workspace, arguments.device.as_deref())?;
    // Who names the CPU may have an accelerator that hangs.
    let trial = match arguments.device.as_deref() {
        Some("cpu") => Trial::LeftOut,
        _ => Trial::Done(device_trial::choice(&mut workspace, &mut NoEvents)?.verdict),
    };
    let facts = Facts::find(&workspace, &trial)?;
    let status = match start(&mut workspace, arguments, device, &facts, None) {
        Err(runner::Error::Keys(keys::Error::Cargo { why, .. })) if device != Device::Cpu => {
            let failure = format!("the build for {} failed: {why}", device.name());
            start(&mut workspace, arguments, device, &facts, Some(failure))?
        }
        status => status?,
    };
    if status.code().is_none() {
        bail!(
            "the program ended with {status} on {}, behind the last line above: `--set device=cpu` trains on the CPU, and \
             `{PROGRAM} doctor --device cpu` measures it",
            device.name()
        );
    }
    Ok(exit_code(status))
}

/// The device to measure.
fn target(workspace: &Workspace, argument: Option<&str>) -> anyhow::Result<Device> {
    let setting = workspace.workflow.device_setting();
    let name = argument.or(setting).unwrap_or("auto");
    let device = Device::resolve(name, accelerator())?;
    let is_foreign = match device {
        Device::Cpu => false,
        Device::Metal => !cfg!(target_os = "macos"),
        Device::Cuda => cfg!(target_os = "macos"),
    };
    if is_foreign && device != accelerator() {
        bail!(
            "this machine cannot have {name}: {}; `--device cpu` measures the CPU",
            missing(device).join(", ")
        );
    }
    Ok(device)
}

/// Builds the program for `device`, or for the CPU where that failed, and runs it.
fn start(
    workspace: &mut Workspace,
    arguments: &Doctor,
    device: Device,
    facts: &Facts,
    build_failure: Option<String>,
) -> runner::Result<ExitStatus> {
    let built_for = match build_failure {
        Some(_) => Device::Cpu,
        None => device,
    };
    let value = |key: &str| workspace.workflow.params.get(key);
    let params = Params {
        device: device.name(),
        build_failure,
        resnet: value("model.resnet"),
        classifier: value("model.classifier"),
        embedding_size: value("model.embedding_size"),
        side_px: value("train.side_px"),
        batch_size: value("train.batch_size"),
        micro_batch_size: value("train.micro_batch_size"),
        json: arguments.json,
        facts,
    };
    let job = Job {
        inputs: BTreeMap::new(),
        outputs: BTreeMap::new(),
        params: serde_json::to_value(params).map_err(std::io::Error::from)?,
        scratch: PathBuf::new(),
        stage: "doctor".to_owned(),
    };
    let sandbox = arguments.confine.sandbox();
    program::run(workspace, BINARY, Some(built_for), &job, sandbox)
}

/// Reports nothing: the verdict of the device check is part of the text.
struct NoEvents;

impl Events for NoEvents {
    fn event(&mut self, _: Event<'_>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_device_names_the_nearest() {
        for name in ["auto", "cpu", "metal", "cuda"] {
            assert_eq!(device(name).unwrap(), name);
        }
        assert_eq!(
            device("metla").unwrap_err(),
            "unknown device `metla`; did you mean `metal`?"
        );
    }
}
