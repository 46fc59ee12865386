//! The text of `doctor`, part by part, so that a part is printed before the next begins.

use crate::comparison::{Check, Row};
use crate::document::{Target, Verdict, fault};
use crate::facts::{Facts, Processor};
use crate::measure::{REPEATS, Times};
use crate::step::{STEP_REPEATS, Step, StepTime};

/// The machine, the devices, and the choice of `auto`.
#[must_use]
pub fn facts(facts: &Facts, processor: &Processor) -> String {
    let memory = match (facts.memory_gib, facts.available_gib) {
        (Some(all), Some(available)) => format!("{all:.1} GiB, {available:.1} GiB available"),
        (Some(all), None) => format!("{all:.1} GiB"),
        (None, _) => "unknown".to_owned(),
    };
    let commit = facts.commit.as_deref().unwrap_or("none");
    let machine = [
        ("system", facts.system.clone()),
        (
            "processor",
            format!(
                "{} cores, {} threads; SIMD of the kernels: {}",
                processor.cores, processor.threads, processor.simd
            ),
        ),
        ("memory", memory),
        ("atelier", format!("{}, commit {commit}", facts.atelier)),
        ("rustc", facts.rustc.clone()),
        ("candle", facts.candle.clone()),
    ];
    let mut text = "Machine\n".to_owned();
    for (name, value) in machine {
        text.push_str(&format!("  {name:<10} {value}\n"));
    }
    text.push_str("\nDevices\n");
    for device in &facts.devices {
        let mut parts = match device.missing.is_empty() {
            true => vec!["seems to be here".to_owned()],
            false => vec![format!("not here: {}", device.missing.join(", "))],
        };
        parts.extend(device.gpus.iter().cloned());
        parts.extend({ device.memory_gib }.map(|gib| format!("{gib:.1} GiB for tensors")));
        text.push_str(&format!("  {:<10} {}\n", device.device, parts.join("; ")));
    }
    let auto = &facts.auto;
    text.push_str(&format!(
        "\nChoice\n  {:<10} device = \"{}\": {}\n",
        auto.device, auto.setting, auto.reason
    ));
    text
}

/// The head of the table of operations.
#[must_use]
pub fn head(target: &Target) -> String {
    let label = target.label();
    let mut text = format!(
        "\nOperations: the CPU's kernels beside {}\n  Milliseconds, each the median of {REPEATS} runs after a first one. \
         Errors are relative to the kernels' results: that of the\n  worst output or gradient, and the largest that is sound.\n",
        target.words()
    );
    if let Some(failure) = &target.failure {
        text.push_str(&format!(
            "  {} was not measured: {failure}\n",
            target.requested
        ));
    }
    text.push_str(&format!(
        "  {:<33} {:<17} {:>9} {:>9} {:>9} {:>9} {:>8} {:>6}\n  {:<33} {:<17} {:>9} {:>9} {:>9} {:>9} {:>8} {:>6}  {}\n",
        "", "", "forward", "forward", "backward", "backward", "", "",
        "operation", "size", "CPU", label, "CPU", label, "error", "sound", "worst",
    ));
    text
}

/// A row of the table of operations.
#[must_use]
pub fn row(row: &Row) -> String {
    let time = |times: Option<Times>, of: fn(Times) -> Option<f64>| {
        let ms = times.and_then(of);
        ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.2}"))
    };
    let forward = |times| time(times, |it| Some(it.forward_ms));
    let backward = |times| time(times, |it| it.backward_ms);
    let repeats = [row.cpu, row.device]
        .into_iter()
        .flatten()
        .map(|it| it.repeats);
    let fewest = repeats.min().filter(|&fewest| fewest < REPEATS);
    let fewer = fewest.map(|fewest| format!(" (median of {fewest})"));
    format!(
        "  {:<33} {:<17} {:>9} {:>9} {:>9} {:>9} {}{}\n",
        row.operation,
        row.size,
        forward(row.cpu),
        forward(row.device),
        backward(row.cpu),
        backward(row.device),
        errors(&row.check),
        fewer.unwrap_or_default()
    )
}

/// Columns of error, tolerance and result.
fn errors(check: &Check) -> String {
    let tolerance = format!("{:.0e}", check.tolerance);
    match (&check.failure, check.worst()) {
        (Some(failure), _) => format!("{:>8} {tolerance:>6}  FAILED: {failure}", "-"),
        (None, Some(worst)) => {
            let error = format!("{:.1e}", worst.error);
            let mark = if check.is_sound { "" } else { "  WRONG" };
            format!("{error:>8} {tolerance:>6}  {}{mark}", worst.result)
        }
        (None, None) => format!("{:>8} {tolerance:>6}", "-"),
    }
}

/// The steps.
#[must_use]
pub fn steps(device_check: &Check, step: &Step, peak_gib: f64, label: &str) -> String {
    let of_check = match device_check.worst() {
        Some(worst) if device_check.is_sound => format!(
            "sound; the largest relative error is {:.1e}, of {}; {:.0e} is sound",
            worst.error, worst.result, device_check.tolerance
        ),
        _ => format!("WRONG: {}", fault(device_check)),
    };
    let configured = match step.batch_size == step.configured_batch_size {
        true => "the configured batch".to_owned(),
        false => format!(
            "a batch other than the configured {}, by memory and time",
            step.configured_batch_size
        ),
    };
    let mut text = format!(
        "\nTraining steps\n  device check: {of_check}\n  {}, {} images of {} px, {configured}: a step is the median of \
         {STEP_REPEATS} after a first one\n",
        step.network, step.batch_size, step.side_px
    );
    for (name, time) in [("CPU", step.cpu), (label, step.device)] {
        text.push_str(&format!("    {name:<10} {}\n", step_time(time)));
    }
    text.push_str(&format!(
        "    {:<10}{}\n    {:<10} about {peak_gib:.2} GiB on a GPU, with the configured batch of {}\n",
        "error", errors(&step.check), "peak", step.configured_batch_size
    ));
    text
}

fn step_time(time: Option<StepTime>) -> String {
    let Some(time) = time else {
        return "failed".to_owned();
    };
    let fewer = match time.repeats < STEP_REPEATS {
        true => format!(" (median of {})", time.repeats),
        false => String::new(),
    };
    format!(
        "{:.1} ms, {:.1} images/s{fewer}",
        time.ms, time.images_per_s
    )
}

/// The verdict, a line.
#[must_use]
pub fn verdict(verdict: &Verdict) -> String {
    format!("\nVerdict: {}\n", verdict.text)
}
