//! The program behind `cargo xtask doctor`: times and results of each operation and of a training step, on a device beside
//! the CPU's kernels.
//!
//! It is started with a job file, as a stage is started, but nothing of it is recorded. Text comes part by part, so that a
//! driver that ends the program leaves the name of the operation before.

use std::io::{self, ErrorKind, Write as _};
use std::num::NonZeroUsize;
use std::process::ExitCode;

use device_check::{
    Check, Document, Facts, GIB, Processor, Settings, Side, Target, Verdict, batch_size, chain,
    check_parity, operations, row, step, step_bytes, text,
};
use model::{Depth, images_together};
use protocol::{Job, Part};
use serde::Deserialize;

/// The allocator of training, so that times are those of training.
#[global_allocator]
static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();

/// The request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// Class of the device to measure.
    device: String,
    /// Reason why this program wasn't built for it.
    build_failure: Option<String>,
    /// Depth of the ResNet: 18, 34, 50, 101 or 152.
    resnet: Depth,
    /// True if the ResNet's classifier is kept.
    classifier: bool,
    embedding_size: NonZeroUsize,
    /// Side of the network's square input, in pixels.
    side_px: NonZeroUsize,
    /// Images per step of stage `train`.
    batch_size: NonZeroUsize,
    /// Images that go through the network together; 0 for a whole batch.
    micro_batch_size: usize,
    /// One JSON document in place of text.
    json: bool,
    facts: Facts,
}

fn main() -> ExitCode {
    let sound = Request::read().and_then(|request| stage::on_pool(|| examine(request)));
    match sound {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Request {
    fn read() -> anyhow::Result<Self> {
        let arguments: Vec<String> = std::env::args().collect();
        let job = Job::of_arguments(&arguments)?;
        Ok(job.read(Part::Parameter)?)
    }

    fn settings(&self) -> Settings {
        Settings {
            depth: self.resnet,
            classifier: self.classifier,
            embedding_size: self.embedding_size.get(),
            side_px: self.side_px.get(),
            batch_size: images_together(self.batch_size.get(), self.micro_batch_size),
        }
    }
}

/// Measures and prints; true if all is sound.
fn examine(mut request: Request) -> anyhow::Result<bool> {
    let out = Out {
        is_json: request.json,
    };
    let (target, side) = open(&request);
    let memory = memory(&mut request.facts, &target, &side);
    let (facts, processor) = (request.facts.clone(), Processor::find());
    out.part(&text::facts(&facts, &processor))?;
    out.part(&text::head(&target))?;
    let mut rows = Vec::new();
    for operation in operations() {
        let row = row(&operation, &side);
        out.part(&text::row(&row))?;
        rows.push(row);
    }
    let settings = request.settings();
    let device_check = check_parity(&side);
    let size = batch_size(&settings, &side, &target.device, memory);
    let step = step(&settings, size, &side);
    // The estimate is about the requested device, even where it cannot be measured.
    let class = &target.requested;
    let peak = step_bytes(class, settings.depth, settings.side_px, settings.batch_size);
    let peak_gib = peak / GIB;
    out.part(&text::steps(&device_check, &step, peak_gib, target.label()))?;
    let named = rows.iter().map(|row| (row.operation.clone(), &row.check));
    let mut checks: Vec<(String, &Check)> = named.collect();
    checks.push(("the step of the device check".to_owned(), &device_check));
    checks.push((format!("the step of {}", step.network), &step.check));
    let verdict = Verdict::of(&target, &checks);
    out.part(&text::verdict(&verdict))?;
    let document = Document {
        facts,
        processor,
        target,
        operations: rows,
        device_check,
        step,
        peak_gib,
        verdict,
    };
    out.document(&document)?;
    Ok(document.verdict.is_sound)
}

/// The side to measure: the requested device, or where it doesn't open, the reference backend on the CPU.
fn open(request: &Request) -> (Target, Side) {
    let requested = request.device.clone();
    let on_cpu = |failure| {
        let device = "cpu".to_owned();
        let target = Target {
            requested: requested.clone(),
            device,
            failure,
        };
        (target, Side::reference_on_cpu())
    };
    if request.build_failure.is_some() || requested == "cpu" {
        return on_cpu(request.build_failure.clone());
    }
    match model::device(&requested) {
        Ok(device) => {
            let target = Target {
                requested: requested.clone(),
                device: requested.clone(),
                failure: None,
            };
            (target, Side::of(&device))
        }
        Err(error) => on_cpu(Some(chain(&error))),
    }
}

/// Bytes for tensors on the side that is measured, and of the machine; the facts get the former.
fn memory(facts: &mut Facts, target: &Target, side: &Side) -> Option<f64> {
    let bytes = kernels::memory_bytes(&side.device).ok().flatten();
    let of_device = bytes.map(|bytes| bytes as f64);
    for device in &mut facts.devices {
        if device.device == target.device {
            device.memory_gib = of_device.map(|bytes| bytes / GIB);
        }
    }
    // The step of the kernels needs that of the machine.
    let of_machine = facts.available_gib.map(|gib| gib * GIB);
    of_device
        .into_iter()
        .chain(of_machine)
        .min_by(f64::total_cmp)
}

/// Standard output: text part by part, or one document.
struct Out {
    is_json: bool,
}

impl Out {
    fn part(&self, text: &str) -> anyhow::Result<()> {
        match self.is_json {
            true => Ok(()),
            false => print(text),
        }
    }

    fn document(&self, document: &Document) -> anyhow::Result<()> {
        match self.is_json {
            true => print(&(serde_json::to_string_pretty(document)? + "\n")),
            false => Ok(()),
        }
    }
}

/// Prints to standard output; a closed pipe is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
