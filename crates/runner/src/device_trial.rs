//! `device = "auto"` on a machine with an accelerator: a program of the workspace tries it, and stages run on the
//! processor if it fails.
//!
//! The program is the one that `[device]` in `pipeline.toml` names. It is built and run once for a machine, its own code
//! and the params that it gets; the verdict is remembered. Without an accelerator, or with another setting than `auto`,
//! nothing of this happens.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use executor::Interrupts;
use protocol::{Job, Verdict};
use serde_json::{Map, Value};
use store::read_own;
use workflow::device::Device;
use workflow::graph::Selection;

use crate::accelerator::{self, Candidate, Known};
use crate::error::{Error, Result};
use crate::events::{Event, Events};
use crate::program;
use crate::workspace::Workspace;

/// Time limit of the program.
const LIMIT: Duration = Duration::from_secs(300);

/// The device that `device` in `params.toml` stands for. Where that is `auto`, the accelerator is tried first if it
/// never was.
///
/// # Errors
/// The setting is no device, the verdict cannot be written, or a signal to stop came.
pub fn device(workspace: &mut Workspace, events: &mut dyn Events) -> Result<Device> {
    Ok(choice(workspace, events)?.device)
}

/// The device that stages run on, and its reason.
#[derive(Debug)]
pub struct Choice {
    /// The device.
    pub device: Device,
    /// The verdict on the accelerator; none where there is none to try, or `device` isn't `auto`.
    pub verdict: Option<Verdict>,
}

/// The device that `device` in `params.toml` stands for, as [`device`], with the verdict that decided.
///
/// # Errors
/// As for [`device`].
pub fn choice(workspace: &mut Workspace, events: &mut dyn Events) -> Result<Choice> {
    let interrupts = Interrupts::catch()?;
    let verdict = settle(workspace, &interrupts, events)?;
    let device = workspace.workflow.device();
    let device = device.map_err(workflow::Error::from)?;
    Ok(Choice { device, verdict })
}

/// Finds out whether the accelerator can be used, if one of the selected stages would run on it.
///
/// # Errors
/// The verdict cannot be written, or a signal to stop came.
pub(crate) fn settle_for(
    workspace: &mut Workspace,
    selection: &Selection,
    interrupts: &Interrupts,
    events: &mut dyn Events,
) -> Result<()> {
    let instances = &workspace.workflow.graph.instances;
    let mut selected = workspace.workflow.graph.in_order(selection).into_iter();
    if selected.any(|id| instances[id].device.is_some()) {
        settle(workspace, interrupts, events)?;
    }
    Ok(())
}

/// Finds out whether the accelerator can be used, if that isn't known, and warns if it cannot. Returns the verdict, if
/// there is an accelerator to try.
fn settle(
    workspace: &mut Workspace,
    interrupts: &Interrupts,
    events: &mut dyn Events,
) -> Result<Option<Verdict>> {
    let Some(candidate) = Candidate::of(&workspace.workflow) else {
        return Ok(None);
    };
    let verdict = verdict(workspace, &candidate, interrupts, events)?;
    accelerator::apply(&mut workspace.workflow, &verdict)?;
    if let Some(refusal) = &verdict.refusal {
        let name = candidate.device.name();
        let text = format!(
            "stages run on the CPU and not on {name}: {refusal}; `--set device={name}` insists"
        );
        events.event(Event::Warning {
            stage: "device",
            text: &text,
        });
    }
    Ok(Some(verdict))
}

/// The verdict that is remembered, or that of a trial now.
fn verdict(
    workspace: &mut Workspace,
    candidate: &Candidate,
    interrupts: &Interrupts,
    events: &mut dyn Events,
) -> Result<Verdict> {
    let (workflow, code) = (&workspace.workflow, &mut workspace.code);
    let key = candidate.key(workflow, code, &mut workspace.state)?;
    let verdicts = accelerator::verdicts(&workspace.workflow.root);
    if let Some(known) = verdicts.get(&key).filter(|known| known.is_final) {
        return Ok(known.verdict.clone());
    }
    let known = try_out(workspace, candidate, interrupts, events)?;
    let verdict = known.verdict.clone();
    accelerator::remember(&workspace.workflow.root, verdicts, key, known)?;
    Ok(verdict)
}

/// Builds the program for the accelerator and runs it.
fn try_out(
    workspace: &mut Workspace,
    candidate: &Candidate,
    interrupts: &Interrupts,
    events: &mut dyn Events,
) -> Result<Known> {
    let (device, check) = (candidate.device, &candidate.check);
    events.event(Event::Building {
        binaries: std::slice::from_ref(&check.run),
    });
    let name = device.name();
    let executable = match program::build(workspace, &check.run, Some(device), interrupts) {
        Err(Error::Keys(keys::Error::Cargo { why, .. })) => {
            return Ok(Known::failed(format!("the build for {name} failed: {why}")));
        }
        executable => executable?,
    };
    let folder = workspace
        .own("work")
        .join(format!("device-{}", std::process::id()));
    fs_err::create_dir_all(&folder)?;
    let mut params = candidate.params(&workspace.workflow);
    params.insert("device".to_owned(), name.into());
    let mut command = Command::new(executable);
    command.envs(accelerator::variable(device));
    let verdict = run(command, params, &folder, interrupts);
    store::remove_path(&folder)?;
    verdict
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
