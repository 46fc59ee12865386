//! How the cost of each stage grows with the number of images, in a copy of the working tree.
//!
//! ```text
//! cargo xtask bench growth [--images 1000 --images 10000] [--json]
//! ```
//!
//! The demo's pipeline runs on as many painted images, each number from nothing. Inputs have 32 pixels a side, trainings
//! one epoch on two folds, and searches few trials, so that the other stages have their share.

#[path = "../shared/tree.rs"]
mod tree;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Parser;
use serde::Deserialize;
use serde_json::json;

/// Times the demo's stages on numbers of painted images.
#[derive(Debug, Parser)]
struct Arguments {
    /// Number of images, a multiple of 8; can be repeated, in rising order
    #[arg(long, value_name = "N", default_values_t = [1000, 10_000])]
    images: Vec<u32>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Flag that cargo gives to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// Styles that the demo paints, with as many images each.
const STYLES: u32 = 8;

/// Settings besides the demo's.
const SETTINGS: [&str; 7] = [
    "train.side_px=32",
    "train.epochs=1",
    "split.folds=2",
    "metric-learning.epochs=1",
    "embedding-evolution.epochs=[0]",
    "cluster.n_init=10",
    "forest-search.trials=5",
];

/// Line of `.atelier/runs.jsonl`.
#[derive(Deserialize)]
struct Run {
    stage: String,
    outcome: String,
    #[serde(default)]
    wall_s: f64,
    #[serde(default)]
    cpu_s: f64,
    #[serde(default)]
    peak_bytes: u64,
}

/// Time and memory of a stage; of its instances, the sum of the seconds and the largest peak.
#[derive(Clone, Copy, Default)]
struct Cost {
    wall_s: f64,
    cpu_s: f64,
    peak_mb: f64,
}

type Costs = BTreeMap<String, Cost>;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let numbers = &arguments.images;
    let is_rising = numbers.is_sorted_by(|before, after| before < after);
    ensure!(
        is_rising && numbers.iter().all(|&n| n > 0 && n % STYLES == 0),
        "expected rising numbers of images, multiples of {STYLES}; found {numbers:?}"
    );
    let tree = tree::copy()?;
    let mut costs = Vec::new();
    for &n_images in numbers {
        run(tree.path(), n_images)
            .with_context(|| format!("cannot run the demo on {n_images} images"))?;
        costs.push(costs_of(tree.path())?);
    }
    if arguments.json {
        print_json(numbers, &costs);
    } else {
        print_table(numbers, &costs);
    }
    Ok(())
}

/// Runs all stages on `n_images`, without results of earlier runs.
fn run(tree: &Path, n_images: u32) -> anyhow::Result<()> {
    for name in [".atelier", "artifacts", "data"] {
        if tree.join(name).exists() {
            fs_err::remove_dir_all(tree.join(name))?;
        }
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["xtask", "repro", "--quiet"])
        .current_dir(tree)
        // The copy has a target folder of its own.
        .env_remove("CARGO_TARGET_DIR");
    command.args(["--set", &format!("paint.images={}", n_images / STYLES)]);
    command.args(SETTINGS.iter().flat_map(|setting| ["--set", setting]));
    let status = command.status()?;
    ensure!(status.success(), "`cargo xtask repro` failed: {status}");
    Ok(())
}

fn costs_of(tree: &Path) -> anyhow::Result<Costs> {
    let mut costs = Costs::new();
    for line in fs_err::read_to_string(tree.join(".atelier/runs.jsonl"))?.lines() {
        let run: Run = serde_json::from_str(line).context("a line of `.atelier/runs.jsonl`")?;
        if run.outcome != "ran" {
            continue;
        }
        let stage = run.stage.split('@').next().unwrap_or_default().to_owned();
        let cost = costs.entry(stage).or_default();
        cost.wall_s += run.wall_s;
        cost.cpu_s += run.cpu_s;
        cost.peak_mb = cost.peak_mb.max(run.peak_bytes as f64 / 1e6);
    }
    Ok(costs)
}

/// The power of the number of images that a stage's CPU seconds grow by, from the last number but one to the last; none
/// where starting the stage is most of it.
fn exponent(numbers: &[u32], stage: &str, costs: &[Costs]) -> Option<f64> {
    let (&[.., n_before, n_last], [.., before, last]) = (numbers, costs) else {
        return None;
    };
    let (before, last) = (before.get(stage)?.cpu_s, last.get(stage)?.cpu_s);
    let ratio = f64::from(n_last) / f64::from(n_before);
    (last > 0.2 && before > 0.0).then(|| (last / before).ln() / ratio.ln())
}

fn print_table(numbers: &[u32], costs: &[Costs]) {
    let heads = numbers
        .iter()
        .map(|n| format!(" {n} images, s | CPU s | peak, MB |"));
    println!("| stage |{} exponent |", heads.collect::<String>());
    println!("|---|{}---|", "---|---|---|".repeat(numbers.len()));
    for stage in costs.last().into_iter().flat_map(BTreeMap::keys) {
        let cells = costs.iter().map(|costs| match costs.get(stage) {
            Some(Cost {
                wall_s,
                cpu_s,
                peak_mb,
            }) => format!(" {wall_s:.1} | {cpu_s:.1} | {peak_mb:.0} |"),
            None => " | | |".to_owned(),
        });
        let exponent = exponent(numbers, stage, costs);
        let exponent = exponent.map_or_else(String::new, |exponent| format!("{exponent:.2}"));
        println!("| `{stage}` |{} {exponent} |", cells.collect::<String>());
    }
}

fn print_json(numbers: &[u32], costs: &[Costs]) {
    let rows = numbers.iter().zip(costs).flat_map(|(n_images, costs)| {
        costs.iter().map(move |(stage, cost)| {
            json!({
                "images": n_images,
                "stage": stage,
                "wall_s": cost.wall_s,
                "cpu_s": cost.cpu_s,
                "peak_mb": cost.peak_mb,
            })
        })
    });
    println!("{:#}", serde_json::Value::from_iter(rows));
}
