//! One training step and one inference of ResNet-18, next to PyTorch's if a Python with it is named.
//!
//! ```text
//! cargo bench -p model -- [--torch PYTHON] [--batch 32] [--side 224] [--rounds 5]
//! ```
//!
//! `RAYON_NUM_THREADS` sets the threads of both sides; without it, they are as many as the cores.
//! The two sides take turns step by step, so that other load of the machine affects both; CPU seconds, without waiting,
//! are printed too. A training step is forward, class-weighted
//! cross-entropy, backward and Adam.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use candle_core::{DType, Device, Tensor, Var};
use kernels::{AdamStep, WeightDecay};
use model::{Config, Depth, Mode, ModelError, Network};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const CLASSES: u32 = 8;

/// Duration of a step.
#[derive(Clone, Copy)]
struct Seconds {
    clock: f64,
    cpu: f64,
}

impl Seconds {
    /// Duration of `work`, done by this process.
    fn of(work: impl FnOnce() -> Outcome<()>) -> Outcome<Self> {
        let (started, cpu_started) = (Instant::now(), cpu_seconds()?);
        work()?;
        Ok(Self {
            clock: started.elapsed().as_secs_f64(),
            cpu: cpu_seconds()? - cpu_started,
        })
    }

    fn median(of: &[Self]) -> Self {
        let middle = |value: fn(&Self) -> f64| {
            let mut values: Vec<f64> = of.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        Self {
            clock: middle(|seconds| seconds.clock),
            cpu: middle(|seconds| seconds.cpu),
        }
    }
}

/// CPU time of this process so far.
fn cpu_seconds() -> Outcome<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let microseconds =
        usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(microseconds as f64 / 1e6)
}

