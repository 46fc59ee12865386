//! Builds of this workspace as its users wait for them, in a copy of the working tree.
//!
//! ```text
//! cargo xtask bench builds [--only WORDS] [--json]
//! ```
//!
//! Crates must have been downloaded. Each case is measured once, as the first ones leave nothing to repeat; seconds are of
//! the wall and, of all cores together, of the CPU.

#[path = "../shared/measure.rs"]
mod measure;
#[path = "../shared/tree.rs"]
mod tree;

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::Parser;
use fs_err::OpenOptions;
use measure::Measurement;
use serde_json::json;

/// Times builds of this workspace.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only edits whose names contain these words; the builds from nothing always run
    #[arg(long, value_name = "WORDS")]
    only: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Flag that cargo gives to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// A command, after an edit of a source.
struct Case {
    name: &'static str,
    /// The source that gets a function more, from the root.
    edited: Option<&'static str>,
    /// Arguments of cargo.
    command: &'static [&'static str],
}

/// On an empty target folder, one after the other.
const FROM_NOTHING: [Case; 2] = [
    Case {
        name: "`cargo xtask status`, from nothing",
        edited: None,
        command: &["xtask", "status"],
    },
    Case {
        name: "`cargo xtask repro`, all stages compiled and run",
        edited: None,
        command: &["xtask", "repro", "--quiet"],
    },
];

/// The new function is unused, so that binaries of stages stay the same and no stage runs: these measure builds alone.
const EDITS: [Case; 5] = [
    Case {
        name: "nothing edited",
        edited: None,
        command: &["xtask", "repro", "--quiet"],
    },
    Case {
        name: "edit of `metrics`, to stage `score`",
        edited: Some("crates/metrics/src/lib.rs"),
        command: &["xtask", "repro", "--quiet", "--single", "score"],
    },
    Case {
        name: "edit of `report`, to its stage",
        edited: Some("crates/report/src/lib.rs"),
        command: &["xtask", "repro", "--quiet", "--single", "report"],
    },
    Case {
        name: "edit of `kernels`, to training",
        edited: Some("crates/kernels/src/lib.rs"),
        command: &["xtask", "repro", "--quiet", "--single", "train@0"],
    },
    Case {
        name: "edit of `runner`, to `cargo xtask status`",
        edited: Some("crates/runner/src/lib.rs"),
        command: &["xtask", "status"],
    },
];

fn main() -> anyhow::Result<()> {
    if let Some(request) = measure::request()? {
        return request.run();
    }
    let arguments = Arguments::parse();
    let tree = tree::copy()?;
    let is_meant = |case: &&Case| {
        let words = arguments.only.as_deref();
        words.is_none_or(|words| case.name.contains(words))
    };
    let mut rows = Vec::new();
    if !arguments.json {
        println!("{:52}{:>9}{:>9}", "", "s", "CPU s");
    }
    for case in FROM_NOTHING.iter().chain(EDITS.iter().filter(is_meant)) {
        let measured = case.measure(tree.path())?;
        if !arguments.json {
            let Measurement { wall_s, cpu_s, .. } = measured;
            println!("{:52}{wall_s:>9.1}{cpu_s:>9.1}", case.name);
        }
        rows.push(json!({ "case": case.name, "measured": measured }));
    }
    if arguments.json {
        println!("{:#}", serde_json::Value::from(rows));
    }
    Ok(())
}

impl Case {
    fn measure(&self, tree: &Path) -> anyhow::Result<Measurement> {
        if let Some(edited) = self.edited {
            let mut source = OpenOptions::new().append(true).open(tree.join(edited))?;
            let text = "\n/// Of the benchmark.\npub fn added_by_the_benchmark() {}\n";
            source.write_all(text.as_bytes())?;
        }
        // The copy has a target folder of its own.
        let mut command = vec!["env".to_owned(), "--unset=CARGO_TARGET_DIR".to_owned()];
        command.push(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
        command.extend(self.command.iter().map(|&word| word.to_owned()));
        Measurement::of(tree, &command).with_context(|| format!("cannot measure {}", self.name))
    }
}
