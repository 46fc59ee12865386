//! Parameters for a folder of images: the job file of the program that reads it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use cli::arguments::common::{self, Confine};
use cli::program::exit_code;
use cli::workspace::{current_folder, open};
use protocol::Job;
use runner::program_name::PROGRAM;
use runner::workspace::{Access, Workspace};
use runner::{accelerator, program};
use serde::Serialize;
use serde_json::Value;
use workflow::device::Device;
use workflow::params;

use crate::catalog;

/// The program.
pub(crate) const RUN: &str = "init/init";

/// The folder of files of parameters, in the workspace.
const PARAMS: &str = "params";

/// Extensions of images, to recognize a folder of them by its names.
const IMAGES: [&str; 9] = [
    "jpg", "jpeg", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff",
];

/// Extensions of tables.
const TABLES: [&str; 3] = ["csv", "tsv", "parquet"];

/// Extensions of weights.
const WEIGHT_FILES: [&str; 4] = ["safetensors", "pth", "pt", "bin"];

/// Ends of names of archives.
const ARCHIVES: [&str; 6] = [".zip", ".tar", ".tgz", ".gz", ".7z", ".rar"];

/// Entries of a folder, and folders of its parent, that are looked at for a hint.
const SHORT_LOOK: usize = 200;

/// Write parameters that fit a folder of images
#[derive(Debug, Args)]
#[command(after_help = format!("\
Reads the folder, prints its classes, authors, split and problems, and writes settings for it
to params/NAME.toml, each with its reason. A file that is there is compared and left as it is.
Fields of --json: folder, images, classes, formats, short_sides, bytes, authors, refused, split,
problems, ignored, left_out, weights, machine, settings (key, value, reason), undecided, remarks,
estimate (seconds), file, written, changes (has_record, folder, settings), next.

Examples:
  {PROGRAM} init ~/photos/birds
  {PROGRAM} init data/skin --name skin --minutes 60
  {PROGRAM} init ~/photos/birds --weights ~/models/resnet50.pth
  {PROGRAM} init ~/photos/birds --dry-run --json"))]
pub(crate) struct Init {
    /// Folder with a folder of images for each class
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Name of the file of parameters, params/NAME.toml; by default after the folder
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Pretrained weights of a ResNet, in place of those in data/weights
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Minutes that the study may take on this machine
    #[arg(long, value_name = "N", value_parser = minutes)]
    minutes: Option<f64>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Print the settings; write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    confine: Confine,
}

/// A number of minutes from one to a month.
fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse::<f64>().ok();
    let minutes = minutes.filter(|minutes| (1.0..=43_200.0).contains(minutes));
    minutes.ok_or_else(|| "expected minutes, from 1 to 43200".to_owned())
}

/// Parameters of the program.
#[derive(Serialize)]
struct Params<'a> {
    folder: String,
    typed: String,
    setting: String,
    name: Option<&'a str>,
    params: String,
    beside: Vec<Named>,
    around: Around,
    weights: Vec<Named>,
    device: &'static str,
    cores: usize,
    minutes: Option<f64>,
    json: bool,
    dry_run: bool,
    defaults: Value,
}

/// A file with the text that parameters have for it.
#[derive(Serialize)]
struct Named {
    path: String,
    setting: String,
}

/// Surroundings of the folder.
#[derive(Serialize)]
struct Around {
    folders_with_images: usize,
}

/// Reads a folder and writes parameters; the exit code is the program's own.
pub(crate) fn init(arguments: &Init) -> anyhow::Result<ExitCode> {
    let here = current_folder()?;
    let folder = folder(&here, &arguments.folder)?;
    let mut workspace = open(&common::Params::default(), Access::Write)?;
    let job = job(&workspace, &here, &folder, arguments)?;
    let status = program::run(&mut workspace, RUN, None, &job, arguments.confine.sandbox())?;
    Ok(exit_code(status))
}

/// The absolute path of a folder that is there and can be read.
fn folder(here: &Path, typed: &Path) -> anyhow::Result<PathBuf> {
    let shown = typed.display();
    let path = here.join(typed);
    if let Err(error) = fs_err::metadata(&path) {
        if error.kind() == std::io::ErrorKind::NotFound {
            bail!("`{shown}` is not there{}", hint(&path, typed));
        }
        return Err(error.into());
    }
    if path.is_file() {
        let name = typed.to_string_lossy().to_lowercase();
        let is_archive = ARCHIVES.iter().any(|end| name.ends_with(end));
        let cure = if is_archive {
            ": unpack it, and name the folder that comes out"
        } else {
            ": expected a folder with a folder of images for each class"
        };
        bail!("`{shown}` is a file{cure}");
    }
    fs_err::read_dir(&path).with_context(|| format!("cannot read `{shown}`"))?;
    Ok(fs_err::canonicalize(&path)?)
}

