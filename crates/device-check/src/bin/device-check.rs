//! The program behind `device = "auto"`: check of the accelerator's results against the CPU's, and of its memory for a
//! batch.
//!
//! It writes a [`Verdict`] with [`Details`].

use std::num::NonZeroUsize;
use std::process::ExitCode;

use candle_core::Device;
use device_check::{GIB, TOLERANCE, chain, fitting, parity, step_bytes};
use model::{Depth, images_together};
use protocol::Verdict;
use serde::{Deserialize, Serialize};
use stage::OutputPath;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Class of the device: `metal` or `cuda`.
    device: String,
    /// Depth of the ResNet: 18, 34, 50, 101 or 152.
    resnet: Depth,
    /// Side of the network's square input, in pixels.
    side_px: usize,
    /// Images per step of stage `train`.
    batch_size: NonZeroUsize,
    /// Images that go through the network together; 0 for a whole batch.
    micro_batch_size: usize,
    /// Images per step of stage `metric-learning`.
    metric_learning_batch_size: NonZeroUsize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    verdict: OutputPath,
}

/// Measurements behind the verdict.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Details {
    /// The device's class.
    device: String,
    /// Memory for tensors, where the device reports it.
    memory_gib: Option<f64>,
    /// Estimated peak of a training step.
    needed_gib: Option<f64>,
    /// The largest relative error of a result, and the result.
    largest_error: Option<f64>,
    worst: Option<String>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, _: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let mut details = Details {
        device: params.device.clone(),
        ..Details::default()
    };
    let refusal = match model::device(&params.device) {
        Ok(device) => refusal(&params, &device, &mut details),
        Err(error) => Some(chain(&error)),
    };
    let verdict = Verdict { refusal, details };
    fs_err::write(&*outputs.verdict, serde_json::to_vec_pretty(&verdict)?)?;
    Ok(())
}

/// Returns the reason why the device cannot be used.
fn refusal(params: &Params, device: &Device, details: &mut Details) -> Option<String> {
    // Memory first: a device with too little may fail in the comparison.
    let refusal = match kernels::memory_bytes(device) {
        Ok(None) => None,
        Ok(Some(bytes)) => fit(params, bytes as f64, details),
        Err(error) => Some(chain(&error)),
    };
    if refusal.is_some() {
        return refusal;
    }
    let parity = match parity(device) {
        Ok(parity) => parity,
        Err(error) => return Some(chain(&error)),
    };
    let refusal = (!parity.is_sound()).then(|| {
        format!(
            "{} differs from the CPU's by {:.1e}: expected at most {TOLERANCE:.0e}",
            parity.worst, parity.error
        )
    });
    details.largest_error = Some(parity.error);
    details.worst = Some(parity.worst);
    refusal
}

/// The reason why a training step doesn't fit in `memory` bytes, if it does not.
fn fit(params: &Params, memory: f64, details: &mut Details) -> Option<String> {
    let batches = [
        (
            "train.micro_batch_size",
            images_together(params.batch_size.get(), params.micro_batch_size),
        ),
        (
            "metric-learning.batch_size",
            params.metric_learning_batch_size.get(),
        ),
    ];
    let largest = batches.into_iter().max_by_key(|(_, size)| *size)?;
    let (setting, batch_size) = largest;
    let (class, depth, side_px) = (params.device.as_str(), params.resnet, params.side_px);
    let needed_bytes = step_bytes(class, depth, side_px, batch_size);
    details.memory_gib = Some(memory / GIB);
    details.needed_gib = Some(needed_bytes / GIB);
    if needed_bytes <= memory {
        return None;
    }
    let cure = match fitting(class, depth, side_px, batch_size, memory) {
        Some(size) => format!("`{setting}` of at most {size} fits"),
        None => "a smaller `train.side_px` or `model.resnet` is needed".to_owned(),
    };
    Some(format!(
        "a step of {batch_size} images needs about {:.1} GiB, and it has {:.1} GiB: {cure}",
        needed_bytes / GIB,
        memory / GIB
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(device: &str, batch_size: usize) -> Params {
        Params {
            device: device.to_owned(),
            resnet: Depth::D18,
            side_px: 224,
            batch_size: NonZeroUsize::new(batch_size).unwrap(),
            micro_batch_size: 0,
            metric_learning_batch_size: NonZeroUsize::MIN,
        }
    }

    #[test]
    fn a_batch_that_does_not_fit_is_refused_with_one_that_does() {
        // An M1 with 16 GB gives 10.7 GiB to its GPU.
        let memory = 10.7 * GIB;
        let refusal = |batch_size| {
            fit(
                &params("metal", batch_size),
                memory,
                &mut Details::default(),
            )
        };
        assert_eq!(refusal(32), None);
        let text = refusal(256).unwrap();
        assert!(
            text.starts_with("a step of 256 images needs about 33"),
            "{text}"
        );
        let size = text.split("at most ").nth(1).unwrap();
        let size: usize = size.trim_end_matches(" fits").parse().unwrap();
        assert_eq!(refusal(size), None);
        let by_parts = Params {
            micro_batch_size: size,
            ..params("metal", 256)
        };
        assert_eq!(fit(&by_parts, memory, &mut Details::default()), None);
        assert!(refusal(size + 1).is_some());
    }

    #[test]
    fn the_cpu_is_equal_to_itself() {
        let mut details = Details::default();
        let refusal = refusal(&params("cpu", 16), &Device::Cpu, &mut details);
        assert_eq!(refusal, None);
        assert_eq!(details.largest_error, Some(0.0));
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_that_is_not_built_is_refused() {
        let error = model::device("cuda").unwrap_err();
        assert!(chain(&error).contains("is not in this build"));
    }
}
