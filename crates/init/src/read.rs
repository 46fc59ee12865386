//! Reading: the files of the folder, tables beside it, and pretrained weights.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use collection::{FileFault, FolderScan, ImageFacts};
use fs_err::File;
use images::{Limits, Orient};
use serde_json::Value;

use crate::columns::Cells;
use crate::plan::Weights;

/// Images that are decoded between two reports of progress.
const BLOCK: usize = 256;

/// A result of reading each file, by path.
pub(crate) type Results = BTreeMap<String, Result<ImageFacts, FileFault>>;

/// Decodes every file of `found` that `known` doesn't have, as stage `decode` does.
pub(crate) fn images(root: &Path, found: &FolderScan, limits: Limits, known: &mut Results) {
    let new: Vec<&str> = { found.files.iter() }
        .filter(|path| !known.contains_key(*path))
        .map(String::as_str)
        .collect();
    let mut progress = Progress::new(new.len());
    for block in new.chunks(BLOCK) {
        let results = collection::read(root, block, limits, Orient::Upright);
        let paths = block.iter().map(|&path| path.to_owned());
        known.extend(paths.zip(results));
        progress.advance(block.len());
    }
}

/// A line on standard error, once reading takes longer than two seconds: redrawn in a terminal, else every ten seconds.
struct Progress {
    total: usize,
    done: usize,
    started: Instant,
    shown: Option<Instant>,
    is_terminal: bool,
}

impl Progress {
    fn new(total: usize) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self {
            total,
            done: 0,
            started: Instant::now(),
            shown: None,
            is_terminal,
        }
    }

    fn advance(&mut self, n: usize) {
        self.done += n;
        let interval = Duration::from_secs(if self.is_terminal { 1 } else { 10 });
        let since = self
            .shown
            .unwrap_or(self.started + Duration::from_secs(2))
            .elapsed();
        if self.started.elapsed() < Duration::from_secs(2)
            || (self.shown.is_some() && since < interval)
        {
            return;
        }
        self.shown = Some(Instant::now());
        let elapsed = self.started.elapsed().as_secs_f64();
        let left = elapsed / self.done as f64 * (self.total - self.done) as f64;
        let line = format!(
            "{} of {} files read, about {left:.0} s left",
            self.done, self.total
        );
        let (start, end) = if self.is_terminal {
            ("\r\u{1b}[K", "")
        } else {
            ("", "\n")
        };
        // Progress is no reason to fail.
        let _ = write!(std::io::stderr(), "{start}{line}{end}");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_terminal && self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}

/// The cells of a CSV, TSV or parquet file; none of a file that is no table.
pub(crate) fn cells(path: &Path) -> Option<Cells> {
    let (columns, rows) = collection::read_cells(path).ok()?;
    Some(Cells { columns, rows })
}

/// Largest header of a safetensors file that is read.
const MAX_HEADER: u64 = 64 << 20;

/// Depth of the ResNet of a file of weights: by the tensors of a safetensors file, by the name of others.
///
/// # Errors
/// The file cannot be read, or is of no ResNet.
pub(crate) fn depth(path: &Path) -> anyhow::Result<u32> {
    let is_safetensors = path
        .extension()
        .is_some_and(|extension| extension == "safetensors");
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    if !is_safetensors {
        let digits = name
            .split_once("resnet")
            .map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()));
        let depth = digits.and_then(|mut digits| digits.next()?.parse().ok());
        return depth
            .filter(|depth| DEPTHS.contains(depth))
            .context("its name has no `resnet18`, `resnet50`, …");
    }
    let mut file = File::open(path)?;
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    anyhow::ensure!(length <= MAX_HEADER, "no safetensors file");
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header)?;
    let header: BTreeMap<String, Value> =
        serde_json::from_slice(&header).context("no safetensors file")?;
    depth_of(header.keys().map(String::as_str))
        .context("no ResNet: it lacks `layer3.0.conv1.weight`")
}

/// Depths with published weights.
const DEPTHS: [u32; 5] = [18, 34, 50, 101, 152];

/// The depth by names of tensors, with any prefix.
fn depth_of<'a>(names: impl Iterator<Item = &'a str>) -> Option<u32> {
    let (mut blocks, mut is_bottleneck) = (0, false);
    for name in names {
        let Some((_, rest)) = name.split_once("layer3.") else {
            continue;
        };
        let Some((block, tensor)) = rest.split_once('.') else {
            continue;
        };
        blocks = blocks.max(block.parse::<u32>().ok()? + 1);
        is_bottleneck |= tensor == "conv3.weight";
    }
    match (blocks, is_bottleneck) {
        (2, false) => Some(18),
        (6, false) => Some(34),
        (6, true) => Some(50),
        (23, true) => Some(101),
        (36, true) => Some(152),
        _ => None,
    }
}

/// The weights to use: the smallest network on a processor, ResNet-50 on a GPU; the reasons against the other files.
pub(crate) fn choose_weights(
    files: &[(String, std::path::PathBuf)],
    is_gpu: bool,
) -> (Option<Weights>, Vec<String>) {
    let (mut usable, mut refused) = (Vec::new(), Vec::new());
    for (setting, path) in files {
        match depth(path) {
            Ok(depth) => usable.push(Weights {
                path: setting.clone(),
                depth,
            }),
            Err(error) => refused.push(format!("`{setting}`: {error:#}")),
        }
    }
    let wanted = if is_gpu { 50 } else { 18 };
    // The name that torchvision's weights have comes before variants of it.
    usable.sort_by_key(|weights| {
        (
            weights.depth.abs_diff(wanted),
            weights.path.len(),
            weights.path.clone(),
        )
    });
    (usable.into_iter().next(), refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_is_read_from_names_of_tensors() {
        let names = |prefix: &str, blocks: u32, last: &str| {
            let blocks = (0..blocks).map(|block| format!("{prefix}layer3.{block}.{last}.weight"));
            blocks.chain(["fc.weight".to_owned()]).collect::<Vec<_>>()
        };
        let depth = |names: Vec<String>| depth_of(names.iter().map(String::as_str));
        assert_eq!(depth(names("", 2, "conv2")), Some(18));
        assert_eq!(depth(names("module.", 6, "conv2")), Some(34));
        assert_eq!(depth(names("model.backbone.", 6, "conv3")), Some(50));
        assert_eq!(depth(names("", 3, "conv2")), None);
        assert_eq!(depth(Vec::new()), None);
    }

    #[test]
    fn weights_are_chosen_for_the_device() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            fs_err::write(&path, b"x").unwrap();
            (format!("data/weights/{name}"), path)
        };
        let files = [
            file("resnet50.pth"),
            file("resnet18-own.pth"),
            file("resnet18.pth"),
            file("vgg16.pth"),
        ];
        let chosen = |is_gpu| choose_weights(&files, is_gpu);
        let (weights, refused) = chosen(false);
        assert_eq!(weights.unwrap().path, "data/weights/resnet18.pth");
        assert_eq!(
            refused,
            ["`data/weights/vgg16.pth`: its name has no `resnet18`, `resnet50`, …"]
        );
        assert_eq!(chosen(true).0.unwrap().depth, 50);
        fs_err::write(folder.path().join("bad.safetensors"), [255; 9]).unwrap();
        assert!(depth(&folder.path().join("bad.safetensors")).is_err());
    }
}
