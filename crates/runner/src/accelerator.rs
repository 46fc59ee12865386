//! The accelerator of this machine, and the verdicts on it that are remembered in `.atelier/devices.json`.

use std::collections::BTreeMap;
use std::path::Path;

use keys::code::Code;
use keys::manifest::Section;
use protocol::{Verdict, environment};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Digest, read_own, write_whole};
use workflow::Workflow;
use workflow::declaration::DeviceCheck;
use workflow::device::Device;

use crate::error::Result;
use crate::state::State;

/// Verdicts by their keys, in the runner's folder.
const FILE: &str = "devices.json";
/// More verdicts than these are forgotten: they are of settings tried long ago.
const REMEMBERED: usize = 100;

/// The accelerator that this machine seems to have: Metal on Apple silicon, CUDA on Linux with a GPU and its
/// compiler; else the processor. [`device`] tries it.
///
/// The environment variable `ATELIER_ACCELERATOR` overrides it: `cpu` for a machine whose accelerator is not to be
/// tried, another name in tests of the runner.
///
/// [`device`]: crate::device_trial::device
pub fn accelerator() -> Device {
    let named = std::env::var("ATELIER_ACCELERATOR").ok();
    let named = named.and_then(|name| Device::resolve(&name, detected()).ok());
    named.unwrap_or_else(detected)
}

/// The variable that programs for a device find in their environment.
pub(crate) fn variable(device: Device) -> Option<(&'static str, &'static str)> {
    match device {
        Device::Metal => Some((environment::METAL_FAST_MATH, "false")),
        Device::Cpu | Device::Cuda => None,
    }
}

fn detected() -> Device {
    let accelerators = [Device::Metal, Device::Cuda].into_iter();
    let mut present = accelerators.filter(|&device| missing(device).is_empty());
    present.next().unwrap_or(Device::Cpu)
}

/// Requirements of a device that this machine doesn't meet, as texts; empty where it seems to have the device.
#[must_use]
pub fn missing(device: Device) -> Vec<&'static str> {
    let needs: &[(bool, &str)] = match device {
        Device::Cpu => &[],
        Device::Metal => &[(
            cfg!(all(target_os = "macos", target_arch = "aarch64")),
            "not a Mac with Apple silicon",
        )],
        Device::Cuda if cfg!(target_os = "linux") => &[
            (Path::new("/dev/nvidia0").exists(), "no `/dev/nvidia0`"),
            (on_search_path("nvcc"), "no `nvcc` on `PATH`"),
        ],
        Device::Cuda => &[(false, "not Linux")],
    };
    let lacking = needs.iter().filter(|(is_met, _)| !is_met);
    lacking.map(|(_, text)| *text).collect()
}

fn on_search_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A verdict that is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// True if the program gave the verdict. If it crashed, or could not be built, the next repro tries again.
    #[serde(default = "yes")]
    pub(crate) is_final: bool,
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
}

fn yes() -> bool {
    true
}

impl Known {
    pub(crate) fn failed(reason: String) -> Self {
        Known {
            is_final: false,
            verdict: Verdict {
                refusal: Some(reason),
                details: Map::new(),
            },
        }
    }
}

/// An accelerator that `auto` may stand for, and the program that tries it.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) device: Device,
    pub(crate) check: DeviceCheck,
}

impl Candidate {
    /// The candidate of this machine; none where nothing is to try.
    pub(crate) fn of(workflow: &Workflow) -> Option<Self> {
        let setting = workflow.device_setting();
        let device = accelerator();
        if device == Device::Cpu || setting.is_some_and(|setting| setting != "auto") {
            return None;
        }
        let check = workflow.declaration.device_check.clone()?;
        Some(Candidate { device, check })
    }

    /// The key of a verdict, from everything it depends on: the program with candle, its params, the device, the
    /// machine.
    pub(crate) fn key(
        &self,
        workflow: &Workflow,
        code: &mut Code,
        state: &mut State,
    ) -> Result<Digest> {
        let mut manifest = code.manifest(&self.check.run, &mut state.index)?;
        for (name, value) in self.params(workflow) {
            manifest.add_param(&name, &value);
        }
        manifest.add(Section::Device, "class", self.device.name());
        let machine = state.environment(&workflow.root).machine.as_ref();
        let system = machine.map(|machine| machine.system.clone());
        manifest.add(Section::Device, "machine", system.unwrap_or_default());
        Ok(manifest.key())
    }

    /// Parameters of the program from `params.toml`, by its own names.
    pub(crate) fn params(&self, workflow: &Workflow) -> Map<String, Value> {
        let value = |key: &String| workflow.params.get(key).cloned().unwrap_or(Value::Null);
        let params = self.check.params.iter();
        params
            .map(|(name, key)| (name.clone(), value(key)))
            .collect()
    }
}

/// Applies a stored verdict, so that commands that run nothing see the devices that a repro will use.
///
/// # Errors
/// The code of the program that tries the accelerator cannot be read.
pub(crate) fn recall(workflow: &mut Workflow, code: &mut Code, state: &mut State) -> Result<()> {
    let Some(candidate) = Candidate::of(workflow) else {
        return Ok(());
    };
    let known = verdicts(&workflow.root);
    if known.is_empty() {
        return Ok(());
    }
    match known.get(&candidate.key(workflow, code, state)?) {
        Some(known) => apply(workflow, &known.verdict),
        None => Ok(()),
    }
}

/// Puts the stages whose device is `auto` where the verdict wants them.
pub(crate) fn apply(workflow: &mut Workflow, verdict: &Verdict) -> Result<()> {
    let auto = match &verdict.refusal {
        Some(_) => Device::Cpu,
        None => accelerator(),
    };
    Ok(workflow.set_auto(auto)?)
}

/// The verdicts of the workspace at `root`, by their keys.
pub(crate) fn verdicts(root: &Path) -> BTreeMap<Digest, Known> {
    let known = read_own(&ledger::own(root, FILE)).ok();
    let known = known.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    known.unwrap_or_default()
}

/// Remembers a verdict beside `others`.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn remember(
    root: &Path,
    mut others: BTreeMap<Digest, Known>,
    key: Digest,
    known: Known,
) -> Result<()> {
    if others.len() >= REMEMBERED {
        others.clear();
    }
    others.insert(key, known);
    let text = serde_json::to_vec_pretty(&others).map_err(std::io::Error::from)?;
    Ok(write_whole(&ledger::own(root, FILE), &text)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_detected_device_lacks_nothing() {
        assert!(missing(detected()).is_empty() && missing(Device::Cpu).is_empty());
        // No machine has both.
        let accelerators = [Device::Metal, Device::Cuda];
        assert!(accelerators.iter().any(|&it| !missing(it).is_empty()));
    }

    #[test]
    fn a_remembered_verdict_keeps_the_fields_of_the_answer() {
        let answer = json!({ "refusal": null, "memory_gib": 8.0 });
        let known: Known = serde_json::from_value(answer.clone()).unwrap();
        assert!(known.is_final && known.verdict.refusal.is_none());
        assert_eq!(serde_json::to_value(&known.verdict).unwrap(), answer);
        let failed = Known::failed("no driver".to_owned());
        let text = serde_json::to_string(&failed).unwrap();
        assert_eq!(text, r#"{"is_final":false,"refusal":"no driver"}"#);
        assert_eq!(serde_json::from_str::<Known>(&text).unwrap(), failed);
    }
}
