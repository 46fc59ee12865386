//! Limits of a stage in a sandbox: its declared files, and files that every program needs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use protocol::{Input, Job};
use sandbox::Limits;
use serde_json::Value;
use workflow::declaration::Action;

use crate::error::{Error, Result};
use crate::events::{Event, Events};

/// A folder may have so many links that lead to files elsewhere; of more, the folders of these files are opened.
const MAX_LINKS: usize = 256;

/// Confinement of stages to declared files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sandbox {
    /// Stages are confined where the system can do it.
    #[default]
    WherePossible,
    /// Stages are confined, and nothing runs where the system can't do it.
    Required,
    /// They reach everything.
    Off,
}

impl Sandbox {
    /// Ensures that the system has the required confinement.
    ///
    /// # Errors
    /// It hasn't.
    pub(crate) fn check(self) -> Result<()> {
        if self == Sandbox::Required && !sandbox::is_supported() {
            return Err(Error::NoSandbox);
        }
        Ok(())
    }

    /// Limits common to all stages of the workspace at `root`; none where stages are unconfined.
    pub(crate) fn common(self, root: &Path) -> Option<Limits> {
        if self == Sandbox::Off || !sandbox::is_supported() {
            return None;
        }
        make_cuda_cache();
        Some(Limits::system(root))
    }

    /// Reports that stages are unconfined, once in a workspace.
    pub(crate) fn report_unconfined(
        self,
        common: Option<&Limits>,
        root: &Path,
        events: &mut dyn Events,
    ) {
        let marker = ledger::own(root, "unconfined");
        if common.is_none() && self != Sandbox::Off && !marker.exists() {
            events.event(Event::Unconfined);
            // If this cannot be written, the next run reports it again.
            let _ = fs_err::write(
                marker,
                "It was said that nothing holds stages to what they declare here.\n",
            );
        }
    }
}

/// Makes the folder of kernels that CUDA's driver compiles, as the driver itself would: a missing folder cannot be
/// opened for it.
fn make_cuda_cache() {
    if Path::new("/dev/nvidiactl").exists()
        && std::env::var_os("CUDA_CACHE_PATH").is_none()
        && let Some(home) = std::env::var_os("HOME")
    {
        // Without it, kernels are compiled anew by each process.
        let _ = fs_err::create_dir_all(PathBuf::from(home).join(".nv/ComputeCache"));
    }
}

/// Declared files of a stage, as absolute paths.
pub(crate) struct Declared<'a> {
    /// The workspace, in whose root it starts.
    pub(crate) root: &'a Path,
    /// Its program.
    pub(crate) program: &'a Path,
    /// Its action.
    pub(crate) action: &'a Action<String>,
    /// Files and folders that it reads.
    pub(crate) inputs: Vec<PathBuf>,
    /// The folders that it works in.
    pub(crate) work: [&'a Path; 2],
    /// Outputs that it writes in their final places; true for those that a run continues.
    pub(crate) in_place: Vec<(PathBuf, bool)>,
}

impl Declared<'_> {
    /// The limits: these beside those `common` to all programs.
    pub(crate) fn limits(self, common: &Limits) -> Limits {
        let mut limits = common.clone();
        limits.read(self.program);
        for word in words(self.action) {
            limits.read_environment(self.root, &self.root.join(word));
        }
        for path in &self.inputs {
            limits.read(path);
            open_links(&mut limits, path);
            list_around(&mut limits, self.root, path);
        }
        self.work
            .into_iter()
            .for_each(|folder| limits.write(folder));
        for (path, is_kept) in self.in_place {
            open_in_place(&mut limits, self.root, &path);
            if is_kept {
                limits.write(path);
            }
        }
        limits
    }
}

/// The words of a command, without the shell's operators.
pub(crate) fn words(action: &Action<String>) -> impl Iterator<Item = &str> {
    let texts: &[String] = match action {
        Action::Run(_) => &[],
        Action::Command(texts) => texts,
    };
    let separates = |c: char| c.is_whitespace() || "'\"`;|&<>()=,".contains(c);
    let words = texts.iter().flat_map(move |text| text.split(separates));
    words.filter(|word| !word.is_empty())
}

/// Opens the folder of an output that is written in its final place: a file that doesn't exist yet can't be opened
/// itself. In the root lies everything, so it isn't opened to read.
fn open_in_place(limits: &mut Limits, root: &Path, path: &Path) {
    list_around(limits, root, path);
    match path.parent() {
        Some(folder) if folder != root => limits.write(folder),
        _ => limits.make(root),
    }
}

