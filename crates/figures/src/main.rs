//! Files of the report's figures: `cargo xtask figures` starts this program with a job file, as a stage is started, but
//! nothing of it is recorded.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use figures::{Figure, Format, UNITS_PER_INCH};
use protocol::{Job, Part};
use serde::{Deserialize, Serialize};

/// The request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// The report's folder of SVG files, absolute.
    figures: PathBuf,
    /// The folder to write to, absolute.
    folder: PathBuf,
    /// The argument of `--out`, for messages.
    out_argument: String,
    formats: BTreeSet<Format>,
    /// Pixels of a unit, of PNG.
    scale: f32,
    /// One JSON document in place of text.
    json: bool,
}

/// The JSON document.
#[derive(Serialize)]
struct Document {
    folder: PathBuf,
    scale: f32,
    figures: Vec<Entry>,
}

/// A figure with its files.
#[derive(Serialize)]
struct Entry {
    name: String,
    title: String,
    width: f32,
    height: f32,
    files: Vec<String>,
    missing: BTreeSet<char>,
    clipped: Vec<String>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let request = Request::read()?;
    let mut figures = Vec::new();
    for path in svg_files(&request.figures)? {
        let entry = convert(&request, &path);
        figures.push(entry.with_context(|| format!("cannot convert `{}`", path.display()))?);
    }
    for entry in &figures {
        warn(&request, entry);
    }
    let document = Document {
        folder: request.folder.clone(),
        scale: request.scale,
        figures,
    };
    print(&if request.json {
        serde_json::to_string_pretty(&document)? + "\n"
    } else {
        text(&request, document.figures.len())
    })
}

impl Request {
    fn read() -> anyhow::Result<Self> {
        let arguments: Vec<String> = std::env::args().collect();
        let job = Job::of_arguments(&arguments)?;
        Ok(job.read(Part::Parameter)?)
    }
}

/// SVG files in a folder, by name.
fn svg_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "svg") {
            files.push(path);
        }
    }
    ensure!(
        !files.is_empty(),
        "the report has no figure: `{}` is empty",
        folder.display()
    );
    files.sort();
    Ok(files)
}

/// Writes the files of a figure.
fn convert(request: &Request, path: &Path) -> anyhow::Result<Entry> {
    let figure = Figure::read(&fs_err::read_to_string(path)?)?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut files = Vec::new();
    for format in &request.formats {
        let file = format!("{name}.{}", format.extension());
        let bytes = format.file(&figure, request.scale)?;
        let written = write(&request.folder.join(&file), &bytes);
        written.context("cannot write it; `--out DIR` names another folder")?;
        files.push(file);
    }
    let [width, height] = figure.size();
    Ok(Entry {
        name: name.into_owned(),
        title: figure.title().to_owned(),
        width,
        height,
        files,
        missing: figure.missing().clone(),
        clipped: figure.clipped().to_vec(),
    })
}

/// Writes a file under a temporary name beside `path` and renames it: a symbolic link at `path` is replaced, and its
/// target stays as it is.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.tmp-{}", std::process::id()));
    let written = fs_err::write(&temporary, bytes).and_then(|()| fs_err::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs_err::remove_file(&temporary);
    }
    written
}

/// Warns of text that the figure's files don't show.
fn warn(request: &Request, entry: &Entry) {
    let name = &entry.name;
    if !entry.missing.is_empty() {
        let missing: Vec<String> = entry.missing.iter().map(char::to_string).collect();
        let report = request.figures.join(format!("{name}.svg"));
        eprintln!(
            "warning: the figures' font has no `{}`, of `{name}`: a box is in its place; the report's own `{}` has it as text",
            missing.join("`, `"),
            report.display(),
        );
    }
    if !entry.clipped.is_empty() {
        eprintln!(
            "warning: an edge of `{name}` cuts off `{}`",
            entry.clipped.join("`, `")
        );
    }
}

/// The result in a line.
fn text(request: &Request, n_figures: usize) -> String {
    let formats = request.formats.iter().map(|format| match format {
        Format::Png => format!("PNG at {:.0} dpi", request.scale * UNITS_PER_INCH),
        Format::Pdf => "PDF".to_owned(),
        Format::Svg => "SVG".to_owned(),
    });
    let formats: Vec<String> = formats.collect();
    let figures = if n_figures == 1 { "figure" } else { "figures" };
    format!(
        "{n_figures} {figures} in `{}`: {}\n",
        request.out_argument,
        formats.join(", ")
    )
}

/// Prints to standard output; a closed pipe is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
