//! `device = "auto"` on a machine with an accelerator: a program of the workspace tries it, and stages run on the
//! processor if it fails.
//!
//! The program is the one that `[device]` in `pipeline.toml` names. It is built and run once for a machine, its own
//! code and the params that it gets; the verdict stands in `.atelier/devices.json`. Without an accelerator, or with
//! another setting than `auto`, nothing of this happens.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use executor::Interrupts;
use protocol::{Job, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Digest, read_own, write_whole};
use workflow::declaration::DeviceCheck;
use workflow::device::Device;
use workflow::graph::Selection;

use crate::device;
use crate::error::{Error, Result};
use crate::events::{Event, Events};
use crate::manifest::Section;
use crate::workspace::Workspace;

/// Verdicts by their keys, in the runner's folder.
const FILE: &str = "devices.json";
/// More verdicts than these are forgotten: they are of settings tried long ago.
const REMEMBERED: usize = 100;
/// Time limit of the program.
const LIMIT: Duration = Duration::from_secs(300);

/// A verdict that is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Known {
    /// True if the program gave the verdict. If it crashed, or could not be built, the next repro tries again.
    #[serde(default = "yes")]
    is_final: bool,
    #[serde(flatten)]
    verdict: Verdict,
}

fn yes() -> bool {
    true
}

impl Known {
    fn failed(reason: String) -> Self {
        Known {
            is_final: false,
            verdict: Verdict {
                refusal: Some(reason),
                details: Map::new(),
            },
        }
    }
}

impl Workspace {
    /// The device that `device` in `params.toml` stands for. Where that is `auto`, the accelerator is tried first if it
    /// never was.
    ///
    /// # Errors
    /// The setting is no device, the verdict cannot be written, or a signal to stop came.
    pub fn device(&mut self, events: &mut dyn Events) -> Result<Device> {
        let interrupts = Interrupts::catch()?;
        self.settle_device(&interrupts, events)?;
        Ok(self.workflow.device().map_err(workflow::Error::from)?)
    }

    /// The accelerator that `auto` may stand for, and the program that tries it; none where nothing is to try.
    fn to_try(&self) -> Option<(Device, DeviceCheck)> {
        let setting = self.workflow.device_setting();
        let accelerator = device::accelerator();
        if accelerator == Device::Cpu || setting.is_some_and(|setting| setting != "auto") {
            return None;
        }
        Some((accelerator, self.workflow.declaration.device_check.clone()?))
    }

    /// Applies a stored verdict, so that commands that run nothing see the devices that a repro will use.
    pub(crate) fn recall_device(&mut self) -> Result<()> {
        let Some((accelerator, check)) = self.to_try() else {
            return Ok(());
        };
        let known = self.verdicts();
        if known.is_empty() {
            return Ok(());
        }
        match known.get(&self.verdict_key(accelerator, &check)?) {
            Some(known) => self.apply_verdict(&known.verdict),
            None => Ok(()),
        }
    }

    /// As [`Workspace::settle_device`], if one of the selected stages would run on the accelerator.
    pub(crate) fn settle_device_of(
        &mut self,
        selection: &Selection,
        interrupts: &Interrupts,
        events: &mut dyn Events,
    ) -> Result<()> {
        let instances = &self.workflow.graph.instances;
        let mut selected = self.workflow.graph.in_order(selection).into_iter();
        if selected.any(|id| instances[id].device.is_some()) {
            self.settle_device(interrupts, events)?;
        }
        Ok(())
    }

    /// Finds out whether the accelerator can be used, if that isn't known, and warns if it cannot.
    fn settle_device(&mut self, interrupts: &Interrupts, events: &mut dyn Events) -> Result<()> {
        let Some((accelerator, check)) = self.to_try() else {
            return Ok(());
        };
        let key = self.verdict_key(accelerator, &check)?;
        let mut verdicts = self.verdicts();
        let verdict = match verdicts.get(&key) {
            Some(known) if known.is_final => known.verdict.clone(),
            _ => {
                let known = self.try_device(accelerator, &check, interrupts, events)?;
                if verdicts.len() >= REMEMBERED {
                    verdicts.clear();
                }
                verdicts.insert(key, known.clone());
                let text = serde_json::to_vec_pretty(&verdicts).map_err(std::io::Error::from)?;
                write_whole(&self.own(FILE), &text)?;
                known.verdict
            }
        };
        self.apply_verdict(&verdict)?;
        if let Some(refusal) = &verdict.refusal {
            let name = accelerator.name();
            let text = format!(
                "stages run on the CPU and not on {name}: {refusal}; `--set device={name}` insists"
            );
            events.event(Event::Warning {
                stage: "device",
                text: &text,
            });
        }
        Ok(())
    }