/// Allows to list the folder of a declared file: interpreters look there for modules of a script.
fn list_around(limits: &mut Limits, root: &Path, path: &Path) {
    let folder = path.parent().filter(|folder| folder.starts_with(root));
    folder.into_iter().for_each(|folder| limits.list(folder));
}

/// Opens the targets of symbolic links in a folder of inputs.
fn open_links(limits: &mut Limits, folder: &Path) {
    let mut targets = BTreeSet::new();
    find_links(folder, &mut targets);
    if targets.len() > MAX_LINKS {
        let folders = targets.iter().filter_map(|target| target.parent());
        targets = folders.map(Path::to_owned).collect();
    }
    targets.into_iter().for_each(|target| limits.read(target));
}

fn find_links(folder: &Path, targets: &mut BTreeSet<PathBuf>) {
    // A file has no entries, and an unreadable folder cannot be an input.
    for entry in fs_err::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => find_links(&entry.path(), targets),
            Ok(kind) if kind.is_symlink() => {
                if let Ok(target) = fs_err::canonicalize(entry.path())
                    && targets.insert(target.clone())
                {
                    find_links(&target, targets);
                }
            }
            _ => {}
        }
    }
}

/// Limits of a program that is no stage: the paths in its job file.
pub(crate) fn limits_of_job(common: &Limits, program: &Path, job: &Job, work: &Path) -> Limits {
    let mut limits = common.clone();
    limits.read(program);
    limits.write(work);
    let inputs = job.inputs.values().flat_map(Input::paths);
    let inputs = inputs.filter(|path| path.is_absolute()).cloned();
    for path in absolute_paths(&job.params).into_iter().chain(inputs) {
        open_links(&mut limits, &path);
        limits.read(path);
    }
    for path in job.outputs.values().filter(|path| path.is_absolute()) {
        if let Some(folder) = path.parent() {
            limits.make(folder);
            limits.list(folder);
        }
    }
    limits
}

/// Texts among parameters that are absolute paths.
fn absolute_paths(value: &Value) -> Vec<PathBuf> {
    match value {
        Value::String(text) if text.starts_with('/') => vec![PathBuf::from(text)],
        Value::Array(items) => items.iter().flat_map(absolute_paths).collect(),
        Value::Object(fields) => fields.values().flat_map(absolute_paths).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_in_a_folder_are_followed_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs_err::canonicalize(folder.path()).unwrap();
        for name in ["in/deep", "elsewhere"] {
            fs_err::create_dir_all(root.join(name)).unwrap();
        }
        for name in ["in/deep/file", "elsewhere/a", "b"] {
            fs_err::write(root.join(name), "").unwrap();
        }
        let link = |to: &str, at: &str| {
            std::os::unix::fs::symlink(root.join(to), root.join(at)).unwrap();
        };
        link("elsewhere", "in/deep/link");
        link("b", "elsewhere/b");
        link("elsewhere", "elsewhere/itself");
        let mut limits = Limits::default();
        open_links(&mut limits, &root.join("in"));
        for (name, is_open) in [("elsewhere/a", true), ("b", true), ("c", false)] {
            assert_eq!(limits.allow_read(&root.join(name)), is_open, "{name}");
        }
    }

    #[test]
    fn the_root_is_not_opened_for_an_output_in_it() {
        let root = Path::new("/study");
        let mut limits = Limits::default();
        open_in_place(&mut limits, root, &root.join("x.txt"));
        open_in_place(&mut limits, root, &root.join("made/y.txt"));
        assert!(!limits.allow_read(&root.join("x.txt")));
        assert!(limits.allow_write(&root.join("made/y.txt")));
    }

    #[test]
    fn a_program_is_limited_to_the_paths_of_its_job_file() {
        let job = serde_json::json!({
            "in": { "model": "/study/model", "none": null },
            "out": { "page": "/pages/index.html" },
            "params": { "files": ["/pictures/a.png"], "device": "cpu" },
            "scratch": "",
            "stage": "predict",
        });
        let job: Job = serde_json::from_value(job).unwrap();
        let limits = limits_of_job(
            &Limits::default(),
            Path::new("/bin/tool"),
            &job,
            Path::new("/work"),
        );
        for path in ["/pictures/a.png", "/study/model", "/bin/tool", "/work/x"] {
            assert!(limits.allow_read(Path::new(path)), "{path}");
        }
        assert!(!limits.allow_read(Path::new("/pages/other.html")));
    }
}
