//! The runner beside DVC and ninja, each on the same work, in turns.
//!
//! ```text
//! cargo xtask bench runner -- [--install] [--rounds 5] [--only WORDS] [--patient] [--json]
//! ```
//!
//! Timings are those of the program as `cargo xtask` builds it, from its start to its end; cargo itself takes some 0.1 s
//! more. Each figure is a median: seconds, the CPU's seconds, megabytes of the largest process's memory, megabytes
//! written. A tool that has taken [`PATIENCE`] for a case isn't run again.

mod cases;
#[path = "../shared/measure.rs"]
mod measure;
mod tool;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use serde_json::json;

use cases::Case;
use measure::Measurement;
use tool::Tool;

/// Maximum duration of all rounds of a case for a tool.
const PATIENCE: Duration = Duration::from_secs(20);

/// Times the runner beside DVC and ninja.
#[derive(Debug, Parser)]
struct Arguments {
    /// Install DVC and ninja, by pip, in a folder below `target`
    #[arg(long)]
    install: bool,
    /// Number of rounds of each case
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Cases whose names have these words
    #[arg(long, value_name = "WORDS")]
    only: Option<String>,
    /// Let DVC run 1000 stages as well, which takes half an hour
    #[arg(long)]
    patient: bool,
    /// Folder of the workspaces, on the disk that is to be measured
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Flag that cargo gives to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    if let Some(request) = measure::request()? {
        return request.run();
    }
    let arguments = Arguments::parse();
    let tools = Tool::all(arguments.install)?;
    let parent = arguments.folder.unwrap_or_else(std::env::temp_dir);
    let cases = cases::all(arguments.patient).into_iter();
    let is_meant = |case: &Case| {
        let words = arguments.only.as_deref();
        words.is_none_or(|words| case.name.contains(words))
    };
    let mut rows = Vec::new();
    if !arguments.json {
        print_header(&tools);
    }
    for case in cases.filter(is_meant) {
        let measured = measure_case(&case, &tools, arguments.rounds, &parent)
            .with_context(|| format!("cannot measure `{}`", case.name))?;
        if !arguments.json {
            print_row(case.name, &measured);
        }
        rows.push((case.name, measured));
    }
    if arguments.json {
        let rows = rows.iter().map(|(name, measured)| {
            let tools =
                { tools.iter().zip(measured) }.map(|(tool, m)| (tool.name().to_owned(), json!(m)));
            json!({ "case": name, "tools": tools.collect::<serde_json::Map<_, _>>() })
        });
        println!("{:#}", rows.collect::<serde_json::Value>());
    } else if tools.iter().any(|tool| !tool.is_there()) {
        println!("`--install` installs the missing ones.");
    }
    Ok(())
}

/// The median of each tool's measurements; none for a case that it lacks, or without the tool.
fn measure_case(
    case: &Case,
    tools: &[Tool],
    rounds: usize,
    parent: &std::path::Path,
) -> anyhow::Result<Vec<Option<Measurement>>> {
    let home = tempfile::tempdir_in(parent)?;
    let mut series: Vec<Vec<Measurement>> = vec![Vec::new(); tools.len()];
    for round in 0..rounds {
        for (tool, measured) in tools.iter().zip(&mut series) {
            let taken: f64 = measured.iter().map(|m| m.wall_s).sum();
            if !tool.is_there() || !case.is_for(tool) || taken > PATIENCE.as_secs_f64() {
                continue;
            }
            let folder = home.path().join(tool.name());
            if round == 0 {
                fs_err::create_dir(&folder)?;
                case.prepare(tool, &folder)?;
            }
            measured.push(case.measure(tool, &folder, round)?);
        }
    }
    Ok(series.iter().map(|of| median(of)).collect())
}

/// The median of each number; none without measurements.
fn median(of: &[Measurement]) -> Option<Measurement> {
    let middle = |value: fn(&Measurement) -> f64| {
        let mut values: Vec<f64> = of.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    Some(Measurement {
        wall_s: middle(|m| m.wall_s)?,
        cpu_s: middle(|m| m.cpu_s)?,
        peak_mb: middle(|m| m.peak_mb)?,
        written_mb: middle(|m| m.written_mb)?,
    })
}

fn print_header(tools: &[Tool]) {
    const WIDTH: usize = 36;
    print!("{:38}", "");
    for tool in tools {
        print!("{:>WIDTH$}", tool.title());
    }
    print!("\n{:38}", "");
    for _ in tools {
        print!("{:>9}{:>9}{:>9}{:>9}", "s", "CPU s", "MB", "written");
    }
    println!();
}

fn print_row(name: &str, measured: &[Option<Measurement>]) {
    print!("{name:38}");
    for of in measured {
        match of {
            Some(m) => print!(
                "{:>9.3}{:>9.3}{:>9.1}{:>9.1}",
                m.wall_s, m.cpu_s, m.peak_mb, m.written_mb
            ),
            None => print!("{:>9}{:>9}{:>9}{:>9}", "-", "-", "-", "-"),
        }
    }
    println!();
}
