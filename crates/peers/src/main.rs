//! The study's own work beside Python's, interleaved in one run.
//!
//! ```text
//! cargo xtask bench peers [--install] [--repeats 5] [--only NAME] [--threads 2] [--images FOLDER] [--json]
//! ```
//!
//! Each [case](cases) is the same work on both sides: ours by the libraries of the stages, the peer's in
//! `python/peers.py`, a process that lives as long as the run, so that imports and inputs aren't timed. Rounds go in
//! turns; medians and their ratios are printed as a table in Markdown. The allocator is that of the stages that train,
//! for all cases.

mod answer;
mod case;
mod cases;
mod decoded;
mod install;
mod measure;
mod network;
mod python;
mod table;
mod workbench;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};
use clap::Parser;
use serde_json::Value;

use case::Case;
use python::Python;
use workbench::Workbench;

/// Variable of the threads of rayon and candle, which is read when they start.
const THREADS: &str = "RAYON_NUM_THREADS";

#[global_allocator]
static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();

/// Times the study's own work beside Python's.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench peers")]
struct Arguments {
    /// Install the peers by pip, in a virtual environment below `target`
    #[arg(long)]
    install: bool,
    /// Python that has the peers, in place of that environment
    #[arg(long, value_name = "PATH", conflicts_with = "install")]
    python: Option<PathBuf>,
    /// Counted rounds of each case
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    repeats: u16,
    /// The case of this name; can be repeated. `umap-large` runs in no other way
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Threads of each side
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    threads: u16,
    /// Folder of images, in place of painted ones
    #[arg(long, value_name = "FOLDER")]
    images: Option<PathBuf>,
    /// Images of the cases `features` and `epoch`
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u16).range(16..))]
    sample: u16,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let threads = arguments.threads.to_string();
    if std::env::var(THREADS).ok().as_ref() != Some(&threads) {
        return with_threads(&threads);
    }
    // On a thread of rayon's, as stages run.
    rayon::scope(|_| compare(&arguments))?;
    Ok(ExitCode::SUCCESS)
}

/// Measures the chosen cases, and prints the results.
fn compare(arguments: &Arguments) -> anyhow::Result<()> {
    let chosen = chosen(&arguments.only)?;
    let interpreter = match &arguments.python {
        Some(python) => python.clone(),
        None => install::interpreter(arguments.install)?,
    };
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let threads = usize::from(arguments.threads);
    let mut python = Python::start(&interpreter, threads)?;
    let bench = Workbench::new(
        folder.path().to_owned(),
        arguments.images.clone(),
        usize::from(arguments.sample),
    );
    let found = measure_all(&chosen, &bench, &mut python, arguments)?;
    python.stop()?;
    if arguments.json {
        println!("{:#}", Value::from(found));
    }
    Ok(())
}

/// Measures the cases, and prints each row of the table as it is found unless JSON is wanted; returns all rows.
fn measure_all(
    chosen: &[Case],
    bench: &Workbench,
    python: &mut Python,
    arguments: &Arguments,
) -> anyhow::Result<Vec<Value>> {
    if !arguments.json {
        println!(
            "Medians of {} rounds in turns, {} threads on each side.\n\n{}",
            arguments.repeats,
            arguments.threads,
            table::HEAD
        );
    }
    let mut found = Vec::new();
    for case in chosen {
        let repeats = usize::from(arguments.repeats);
        let (rows, skipped) = measure::measure(case, bench, python, repeats)
            .with_context(|| format!("cannot measure the case `{}`", case.name))?;
        for row in &rows {
            if !arguments.json {
                println!("{}", row.markdown());
            }
            found.push(row.json());
        }
        for line in skipped {
            eprintln!("{line}");
        }
    }
    Ok(found)
}

/// Runs the program again with the variable of threads, which no program can set for itself safely.
fn with_threads(threads: &str) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command
        .args(std::env::args_os().skip(1))
        .env(THREADS, threads);
    let status = command.status().context("cannot start the program again")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The cases called `names`, in the order of the table; without names, all that need no name.
fn chosen(names: &[String]) -> anyhow::Result<Vec<Case>> {
    let known = cases::ALL.map(|case| case.name);
    for name in names {
        ensure!(
            known.contains(&name.as_str()),
            "there is no case `{name}`: `--only` takes `{}`",
            known.join("`, `")
        );
    }
    let is_chosen = |case: &Case| match names.is_empty() {
        true => !case.by_name_only,
        false => names.iter().any(|name| name == case.name),
    };
    Ok(cases::ALL.into_iter().filter(is_chosen).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_cases_run_by_name() {
        let names = |only: &[&str]| -> Vec<&str> {
            let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
            chosen(&only)
                .unwrap()
                .iter()
                .map(|case| case.name)
                .collect()
        };
        assert!(!names(&[]).contains(&"umap-large"));
        assert_eq!(names(&["umap-large", "umap"]), ["umap", "umap-large"]);
    }

    #[test]
    fn an_unknown_case_is_refused_with_the_known_ones() {
        let message = chosen(&["umaps".to_owned()]).err().unwrap().to_string();
        let start = "there is no case `umaps`: `--only` takes `decode`, `clusters`, ";
        assert!(message.starts_with(start), "{message}");
    }

    #[test]
    fn each_peer_has_its_function() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/python");
        let modules = fs_err::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let modules = modules.filter(|path| path.extension().is_some_and(|end| end == "py"));
        let script: String = modules
            .map(|path| fs_err::read_to_string(path).unwrap())
            .collect();
        for case in cases::ALL {
            for peer in case.peers {
                let definition = format!("\ndef {}(", peer.function);
                assert!(script.contains(&definition), "{}", peer.function);
            }
        }
    }
}