struct Options {
    torch: Option<String>,
    batch: usize,
    side: usize,
    rounds: usize,
    threads: usize,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Outcome<Self> {
        let threads = match std::env::var("RAYON_NUM_THREADS") {
            Ok(threads) => threads.parse()?,
            Err(_) => std::thread::available_parallelism()?.get(),
        };
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
                .ok_or_else(|| format!("`{flag}` needs a value"))?;
            match flag.as_str() {
                "--torch" => options.torch = Some(value),
                "--batch" => options.batch = value.parse()?,
                "--side" => options.side = value.parse()?,
                "--rounds" => options.rounds = value.parse()?,
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
    labels: Tensor,
    weights: Tensor,
    n_steps: usize,
}

impl Ours {
    fn new(options: &Options) -> Outcome<Self> {
        let (batch, side, device) = (options.batch, options.side, Device::Cpu);
        let config = Config {
            depth: Depth::D18,
            classifier: true,
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
        let labels: Vec<u32> = (0..CLASSES).cycle().take(batch).collect();
        let weights: Vec<f32> = labels
            .iter()
            .map(|&label| 1.0 / (label as f32 + 1.0))
            .collect();
        Ok(Self {
            images: Tensor::rand(0f32, 1f32, (batch, side, side, 3), &device)?,
            labels: Tensor::from_vec(labels, (batch, 1), &device)?,
            weights: Tensor::from_vec(weights, (batch, 1), &device)?,
            network,
            moments,
            n_steps: 0,
        })
    }

    fn train(&mut self) -> Outcome<()> {
        let computed = self.network.loss_gradients(&self.images, |output| {
            let log_p = candle_nn::ops::log_softmax(&output.logits, 1)?;
            let weighted = (log_p.gather(&self.labels, 1)? * &self.weights)?.sum_all()?;
            Ok::<_, ModelError>((weighted / self.weights.sum_all()?)?.neg()?)
        })?;
        self.n_steps += 1;
        let step = AdamStep {
            learning_rate: 1e-4,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: WeightDecay::Penalty(0.0),
            step: self.n_steps,
        };
        for ((name, var), (first, second)) in self.network.parameters().iter().zip(&self.moments) {
            let gradient = computed
                .gradients
                .get(var)
                .ok_or_else(|| format!("no gradient of `{name}`"))?;
            kernels::adam_step(var, gradient, first, second, &step)?;
        }
        computed.loss.to_scalar::<f32>()?;
        Ok(())
    }

    fn infer(&self) -> Outcome<()> {
        let output = self.network.forward(&self.images, Mode::Eval)?;
        output.logits.sum_all()?.to_scalar::<f32>()?;
        Ok(())
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
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/step/peer.py");
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

    fn step(&mut self, request: &str) -> Outcome<Seconds> {
        writeln!(self.requests, "{request}")?;
        self.requests.flush()?;
        let answer = self.answer()?;
        let (clock, cpu) = answer.split_once(' ').ok_or("two numbers are expected")?;
        Ok(Seconds {
            clock: clock.parse()?,
            cpu: cpu.parse()?,
        })
    }

    fn stop(mut self) -> Outcome<()> {
        drop(self.requests);
        self.child.wait()?;
        Ok(())
    }
}

/// Both sides' medians for one kind of step; the first round warms up and doesn't count.
fn measure(
    request: &str,
    n_rounds: usize,
    ours: &mut Ours,
    mut torch: Option<&mut Torch>,
) -> Outcome<(Seconds, Option<Seconds>)> {
    let (mut our_times, mut torch_times) = (Vec::new(), Vec::new());
    for _ in 0..=n_rounds {
        our_times.push(Seconds::of(|| match request {
            "train" => ours.train(),
            _ => ours.infer(),
        })?);
        if let Some(torch) = torch.as_deref_mut() {
            torch_times.push(torch.step(request)?);
        }
    }
    let torch_time = torch_times.get(1..).map(Seconds::median);
    Ok((Seconds::median(&our_times[1..]), torch_time))
}

fn print_row(name: &str, ours: f64, torch: Option<f64>) {
    match torch {
        Some(torch) => println!("{name:<18} {ours:>8.3} {torch:>8.3} {:>8.2}", ours / torch),
        None => println!("{name:<18} {ours:>8.3}"),
    }
}

/// Measures, under the allocator of the binary, whose name is printed.
///
/// # Errors
/// An option is unknown, a step fails, or PyTorch's side ends.
pub(crate) fn run(allocator: &str) -> Outcome<()> {
    // On a thread of rayon's, as stages run.
    rayon::scope(|_| compare(allocator))
}

fn compare(allocator: &str) -> Outcome<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut ours = Ours::new(&options)?;
    let mut torch = match &options.torch {
        Some(python) => Some(Torch::start(python, &options)?),
        None => None,
    };
    let version = torch.as_ref().map_or("none", |torch| &torch.version);
    println!(
        "ResNet-18, batch {}, {} px, medians of {} rounds; PyTorch {version}, {} threads, {allocator}",
        options.batch, options.side, options.rounds, options.threads
    );
    println!(
        "{:<18} {:>8} {:>8} {:>8}",
        "seconds", "ours", "PyTorch", "ratio"
    );
    for request in ["train", "infer"] {
        let (ours, torch) = measure(request, options.rounds, &mut ours, torch.as_mut())?;
        print_row(
            &format!("{request}, clock"),
            ours.clock,
            torch.map(|torch| torch.clock),
        );
        print_row(
            &format!("{request}, CPU"),
            ours.cpu,
            torch.map(|torch| torch.cpu),
        );
    }
    println!("{:<18} {:>8.2}", "peak memory, GB", peak_gigabytes()?);
    torch.map_or(Ok(()), Torch::stop)
}

/// The most memory that this process ever had.
fn peak_gigabytes() -> Outcome<f64> {
    // On Linux in units of 1024 bytes, on a Mac in bytes.
    let unit = if cfg!(target_os = "macos") {
        1.0
    } else {
        1024.0
    };
    Ok(getrusage(UsageWho::RUSAGE_SELF)?.max_rss() as f64 * unit / 1e9)
}
