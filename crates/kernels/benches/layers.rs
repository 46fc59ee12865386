//! Times of the layers of ResNet-18: `cargo bench -p kernels [-- BATCH [REPEATS]]`.
//!
//! Each figure is the least of the repeats.

use std::time::Instant;

use candle_core::{Device, Result, Var};
use kernels::{CachingAllocator, Operations, Tape};

#[global_allocator]
static ALLOCATOR: CachingAllocator = CachingAllocator::new();

fn main() -> Result<()> {
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse().ok())
        .collect();
    let batch = numbers.first().copied().unwrap_or(32);
    let repeats = numbers.get(1).copied().unwrap_or(5).max(1);
    println!("batch {batch}, least of {repeats}, in ms");
    println!(
        "{:28} {:>8} {:>8} {:>10}",
        "convolution", "forward", "backward", "GFLOP/s"
    );
    for (channels, outputs, side, kernel, stride) in [
        (3, 64, 224, 7, 2),
        (64, 64, 56, 3, 1),
        (64, 128, 56, 3, 2),
        (64, 128, 56, 1, 2),
        (128, 128, 28, 3, 1),
        (256, 256, 14, 3, 1),
        (512, 512, 7, 3, 1),
        (256, 64, 56, 1, 1),
        (64, 256, 56, 1, 1),
    ] {
        layer(batch, repeats, [channels, outputs, side, kernel, stride])?;
    }
    Ok(())
}

/// Milliseconds of `f`, the least of `repeats`, after one run to warm up.
fn least(repeats: usize, mut f: impl FnMut() -> Result<()>) -> Result<f64> {
    f()?;
    let mut least = f64::INFINITY;
    for _ in 0..repeats {
        let start = Instant::now();
        f()?;
        least = least.min(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(least)
}

fn layer(
    batch: usize,
    repeats: usize,
    [channels, outputs, side, kernel, stride]: [usize; 5],
) -> Result<()> {
    let x = Var::randn(0_f32, 1.0, (batch, side, side, channels), &Device::Cpu)?;
    let weight = Var::randn(
        0_f32,
        0.1,
        (outputs, channels, kernel, kernel),
        &Device::Cpu,
    )?;
    // Images need no gradient.
    let input = if channels == 3 {
        x.as_detached_tensor()
    } else {
        x.as_tensor().clone()
    };
    let forward = least(repeats, || {
        Tape::new()
            .conv2d(&input, &weight, stride, kernel / 2)
            .map(drop)
    })?;
    let mut n_outputs = 0;
    let both = least(repeats, || {
        let tape = Tape::new();
        let y = tape.conv2d(&input, &weight, stride, kernel / 2)?;
        n_outputs = y.elem_count();
        tape.backward(&y, &y)?.try_for_each(|of| of.map(drop))
    })?;
    let factor = if channels == 3 { 2.0 } else { 3.0 };
    let operations = factor * (2 * n_outputs * channels * kernel * kernel) as f64;
    let name = format!("{channels} → {outputs}, {side}², {kernel}×{kernel}/{stride}");
    println!(
        "{name:28} {forward:8.1} {:8.1} {:10.0}",
        both - forward,
        operations / both / 1e6
    );
    Ok(())
}
