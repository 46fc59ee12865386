//! Pretrained weights: the catalog, and files fetched from it.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use cli::arguments::common::Params;
use cli::print;
use cli::table::{NONE, table};
use cli::workspace::{open, root};
use indicatif::{ProgressBar, ProgressStyle};
use ledger::fetch::{Arrival, Fetched, Received, Wanted, fetch};
use ledger::sources::SourceState;
use runner::program_name::PROGRAM;
use runner::workspace::Access;
use serde_json::json;

use crate::catalog::{self, Catalog};

/// Bytes at the beginning of a file that mark its format.
const BEGIN: usize = 64;

/// Characters of a wrong file that a message shows.
const SHOWN: usize = 40;

/// List pretrained weights, and fetch them
#[derive(Debug, Args)]
#[command(after_help = format!("\
The catalog is `weights.toml`. A file goes to data/weights, is checked by its SHA-256 and noted in
sources.lock; a download that broke off is continued by the same command.

Examples:
  {PROGRAM} weights
  {PROGRAM} weights get resnet18
  {PROGRAM} weights get hf:timm/convnext_tiny.fb_in22k
  {PROGRAM} weights get hf:microsoft/resnet-50/model.safetensors@main"))]
pub(crate) struct Weights {
    #[command(subcommand)]
    command: Option<Command>,
}

/// Pretrained weights.
#[derive(Debug, Subcommand)]
enum Command {
    /// List the catalog
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Fetch a file of weights into data/weights
    Get {
        /// Name in the catalog, or hf:OWNER/NAME of the Hugging Face hub, with /FILE and @REVISION behind it where needed
        name: String,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(arguments: &Weights) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        None => list(false)?,
        Some(Command::List { json }) => list(*json)?,
        Some(Command::Get { name, json }) => get(name, *json)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Lists the catalog.
fn list(is_json: bool) -> anyhow::Result<()> {
    let mut workspace = open(&Params::default(), Access::Read)?;
    let catalog = Catalog::load(&workspace.workflow.root)?;
    let noted = workspace.sources().states()?;
    let state = |path: &str| match noted.iter().find(|(noted, _)| noted == path) {
        Some((_, SourceState::Unchanged)) => "here",
        Some((_, SourceState::Changed)) => "changed",
        Some((_, SourceState::Missing)) => "noted",
        None if workspace.workflow.root.join(path).exists() => "not checked",
        None => NONE,
    };
    if is_json {
        let entries = catalog.by_depth().into_iter().map(|(name, entry)| {
            let path = entry.path(name)?;
            Ok(json!({ "name": name, "path": path, "state": state(&path), "entry": entry }))
        });
        return print::json(&entries.collect::<anyhow::Result<Vec<_>>>()?);
    }
    let header = [
        "name",
        "resnet",
        "publisher",
        "training",
        "license",
        "preprocessing",
        "state",
    ];
    let mut rows = Vec::new();
    for (name, entry) in catalog.by_depth() {
        rows.push(vec![
            name.to_owned(),
            entry.resnet.to_string(),
            entry.publisher.clone(),
            entry.training.clone(),
            entry.license.clone(),
            entry.preprocessing.to_string(),
            state(&entry.path(name)?).to_owned(),
        ]);
    }
    print::text(&table(&header.map(str::to_owned), &rows))?;
    print::text(&format!(
        "\nfetch one: {PROGRAM} weights get NAME; any other of the Hugging Face hub: \
         {PROGRAM} weights get hf:OWNER/NAME\n",
    ))
}

/// Fetches a file of weights.
fn get(name: &str, is_json: bool) -> anyhow::Result<()> {
    // The catalog comes first, so that a wrong name is reported before anything else.
    let file = catalog::find(&root()?, name)?;
    let mut workspace = open(&Params::default(), Access::Write)?;
    let wanted = Wanted {
        from: &file.url,
        path: Path::new(&file.path),
        sha256: file.sha256.as_deref(),
    };
    let bar = Bar::new(&file.path);
    let fetched = fetch(
        &mut workspace.sources(),
        &wanted,
        &check_format,
        &mut |received| bar.set(received),
    );
    bar.0.finish_and_clear();
    let fetched = fetched.map_err(|error| anyhow::anyhow!("{error}{}", by_hand(name, &file)))?;
    if is_json {
        let settings: serde_json::Map<_, _> = { file.settings().into_iter() }.collect();
        return print::json(&json!({
            "name": name,
            "url": file.url,
            "file": fetched,
            "settings": settings,
        }));
    }
    print::text(&report(&fetched, &file))
}

/// The cure where a download fails.
fn by_hand(name: &str, file: &catalog::File) -> String {
    format!(
        "\nwithout a connection: fetch {} on another machine, put it at `{}` and run `{PROGRAM} weights get {name}` \
         again, which checks and notes it; or use any file by `--set model.weights=PATH`",
        file.url, file.path
    )
}

fn report(fetched: &Fetched, file: &catalog::File) -> String {
    let arrival = match fetched.arrival {
        Arrival::Present => "was there",
        Arrival::Restored => "restored from the cache",
        Arrival::Downloaded => "downloaded",
    };
    let megabytes = fetched.bytes as f64 / 1e6;
    let sha256 = if fetched.is_verified {
        "as expected"
    } else {
        "noted in sources.lock, by which later downloads are checked; none was known before"
    };
    let mut text = format!(
        "{}: {megabytes:.1} MB, {arrival}\nSHA-256 {} ({sha256})\n",
        fetched.path, fetched.sha256
    );
    if let Some(license) = &file.license {
        text.push_str(&format!("license: {license}\n"));
    }
    if let Some(preprocessing) = &file.preprocessing {
        text.push_str(&format!(
            "evaluated by its publisher with: {preprocessing}\n"
        ));
    }
    let lines: Vec<String> = { file.settings().into_iter() }
        .map(|(key, value)| format!("{key} = {value}\n"))
        .collect();
    text.push_str(&format!(
        "\nto be set in a file of parameters:\n\n{}",
        lines.concat()
    ));
    text
}

/// Refuses a server's response that is no file of weights.
fn check_format(path: &Path) -> Result<(), String> {
    let mut begin = Vec::new();
    let read =
        fs_err::File::open(path).and_then(|file| file.take(BEGIN as u64).read_to_end(&mut begin));
    read.map_err(|error| error.to_string())?;
    let is_archive = begin.starts_with(b"PK\x03\x04");
    let is_pickle = matches!(begin.as_slice(), [0x80, 2..=5, ..]);
    let is_safetensors = begin.get(8) == Some(&b'{');
    if is_archive || is_pickle || is_safetensors {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&begin);
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let shown: String = plain.take(SHOWN).collect();
    Err(format!(
        "is no file of weights: it begins with `{}`, and neither as safetensors nor as PyTorch's",
        shown.trim()
    ))
}

/// A progress bar on a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(path: &str) -> Self {
        let bar = ProgressBar::no_length().with_message(path.to_owned());
        let style = "{msg}  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
        Self(match ProgressStyle::with_template(style) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }

    fn set(&self, received: Received) {
        if let Some(total) = received.total {
            self.0.set_length(total);
        }
        self.0.set_position(received.bytes);
    }
}
