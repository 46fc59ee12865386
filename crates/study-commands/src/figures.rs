//! Files of the report's figures: the job file of the program that writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use cli::arguments::common::{self, Confine};
use cli::print;
use cli::program::exit_code;
use cli::workspace::{current_folder, open};
use keys::reason::listed;
use protocol::{Input, Job};
use runner::coherence::unfit;
use runner::program_name::PROGRAM;
use runner::workspace::Access;
use runner::{Workspace, program};
use serde::Serialize;

/// The program, as `crate/binary`.
pub(crate) const BINARY: &str = "figures/figures";

/// The stage that draws the figures, and its output.
const REPORT: (&str, &str) = ("report", "figures");

/// Formats of files.
const FORMATS: [&str; 3] = ["pdf", "png", "svg"];

/// Write the report's figures as files for papers and slides
#[derive(Debug, Args)]
#[command(after_help = format!("\
A file has the name of the figure in the report: the page's `#figure-umap-classes` is umap-classes.pdf.
Text has the same font on each machine. PDF and SVG have it as outlines; SVG with text as text, for
editing, is in the output `figures` of stage `report`.

Examples:
  {PROGRAM} figures
  {PROGRAM} figures --format pdf --out paper/figures
  {PROGRAM} figures --format png --scale 6.25       600 dpi
  {PROGRAM} figures --json"))]
pub(crate) struct Figures {
    /// Folder of the files
    #[arg(long, value_name = "DIR", default_value = "figures")]
    out: PathBuf,
    /// Formats, separated by commas: pdf, png, svg
    #[arg(long, value_name = "FORMAT", value_delimiter = ',', value_parser = format, default_value = "pdf,png,svg", hide_default_value = true)]
    format: Vec<String>,
    /// Pixels of PNG for each of the figure's units, of which 96 are an inch; 3.125 is 300 dpi
    #[arg(long, value_name = "N", value_parser = scale, default_value = "3.125")]
    scale: f64,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    params: common::Params,
    #[command(flatten)]
    confine: Confine,
}

fn format(text: &str) -> Result<String, String> {
    let hint = nearest_name::hint(text, FORMATS);
    let is_known = FORMATS.contains(&text);
    { is_known.then(|| text.to_owned()) }.ok_or_else(|| format!("unknown format{hint}"))
}

fn scale(text: &str) -> Result<f64, String> {
    let scale = text.parse::<f64>().ok();
    let scale = scale.filter(|scale| (0.1..=100.0).contains(scale));
    scale.ok_or_else(|| "expected a number from 0.1 to 100".to_owned())
}

/// Parameters of the program.
#[derive(Serialize)]
struct Params<'a> {
    figures: &'a Path,
    folder: &'a Path,
    out_argument: String,
    formats: BTreeSet<&'a str>,
    scale: f64,
    json: bool,
}

/// Writes the figures; the exit code is the program's own.
pub(crate) fn figures(arguments: &Figures) -> anyhow::Result<ExitCode> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    let (stage, output) = REPORT;
    let figures = workspace.made(stage, output)?;
    let figures =
        figures.with_context(|| format!("no figures yet: run `{PROGRAM} repro {stage}`"))?;
    let folder = folder(&workspace, &current_folder()?, &arguments.out)?;
    warn_of_changes(&mut workspace)?;
    let params = Params {
        figures: &figures,
        folder: &folder,
        out_argument: arguments.out.display().to_string(),
        formats: arguments.format.iter().map(String::as_str).collect(),
        scale: arguments.scale,
        json: arguments.json,
    };
    let job = Job {
        inputs: BTreeMap::from([(output.to_owned(), Input::One(figures.clone()))]),
        outputs: BTreeMap::from([("files".to_owned(), folder.join("NAME.FORMAT"))]),
        params: serde_json::to_value(params)?,
        scratch: PathBuf::new(),
        stage: "figures".to_owned(),
    };
    let sandbox = arguments.confine.sandbox();
    let status = program::run(&mut workspace, BINARY, None, &job, sandbox)?;
    Ok(exit_code(status))
}

/// Makes the folder of the files and returns its path without links and `..`. A folder in an output of a stage is
/// refused before anything is made: its files may be the cache's.
fn folder(workspace: &Workspace, here: &Path, out: &Path) -> anyhow::Result<PathBuf> {
    let folder = resolved(&here.join(out))?;
    refuse_outputs(workspace, &folder, out)?;
    let made = fs_err::create_dir_all(&folder);
    made.with_context(|| {
        let out = out.display();
        format!("cannot write to `{out}`: choose another folder by `--out`")
    })?;
    Ok(folder)
}

/// The path without links, `.` and `..`. In the part that doesn't exist, `..` removes the name before it.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let mut resolved = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                resolved.pop();
            }
            part => {
                resolved.push(part);
                if resolved.exists() {
                    resolved = fs_err::canonicalize(&resolved)?;
                }
            }
        }
    }
    Ok(resolved)
}

fn refuse_outputs(workspace: &Workspace, folder: &Path, out: &Path) -> anyhow::Result<()> {
    let root = &workspace.workflow.root;
    for instance in &workspace.workflow.graph.instances {
        for output in instance.outputs.values() {
            if folder.starts_with(resolved(&root.join(&output.path))?) {
                bail!(
                    "`{}` is in an output of stage `{}`: choose another folder by `--out`",
                    out.display(),
                    instance.name
                );
            }
        }
    }
    Ok(())
}

/// Warns where the report in place is not the one of these parameters.
fn warn_of_changes(workspace: &mut Workspace) -> anyhow::Result<()> {
    let (stage, _) = REPORT;
    if let Some(first) = unfit(workspace, &[stage])?.first() {
        print::warning(&format!(
            "the report in place was made otherwise ({}: {}); `{PROGRAM} repro {stage}` makes it anew",
            first.stage,
            listed(&first.reasons)
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_formats_name_the_nearest() {
        assert_eq!(format("pdf").unwrap(), "pdf");
        assert_eq!(
            format("pgn").unwrap_err(),
            "unknown format; did you mean `png`?"
        );
        assert_eq!(
            format("webp").unwrap_err(),
            "unknown format; expected one of `pdf`, `png`, `svg`"
        );
    }

    #[test]
    fn paths_are_resolved_in_absent_folders_too() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs_err::canonicalize(folder.path()).unwrap();
        fs_err::create_dir_all(root.join("a/b")).unwrap();
        for (path, expected) in [
            ("a/b", "a/b"),
            ("new/../a/./b/c", "a/b/c"),
            ("a/../new/more/../b", "new/b"),
        ] {
            let found = resolved(&root.join(path)).unwrap();
            assert_eq!(found, root.join(expected), "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_parent_of_a_link_is_that_of_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs_err::canonicalize(folder.path()).unwrap();
        fs_err::create_dir_all(root.join("a/b")).unwrap();
        std::os::unix::fs::symlink("a/b", root.join("link")).unwrap();
        let found = resolved(&root.join("link/../c")).unwrap();
        assert_eq!(found, root.join("a/c"));
    }

    #[test]
    fn scales_are_positive_and_bounded() {
        assert!((scale("3.125").unwrap() - 3.125).abs() < f64::EPSILON);
        for wrong in ["0", "-1", "NaN", "inf", "1e9", "x"] {
            assert!(scale(wrong).is_err(), "{wrong}");
        }
    }
}
