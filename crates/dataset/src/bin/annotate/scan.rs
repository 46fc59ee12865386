//! Finds the files of a folder of classes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tables::problem::Problem;

/// What other programs leave in folders.
const LITTER: [&str; 2] = ["Thumbs.db", "desktop.ini"];

/// What a folder holds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The lower-cased names of the class folders.
    pub(crate) labels: BTreeSet<String>,
    /// Files in class folders.
    pub(crate) candidates: Vec<Candidate>,
    /// What can be no picture.
    pub(crate) problems: Vec<Problem>,
}

/// A file that may be a picture.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// Relative to the folder, with `/`.
    pub(crate) path: String,
    /// Its class.
    pub(crate) label: String,
}

/// Walks the class folders directly under `root`, and all folders under these.
pub(crate) fn scan(root: &Path) -> anyhow::Result<Found> {
    let mut scan = Scan {
        root: fs_err::canonicalize(root).context("cannot open the folder of images")?,
        found: Found::default(),
    };
    for entry in scan.entries("")? {
        match entry.kind {
            Kind::Folder => {
                let label = entry.name.to_lowercase();
                scan.found.labels.insert(label.clone());
                scan.folder(&entry.path, &label)?;
            }
            Kind::File => scan.problem(
                entry.path,
                "outside-classes",
                "a file beside the class folders".to_owned(),
            ),
            Kind::Other(reason, detail) => scan.problem(entry.path, reason, detail),
        }
    }
    scan.found.candidates.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(scan.found)
}

struct Scan {
    root: PathBuf,
    found: Found,
}

struct Entry {
    path: String,
    name: String,
    kind: Kind,
}

enum Kind {
    Folder,
    File,
    /// Reason and detail of a problem.
    Other(&'static str, String),
}

impl Scan {
    fn folder(&mut self, path: &str, label: &str) -> anyhow::Result<()> {
        for entry in self.entries(path)? {
            match entry.kind {
                Kind::Folder => self.folder(&entry.path, label)?,
                Kind::File => self.found.candidates.push(Candidate {
                    path: entry.path,
                    label: label.to_owned(),
                }),
                Kind::Other(reason, detail) => self.problem(entry.path, reason, detail),
            }
        }
        Ok(())
    }

    /// The entries of a folder by name, without hidden ones.
    fn entries(&mut self, folder: &str) -> anyhow::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs_err::read_dir(self.root.join(folder))? {
            let entry = entry?;
            let name = entry.file_name();
            let shown = name.to_string_lossy().into_owned();
            if shown.starts_with('.') || LITTER.contains(&shown.as_str()) {
                continue;
            }
            let path = if folder.is_empty() {
                shown.clone()
            } else {
                format!("{folder}/{shown}")
            };
            let kind = if name.to_str().is_some() {
                self.kind(&entry.path(), entry.file_type()?)
            } else {
                Kind::Other("unreadable-name", "the name isn't UTF-8".to_owned())
            };
            entries.push(Entry {
                path,
                name: shown,
                kind,
            });
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    /// A link counts as the file that it leads to, if that is in the folder. Links to folders are not followed, since
    /// they could lead in circles.
    fn kind(&self, path: &Path, file_type: std::fs::FileType) -> Kind {
        if file_type.is_dir() {
            Kind::Folder
        } else if file_type.is_file() {
            Kind::File
        } else if file_type.is_symlink() {
            match fs_err::canonicalize(path) {
                Err(error) => Kind::Other("link", format!("a link to nothing: {}", error.kind())),
                Ok(target) if !target.starts_with(&self.root) => {
                    Kind::Other("link", "a link that leaves the folder".to_owned())
                }
                Ok(target) if target.is_file() => Kind::File,
                Ok(_) => Kind::Other("link", "a link to a folder".to_owned()),
            }
        } else {
            Kind::Other("not-an-image", "neither a file nor a folder".to_owned())
        }
    }

    fn problem(&mut self, path: String, reason: &str, detail: String) {
        self.found.problems.push(Problem {
            path,
            reason: reason.to_owned(),
            detail,
        });
    }
}
