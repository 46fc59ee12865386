//! One training step and one inference of ResNet-18, beside PyTorch's where a Python has it.
//!
//! ```text
//! cargo bench -p model -- [--torch PYTHON] [--batch 32] [--side 224] [--rounds 5] [--threads 2]
//! ```
//!
//! The two sides take turns step by step, so that what else the machine does weighs on both. A training
//! step is forward, class-weighted cross-entropy, backward and Adam.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use candle_core::{DType, Device, Tensor, Var};
use kernels::AdamStep;
use model::{Config, Depth, Mode, Network};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// As in the binaries that train.
#[global_allocator]
static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const CLASSES: u32 = 8;

struct Options {
    torch: Option<String>,
    batch: usize,
    side: usize,
    rounds: usize,
    threads: usize,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Outcome<Self> {
        let threads = std::thread::available_parallelism()?.get();
        let mut options = Self {
            torch: None,
            batch: 32,
            side: 224,
            rounds: 5,
            threads,
        };
        while let Some(flag) = args.next() {
            if flag == "--bench" {
                continue;
            }
            let value = args
                .next()
                .ok_or_else(|| format!("`{flag}` wants a value"))?;
            match flag.as_str() {
                "--torch" => options.torch = Some(value),
                "--batch" => options.batch = value.parse()?,
                "--side" => options.side = value.parse()?,
                "--rounds" => options.rounds = value.parse()?,
                "--threads" => options.threads = value.parse()?,
                _ => return Err(format!("`{flag}` is not an option").into()),
            }
        }
        Ok(options)
    }
}

/// Our side.
struct Ours {
    network: Network,
    moments: Vec<(Var, Var)>,
    images: Tensor,
    codes: Tensor,
    weights: Tensor,
    n_steps: usize,
}

impl Ours {
    fn new(options: &Options) -> Outcome<Self> {
        let (batch, side, device) = (options.batch, options.side, Device::Cpu);
        let config = Config {
            depth: Depth::D18,
            embedding_size: 16,
            n_classes: CLASSES as usize,
        };
        let network = Network::new(&config, &device, &mut ChaCha8Rng::seed_from_u64(0))?;
        let zeros = |var: &Var| Var::zeros(var.shape(), DType::F32, &device);
        let moments = network
            .parameters()
            .iter()
            .map(|(_, var)| Ok((zeros(var)?, zeros(var)?)))
            .collect::<candle_core::Result<_>>()?;
        let codes: Vec<u32> = (0..CLASSES).cycle().take(batch).collect();
        let weights: Vec<f32> = codes
            .iter()
            .map(|&code| 1.0 / (code as f32 + 1.0))
            .collect();
        Ok(Self {
            images: Tensor::rand(0f32, 1f32, (batch, side, side, 3), &device)?,
            codes: Tensor::from_vec(codes, (batch, 1), &device)?,
            weights: Tensor::from_vec(weights, (batch, 1), &device)?,
            network,
            moments,
            n_steps: 0,
        })
    }

    fn train(&mut self) -> Outcome<f64> {
        let started = Instant::now();
        let output = self.network.forward(&self.images, Mode::Train)?;
        let likelihood = candle_nn::ops::log_softmax(&output.logits, 1)?.gather(&self.codes, 1)?;
        let total = self.weights.sum_all()?;
        let loss = ((likelihood * &self.weights)?.sum_all()? / total)?.neg()?;
        let gradients = loss.backward()?;
        self.n_steps += 1;
        let step = AdamStep {
            learning_rate: 1e-4,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            step: self.n_steps,
        };
        for ((name, var), (first, second)) in self.network.parameters().iter().zip(&self.moments) {
            let gradient = gradients
                .get(var)
                .ok_or_else(|| format!("no gradient of `{name}`"))?;
            kernels::adam_step(var, gradient, first, second, &step)?;
        }
        loss.to_scalar::<f32>()?;
        Ok(started.elapsed().as_secs_f64())
    }

    fn infer(&self) -> Outcome<f64> {
        let started = Instant::now();
        let output = self.network.forward(&self.images, Mode::Eval)?;
        output.logits.sum_all()?.to_scalar::<f32>()?;
        Ok(started.elapsed().as_secs_f64())
    }
}

/// PyTorch's side, in a process of its own.
struct Torch {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    version: String,
}

impl Torch {
    fn start(python: &str, options: &Options) -> Outcome<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/step_torch.py");
        let mut child = Command::new(python)
            .arg(script)
            .args([options.threads, options.batch, options.side].map(|n| n.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let requests = child.stdin.take().ok_or("no stdin")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        let mut torch = Self {
            child,
            requests,
            answers,
            version: String::new(),
        };
        torch.version = torch.answer()?;
        Ok(torch)
    }

    fn answer(&mut self) -> Outcome<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("PyTorch's side ended".into());
        }
        Ok(line.trim().to_owned())
    }

    fn step(&mut self, request: &str) -> Outcome<f64> {
        writeln!(self.requests, "{request}")?;
        self.requests.flush()?;
        Ok(self.answer()?.parse()?)
    }

    fn stop(mut self) -> Outcome<()> {
        drop(self.requests);
        self.child.wait()?;
        Ok(())
    }
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn measure(
    request: &str,
    options: &Options,
    ours: &mut Ours,
    torch: Option<&mut Torch>,
) -> Outcome<()> {
    let (mut our_times, mut torch_times) = (Vec::new(), Vec::new());
    let mut torch = torch;
    for round in 0..=options.rounds {
        let our_time = if request == "train" {
            ours.train()?
        } else {
            ours.infer()?
        };
        let torch_time = torch
            .as_deref_mut()
            .map(|torch| torch.step(request))
            .transpose()?;
        // The first round warms up.
        if round > 0 {
            our_times.push(our_time);
            torch_times.extend(torch_time);
        }
    }
    let our_time = median(our_times);
    if torch_times.is_empty() {
        println!("{request:<6} {our_time:>8.3} s");
    } else {
        let torch_time = median(torch_times);
        let ratio = our_time / torch_time;
        println!("{request:<6} {our_time:>8.3} s {torch_time:>8.3} s {ratio:>8.2}");
    }
    Ok(())
}

fn main() -> Outcome<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut ours = Ours::new(&options)?;
    let mut torch = match &options.torch {
        Some(python) => Some(Torch::start(python, &options)?),
        None => None,
    };
    let version = torch.as_ref().map_or("none", |torch| &torch.version);
    println!(
        "ResNet-18, batch {}, {} px, medians of {} rounds; PyTorch {version}, {} threads",
        options.batch, options.side, options.rounds, options.threads
    );
    println!(
        "{:<6} {:>10} {:>10} {:>8}",
        "step", "ours", "PyTorch", "ratio"
    );
    for request in ["train", "infer"] {
        measure(request, &options, &mut ours, torch.as_mut())?;
    }
    torch.map_or(Ok(()), Torch::stop)
}
