//! Times of the layers of ResNet-18 and of one of its training steps: `cargo bench -p kernels [-- BATCH [REPEATS]]`.
//!
//! Each figure is the least of the repeats. The step is forward, backward and Adam, on 224 × 224 pixels.

use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor, Var};
use kernels::{AdamStep, Backend, CachingAllocator, WeightDecay, adam_step};

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
    step(batch, repeats)
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
    let run = || Backend::Cpu.conv2d(&input, &weight, stride, kernel / 2);
    let forward = least(repeats, || run().map(drop))?;
    let both = least(repeats, || run()?.backward().map(drop))?;
    let factor = if channels == 3 { 2.0 } else { 3.0 };
    let operations = factor * (2 * run()?.elem_count() * channels * kernel * kernel) as f64;
    let name = format!("{channels} → {outputs}, {side}², {kernel}×{kernel}/{stride}");
    println!(
        "{name:28} {forward:8.1} {:8.1} {:10.0}",
        both - forward,
        operations / both / 1e6
    );
    Ok(())
}

/// A convolution with its batch normalization.
struct Unit {
    weight: Var,
    gamma: Var,
    beta: Var,
    stride: usize,
}

impl Unit {
    fn new(channels: usize, outputs: usize, kernel: usize, stride: usize) -> Result<Self> {
        let deviation = (2.0 / (outputs * kernel * kernel) as f64).sqrt();
        let weight = (Tensor::randn(
            0_f32,
            1.0,
            (outputs, channels, kernel, kernel),
            &Device::Cpu,
        )? * deviation)?;
        Ok(Self {
            weight: Var::from_tensor(&weight)?,
            gamma: Var::ones(outputs, DType::F32, &Device::Cpu)?,
            beta: Var::zeros(outputs, DType::F32, &Device::Cpu)?,
            stride,
        })
    }

    fn forward(&self, x: &Tensor, residual: Option<&Tensor>, relu: bool) -> Result<Tensor> {
        let y = Backend::Cpu.conv2d(x, &self.weight, self.stride, self.weight.dim(2)? / 2)?;
        Ok(Backend::Cpu
            .batch_norm_train(&y, &self.gamma, &self.beta, 1e-5, residual, relu)?
            .0)
    }
}

/// A basic block: two units and, where the shape changes, one on the shortcut.
type Block = (Unit, Unit, Option<Unit>);

fn blocks() -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut channels = 64;
    for outputs in [64, 128, 256, 512] {
        for _ in 0..2 {
            let stride = if channels == outputs { 1 } else { 2 };
            let shortcut = (stride == 2)
                .then(|| Unit::new(channels, outputs, 1, 2))
                .transpose()?;
            blocks.push((
                Unit::new(channels, outputs, 3, stride)?,
                Unit::new(outputs, outputs, 3, 1)?,
                shortcut,
            ));
            channels = outputs;
        }
    }
    Ok(blocks)
}

fn logits(images: &Tensor, stem: &Unit, blocks: &[Block], head: &Var) -> Result<Tensor> {
    let mut x = Backend::Cpu.max_pool(&stem.forward(images, None, true)?)?;
    for (first, second, shortcut) in blocks {
        let inner = first.forward(&x, None, true)?;
        let residual = match shortcut {
            Some(shortcut) => shortcut.forward(&x, None, false)?,
            None => x,
        };
        x = second.forward(&inner, Some(&residual), true)?;
    }
    Backend::Cpu.average_pool(&x)?.matmul(&head.t()?)
}

fn step(batch: usize, repeats: usize) -> Result<()> {
    let images = Tensor::randn(0_f32, 1.0, (batch, 224, 224, 3), &Device::Cpu)?;
    let (stem, blocks) = (Unit::new(3, 64, 7, 2)?, blocks()?);
    let head = Var::randn(0_f32, 0.05, (1000, 512), &Device::Cpu)?;
    let units = blocks
        .iter()
        .flat_map(|(a, b, c)| [Some(a), Some(b), c.as_ref()])
        .flatten()
        .chain([&stem]);
    let mut parameters: Vec<&Var> = units.flat_map(|u| [&u.weight, &u.gamma, &u.beta]).collect();
    parameters.push(&head);
    let zeros = || {
        parameters
            .iter()
            .map(|p| Var::from_tensor(&p.zeros_like()?))
            .collect::<Result<Vec<_>>>()
    };
    let (first, second) = (zeros()?, zeros()?);
    let mut number = 0;
    let forward = least(repeats, || logits(&images, &stem, &blocks, &head).map(drop))?;
    let whole = least(repeats, || {
        number += 1;
        let loss = logits(&images, &stem, &blocks, &head)?.sqr()?.mean_all()?;
        let gradients = loss.backward()?;
        let step = AdamStep {
            learning_rate: 1e-4,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: WeightDecay::Penalty(0.0),
            step: number,
        };
        for ((parameter, first), second) in parameters.iter().zip(&first).zip(&second) {
            if let Some(gradient) = gradients.get(parameter) {
                adam_step(parameter, gradient, first, second, &step)?;
            }
        }
        Ok(())
    })?;
    println!("step of ResNet-18: {whole:.0} ms, of which forward {forward:.0} ms");
    Ok(())
}