    /// Puts the stages whose device is `auto` where the verdict wants them.
    fn apply_verdict(&mut self, verdict: &Verdict) -> Result<()> {
        let auto = match &verdict.refusal {
            Some(_) => Device::Cpu,
            None => device::accelerator(),
        };
        Ok(self.workflow.set_auto(auto)?)
    }

    fn verdicts(&self) -> BTreeMap<Digest, Known> {
        let known = read_own(&self.own(FILE)).ok();
        let known = known.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        known.unwrap_or_default()
    }

    /// The key of a verdict, from everything it depends on: the program with candle, its params, the device, the
    /// machine.
    fn verdict_key(&mut self, accelerator: Device, check: &DeviceCheck) -> Result<Digest> {
        let mut manifest = self.code.manifest(&check.run, &mut self.index)?;
        for (name, value) in self.check_params(check) {
            manifest.add_param(&name, &value);
        }
        manifest.add(Section::Device, "class", accelerator.name());
        let machine = self.environment().machine.as_ref();
        let system = machine.map(|machine| machine.system.clone());
        manifest.add(Section::Device, "machine", system.unwrap_or_default());
        Ok(manifest.key())
    }

    /// Parameters of the program from `params.toml`, by its own names.
    fn check_params(&self, check: &DeviceCheck) -> Map<String, Value> {
        let value = |key: &String| {
            self.workflow
                .params
                .get(key)
                .cloned()
                .unwrap_or(Value::Null)
        };
        let params = check.params.iter();
        params
            .map(|(name, key)| (name.clone(), value(key)))
            .collect()
    }

    /// Builds the program for the accelerator and runs it.
    fn try_device(
        &mut self,
        accelerator: Device,
        check: &DeviceCheck,
        interrupts: &Interrupts,
        events: &mut dyn Events,
    ) -> Result<Known> {
        events.event(Event::Building {
            binaries: std::slice::from_ref(&check.run),
        });
        let name = accelerator.name();
        let executable = match self.build_tool(&check.run, Some(accelerator), interrupts) {
            Err(Error::Cargo { why, .. }) => {
                return Ok(Known::failed(format!("the build for {name} failed: {why}")));
            }
            executable => executable?,
        };
        let folder = self
            .own("work")
            .join(format!("device-{}", std::process::id()));
        fs_err::create_dir_all(&folder)?;
        let mut params = self.check_params(check);
        params.insert("device".to_owned(), name.into());
        let mut command = Command::new(executable);
        command.envs(device::variable(accelerator));
        let verdict = run(command, params, &folder, interrupts);
        store::remove_path(&folder)?;
        verdict
    }
}

/// Runs the program in `folder`, which takes its job, its log and its answer.
fn run(
    mut command: Command,
    params: Map<String, Value>,
    folder: &Path,
    interrupts: &Interrupts,
) -> Result<Known> {
    let [file, log, answer] = ["job.json", "log", "verdict.json"].map(|name| folder.join(name));
    let job = Job {
        inputs: BTreeMap::new(),
        outputs: BTreeMap::from([("verdict".to_owned(), answer.clone())]),
        params: Value::Object(params),
        scratch: PathBuf::new(),
        stage: "device".to_owned(),
    };
    let text = serde_json::to_vec(&job).map_err(std::io::Error::from)?;
    fs_err::write(&file, text)?;
    let errors = fs_err::File::create(&log)?.into_parts().0;
    let mut child = command
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()?;
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        let interrupted = interrupts.check();
        if interrupted.is_err() || started.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            interrupted?;
            break None;
        }
        thread::sleep(Duration::from_millis(20));
    };
    Ok(match status {
        None => Known::failed(format!("no answer within {} s", LIMIT.as_secs())),
        Some(status) if status.success() => read(&answer),
        Some(status) => Known::failed(format!("its check ended with {status}{}", last_line(&log))),
    })
}

fn read(answer: &Path) -> Known {
    let read = read_own(answer).ok();
    let verdict = read.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let read = verdict.map(|verdict| Known {
        is_final: true,
        verdict,
    });
    read.unwrap_or_else(|| Known::failed("its check wrote no verdict".to_owned()))
}

/// The last line of a log, after a colon.
fn last_line(log: &Path) -> String {
    let text = fs_err::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    match text.lines().rfind(|line| !line.trim().is_empty()) {
        Some(line) => format!(": {}", line.trim().trim_start_matches("error: ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