/// The nearest name in the deepest folder on the way that is there.
fn hint(path: &Path, typed: &Path) -> String {
    if typed.starts_with("~") {
        return "; a shell replaces `~` by the home folder only outside of quotes".to_owned();
    }
    let mut missing = path;
    while let Some(parent) = missing.parent() {
        if parent.is_dir() {
            let name = missing.file_name().unwrap_or_default().to_string_lossy();
            let entries = fs_err::read_dir(parent).into_iter().flatten().flatten();
            let folders = entries.filter(|entry| entry.path().is_dir());
            let names: Vec<String> = { folders.take(10 * SHORT_LOOK) }
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect();
            let hint = nearest_name::hint(&name, names.iter().map(String::as_str));
            return match hint.is_empty() {
                true => String::new(),
                false => format!(" (`{}` has no `{name}`{hint})", parent.display()),
            };
        }
        missing = parent;
    }
    String::new()
}

fn job(workspace: &Workspace, here: &Path, folder: &Path, arguments: &Init) -> anyhow::Result<Job> {
    let root = fs_err::canonicalize(&workspace.workflow.root)?;
    let weights = match &arguments.weights {
        Some(path) => {
            let path = fs_err::canonicalize(here.join(path));
            vec![path.with_context(|| "cannot use `--weights`")?]
        }
        None => files(&root.join(catalog::FOLDER), &WEIGHT_FILES),
    };
    let parent = folder.parent();
    let beside = parent
        .map(|parent| files(parent, &TABLES))
        .unwrap_or_default();
    let all = |paths: &[PathBuf]| {
        let named = paths.iter().map(|path| Named::inside(&root, path));
        named.collect::<anyhow::Result<Vec<_>>>()
    };
    let defaults = params::read_toml(&workspace.workflow.root.join(params::FILE), params::FILE)?;
    let device = device(&defaults)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let params = root.join(PARAMS);
    if !arguments.dry_run {
        fs_err::create_dir_all(&params)?;
    }
    let outputs = BTreeMap::from([("params".to_owned(), params.join("NAME.toml"))]);
    let Named { path, setting } = Named::inside(&root, folder)?;
    let params = Params {
        folder: path,
        typed: arguments.folder.display().to_string(),
        setting,
        name: arguments.name.as_deref(),
        params: text(&params)?,
        beside: all(&beside)?,
        around: Around {
            folders_with_images: parent.map_or(0, folders_with_images),
        },
        weights: all(&weights)?,
        device: device.name(),
        cores,
        minutes: arguments.minutes,
        json: arguments.json,
        dry_run: arguments.dry_run,
        defaults,
    };
    Ok(Job {
        inputs: BTreeMap::new(),
        outputs,
        params: serde_json::to_value(params)?,
        scratch: PathBuf::new(),
        stage: "init".to_owned(),
    })
}

/// The device that the default parameters ask for.
fn device(defaults: &Value) -> anyhow::Result<Device> {
    let setting = defaults.get("device").and_then(Value::as_str);
    let device = Device::resolve(setting.unwrap_or("auto"), accelerator::accelerator());
    Ok(device?)
}

impl Named {
    /// Parameters name a file in the workspace relative to `root`, so that the workspace can be moved.
    fn inside(root: &Path, path: &Path) -> anyhow::Result<Self> {
        let inside = path.strip_prefix(root).ok();
        let inside = inside.filter(|inside| !inside.as_os_str().is_empty());
        Ok(Named {
            path: text(path)?,
            setting: text(inside.unwrap_or(path))?,
        })
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.with_context(|| format!("`{}` is not UTF-8", path.display()))
}

/// Files directly in a folder that have one of these extensions, sorted.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = { entries.take(10 * SHORT_LOOK) }
        .map(|entry| entry.path())
        .filter(|path| has_extension(path, extensions) && path.is_file())
        .filter(|path| {
            !{ path.file_name().unwrap_or_default() }
                .to_string_lossy()
                .starts_with('.')
        })
        .collect();
    files.sort();
    files.truncate(20);
    files
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| extensions.contains(&extension.as_str()))
}

/// Number of folders directly in `parent` that hold images directly.
fn folders_with_images(parent: &Path) -> usize {
    let folders = fs_err::read_dir(parent).into_iter().flatten().flatten();
    let folders = folders.take(SHORT_LOOK).map(|entry| entry.path());
    let has_image = |folder: &PathBuf| {
        let mut entries = fs_err::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .take(SHORT_LOOK);
        entries.any(|entry| has_extension(&entry.path(), &IMAGES))
    };
    folders
        .filter(|path| path.is_dir())
        .filter(has_image)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_names_the_nearest() {
        let parent = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(parent.path().join("paintings/images")).unwrap();
        let error = |typed: &str| {
            folder(parent.path(), Path::new(typed))
                .unwrap_err()
                .to_string()
        };
        let expected = format!(
            "`painting/images` is not there (`{}` has no `painting`; did you mean `paintings`?)",
            parent.path().display()
        );
        assert_eq!(error("painting/images"), expected);
        assert!(error("~/x").contains("outside of quotes"));
        fs_err::write(parent.path().join("a.zip"), "").unwrap();
        assert!(error("a.zip").contains("`a.zip` is a file: unpack it"));
        assert!(
            folder(parent.path(), Path::new("paintings/../paintings"))
                .unwrap()
                .ends_with("paintings")
        );
    }

    #[test]
    fn folders_with_images_are_counted() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["cat/1.JPG", "dog/2.png", "notes/x.txt", "deep/inner/3.png"] {
            let path = parent.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "").unwrap();
        }
        assert_eq!(folders_with_images(parent.path()), 2);
    }
}
