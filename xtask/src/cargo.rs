//! Tests and benchmarks of the workspace, by cargo.

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use cli::program::exit_code;
use cli::workspace;
use keys::prebuilt::Prebuilt;

/// Run all tests of the workspace, with arguments for `cargo test`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask test
  cargo xtask test -- --nocapture")]
pub(crate) struct Test {
    /// Passed on to `cargo test --workspace --release --locked`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Measure this workspace beside its peers
#[derive(Debug, Args)]
#[command(after_help = "\
runner      the runner beside DVC and ninja
builds      builds of this workspace, from nothing and after edits
growth      the demo's stages on numbers of painted images
peers       the study's own work beside Python's: scikit-learn, umap-learn, Optuna, Captum, PyTorch, onnxruntime, OpenVINO
step        a training step and an inference beside PyTorch's
allocators  the same under the allocator of training, mimalloc and the system's, three times in turn
layers      the layers of a ResNet

Examples:
  cargo xtask bench runner --install
  cargo xtask bench runner --only files
  cargo xtask bench builds
  cargo xtask bench growth --images 1000 --images 10000 --images 100000
  cargo xtask bench peers --install
  cargo xtask bench peers --only umap --only forest
  cargo xtask bench step --torch python3")]
pub(crate) struct Bench {
    /// Name of the benchmark
    name: Benchmark,
    /// Its own arguments; `--help` lists those of `runner`, `builds`, `growth` and `peers`
    #[arg(
        value_name = "ARGUMENT",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    arguments: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Benchmark {
    Runner,
    Builds,
    Growth,
    Peers,
    Step,
    Allocators,
    Layers,
}

/// All tests, with cargo's own output and exit status. They are compiled as stages are: the tested code is the
/// code that runs, and dependencies are compiled once for both.
pub(crate) fn test(test: &Test) -> anyhow::Result<ExitCode> {
    let mut command = cargo()?;
    command.args(["test", "--workspace", "--release", "--locked"]);
    run(command.args(&test.arguments))
}

/// A benchmark; the runner's is compiled as `cargo xtask` itself is.
pub(crate) fn bench(bench: &Bench) -> anyhow::Result<ExitCode> {
    let arguments = &bench.arguments;
    match bench.name {
        Benchmark::Runner => bench_target("xtask", "runner", "xtask", arguments),
        Benchmark::Builds => bench_target("xtask", "builds", "xtask", arguments),
        Benchmark::Growth => bench_target("xtask", "growth", "xtask", arguments),
        Benchmark::Peers => bench_program("peers", arguments),
        Benchmark::Step => bench_target("model", "step", "release", arguments),
        Benchmark::Layers => bench_target("kernels", "layers", "release", arguments),
        Benchmark::Allocators => bench_allocators(arguments),
    }
}

/// The benchmark `step` under each allocator, in turn, so that other load of the machine affects all.
fn bench_allocators(arguments: &[String]) -> anyhow::Result<ExitCode> {
    const ROUNDS: usize = 3;
    for _ in 0..ROUNDS {
        for target in ["step", "step-mimalloc", "step-system"] {
            let code = bench_target("model", target, "release", arguments)?;
            if code != ExitCode::SUCCESS {
                return Ok(code);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn bench_target(
    package: &str,
    target: &str,
    profile: &str,
    arguments: &[String],
) -> anyhow::Result<ExitCode> {
    let mut command = cargo()?;
    command.args(["bench", "--quiet", "--locked", "--profile", profile]);
    command.args(["--package", package, "--bench", target, "--"]);
    run(command.args(arguments))
}

/// A benchmark that is a package's program, compiled as stages are.
fn bench_program(package: &str, arguments: &[String]) -> anyhow::Result<ExitCode> {
    let mut command = cargo()?;
    command.args(["run", "--quiet", "--locked", "--release"]);
    command.args(["--package", package, "--"]);
    run(command.args(arguments))
}

/// Checks that there are sources for a command.
pub(crate) fn check_sources(root: &Path, command: &str) -> anyhow::Result<()> {
    if Prebuilt::load(root)?.is_some() || !root.join("Cargo.toml").is_file() {
        bail!("{command} needs the sources: run it in a checkout, with Rust");
    }
    Ok(())
}

/// Cargo in the workspace's root.
fn cargo() -> anyhow::Result<Command> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = workspace::root()?;
    check_sources(&root, "this command")?;
    let mut command = Command::new(cargo);
    command.current_dir(root);
    Ok(command)
}

fn run(command: &mut Command) -> anyhow::Result<ExitCode> {
    let status = command.status().context("cannot start cargo")?;
    Ok(exit_code(status))
}
