//! One training step and one inference of a ResNet, next to PyTorch's if a Python with it is named.
//!
//! ```text
//! cargo bench -p model -- [--torch PYTHON] [--depth 18] [--batch 32] [--side 224] [--rounds 5]
//! ```
//!
//! `RAYON_NUM_THREADS` sets the threads of all sides; without it, they are as many as the cores.
//! The sides take turns step by step, so that other load of the machine affects all; CPU seconds, without waiting,
//! are printed too. A training step is forward, class-weighted cross-entropy, backward and Adam. The peak of memory is
//! that of a side's process, with the interpreter and libraries of Python.

mod ours;
mod peer;

use std::time::Instant;

use model::Depth;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use ours::Ours;
use peer::{Peer, WAYS};

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A kind of step.
#[derive(Clone, Copy)]
pub(crate) enum Request {
    /// A training step.
    Train,
    /// An inference.
    Infer,
}

impl Request {
    fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Infer => "infer",
        }
    }
}

/// Duration of a step.
#[derive(Clone, Copy)]
pub(crate) struct Seconds {
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

/// Options of the command line.
pub(crate) struct Options {
    torch: Option<String>,
    depth: Depth,
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
            depth: Depth::D18,
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
                "--depth" => options.depth = value.parse::<u64>()?.try_into()?,
                "--batch" => options.batch = value.parse()?,
                "--side" => options.side = value.parse()?,
                "--rounds" => options.rounds = value.parse()?,
                _ => return Err(format!("`{flag}` is not an option").into()),
            }
        }
        Ok(options)
    }
}

/// Medians of one kind of step, ours and then each peer's; the first round warms up and doesn't count.
fn measure(
    request: Request,
    n_rounds: usize,
    ours: &mut Ours,
    peers: &mut [Peer],
) -> Outcome<Vec<Seconds>> {
    let mut times = vec![Vec::new(); 1 + peers.len()];
    for _ in 0..=n_rounds {
        times[0].push(Seconds::of(|| ours.step(request))?);
        for (times, peer) in times[1..].iter_mut().zip(&mut *peers) {
            times.push(peer.step(request)?);
        }
    }
    Ok(times
        .iter()
        .map(|times| Seconds::median(&times[1..]))
        .collect())
}

/// Prints a figure of each side, and the ratio of ours to the peers' least.
fn print_row(name: &str, figures: &[f64]) {
    let columns: String = figures.iter().map(|it| format!(" {it:>13.3}")).collect();
    let least = figures[1..].iter().copied().reduce(f64::min);
    let ratio = least.map(|least| format!(" {:>6.2}", figures[0] / least));
    println!("{name:<16}{columns}{}", ratio.unwrap_or_default());
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
    let start = |python| WAYS.map(|way| Peer::start(python, way, &options));
    let peers = options.torch.as_deref().map(start);
    let mut peers = peers.into_iter().flatten().collect::<Outcome<Vec<_>>>()?;
    let version = peers.first().map_or("none", |peer| &peer.version);
    println!(
        "{}, batch {}, {} px, medians of {} rounds; PyTorch {version}, {} threads, {allocator}",
        options.depth, options.batch, options.side, options.rounds, options.threads
    );
    let columns = ["ours"].iter().chain(&WAYS[..peers.len()]);
    let columns: String = columns.map(|it| format!(" {it:>13}")).collect();
    let ratio = if peers.is_empty() {
        ""
    } else {
        "  ratio to the best"
    };
    println!("{:<16}{columns}{ratio}", "seconds");
    for request in [Request::Train, Request::Infer] {
        let times = measure(request, options.rounds, &mut ours, &mut peers)?;
        for (kind, of) in [
            ("clock", (|it| it.clock) as fn(&Seconds) -> f64),
            ("CPU", |it| it.cpu),
        ] {
            let figures: Vec<f64> = times.iter().map(of).collect();
            print_row(&format!("{}, {kind}", request.name()), &figures);
        }
    }
    let mut peaks = vec![peak_gigabytes()?];
    for peer in peers {
        peaks.push(peer.stop()?);
    }
    print_row("peak memory, GB", &peaks);
    Ok(())
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
