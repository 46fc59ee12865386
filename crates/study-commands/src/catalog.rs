//! `weights.toml`: the weights that are known by name.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, bail};
use cli::workspace;
use runner::program_name::PROGRAM;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use workflow::params::read_toml;

use crate::hub::{Hub, PREFIX, is_plain};

/// The folder of files of weights, in the workspace.
pub(crate) const FOLDER: &str = "data/weights";

/// The catalog, in the workspace's root.
const FILE: &str = "weights.toml";

/// Digits of a SHA-256 in hexadecimal, and the number that distinguishes files.
const SHA256: std::ops::RangeInclusive<usize> = 8..=64;

/// The weights that are known by name.
pub(crate) struct Catalog {
    pub(crate) entries: BTreeMap<String, Entry>,
}

/// A file of pretrained weights.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Layers of the ResNet.
    pub(crate) resnet: u32,
    pub(crate) publisher: String,
    url: String,
    /// The first digits, at least.
    sha256: Option<String>,
    pub(crate) license: String,
    pub(crate) training: String,
    pub(crate) preprocessing: Preprocessing,
}

/// Preprocessing with which a publisher evaluates weights.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preprocessing {
    /// Size of the short side after resizing, in pixels.
    resize_px: u32,
    /// Side of the center crop, in pixels.
    crop_px: u32,
    interpolation: String,
}

impl fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} px, {}, resized to {} px",
            self.crop_px, self.interpolation, self.resize_px
        )
    }
}

/// A file to fetch, and its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) url: String,
    /// From the workspace root.
    pub(crate) path: String,
    pub(crate) sha256: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) preprocessing: Option<String>,
    /// Layers of the ResNet, where it is one and they are known.
    resnet: Option<u32>,
    /// Name of another frozen backbone.
    backbone: Option<String>,
}

impl File {
    /// The parameters that use it, by key and value.
    pub(crate) fn settings(&self) -> Vec<(String, Value)> {
        if let Some(backbone) = &self.backbone {
            return vec![("backbone-features.backbones".to_owned(), json!([backbone]))];
        }
        let weights = ("model.weights".to_owned(), json!(self.path));
        let resnet = self
            .resnet
            .map(|layers| ("model.resnet".to_owned(), json!(layers)));
        [weights].into_iter().chain(resnet).collect()
    }
}

impl Catalog {
    /// Reads the workspace's catalog.
    pub(crate) fn load(root: &Path) -> anyhow::Result<Self> {
        let path = root.join(FILE);
        if !path.is_file() {
            bail!(
                "cannot find the catalog of weights: `{FILE}` does not exist in `{}`",
                root.display()
            );
        }
        let value = read_toml(&path, FILE)?;
        let entries =
            serde_json::from_value(value).with_context(|| format!("cannot use `{FILE}`"))?;
        let catalog = Self { entries };
        for (name, entry) in &catalog.entries {
            entry.check(name)?;
        }
        Ok(catalog)
    }
}

impl Catalog {
    /// The entries by name, the shallowest networks first.
    pub(crate) fn by_depth(&self) -> Vec<(&str, &Entry)> {
        let entries = self.entries.iter();
        let mut entries: Vec<_> = entries
            .map(|(name, entry)| (name.as_str(), entry))
            .collect();
        entries.sort_by_key(|(_, entry)| entry.resnet);
        entries
    }
}

impl Entry {
    fn check(&self, name: &str) -> anyhow::Result<()> {
        if !is_plain(name) {
            bail!("`{name}` in `{FILE}` is no name: expected letters, digits, `.`, `-` and `_`");
        }
        let Some(sha256) = &self.sha256 else {
            return Ok(());
        };
        if !SHA256.contains(&sha256.len()) || !sha256.chars().all(|c| c.is_ascii_hexdigit()) {
            bail!("`{name}.sha256` in `{FILE}` is `{sha256}`: expected 8 to 64 hexadecimal digits");
        }
        Ok(())
    }

    /// Its place in the workspace.
    pub(crate) fn path(&self, name: &str) -> anyhow::Result<String> {
        let end = match self.url.strip_prefix(PREFIX) {
            Some(_) => Hub::parse(&self.url)?.file_end().to_owned(),
            None => end(&self.url).to_owned(),
        };
        Ok(format!("{FOLDER}/{name}.{end}"))
    }

    fn file(&self, name: &str) -> anyhow::Result<File> {
        let url = match self.url.strip_prefix(PREFIX) {
            Some(_) => Hub::parse(&self.url)?.url(),
            None => self.url.clone(),
        };
        Ok(File {
            url,
            path: self.path(name)?,
            sha256: self.sha256.clone(),
            license: Some(self.license.clone()),
            preprocessing: Some(self.preprocessing.to_string()),
            resnet: Some(self.resnet),
            backbone: None,
        })
    }
}

/// The end of a file's name, behind the last point of a URL's path.
fn end(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let name = path.rsplit('/').next().unwrap_or(path);
    let end = name.rsplit_once('.').map_or("pth", |(_, end)| end);
    if is_plain(end) { end } else { "pth" }
}

/// The file that `name`, of the catalog or of the hub, stands for.
pub(crate) fn find(root: &Path, name: &str) -> anyhow::Result<File> {
    if name.starts_with(PREFIX) {
        let hub = Hub::parse(name)?;
        let is_resnet = hub.name.contains("resnet");
        return Ok(File {
            url: hub.url(),
            path: format!("{FOLDER}/{}.{}", hub.stem(), hub.file_end()),
            sha256: None,
            license: None,
            preprocessing: None,
            resnet: layers(&hub.name).filter(|_| is_resnet),
            backbone: (!is_resnet).then(|| hub.stem().to_owned()),
        });
    }
    let catalog = Catalog::load(root)?;
    let Some(entry) = catalog.entries.get(name) else {
        let hint = nearest_name::hint(name, catalog.entries.keys().map(String::as_str));
        bail!(
            "`{FILE}` has no weights `{name}` (`{PROGRAM} weights` lists them; `hf:OWNER/NAME` names any of the Hugging Face hub){hint}"
        );
    };
    entry.file(name)
}

/// The number of layers in a name such as `resnet50.a1_in1k` or `resnet-50`.
fn layers(name: &str) -> Option<u32> {
    let (_, rest) = name.split_once("resnet")?;
    let rest = rest.trim_start_matches('-');
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

/// The catalog's names; none where it cannot be read.
pub(crate) fn names() -> Vec<String> {
    let root = workspace::root().ok();
    let catalog = root.and_then(|root| Catalog::load(&root).ok());
    catalog.map_or_else(Vec::new, |catalog| catalog.entries.into_keys().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The workspace that this crate belongs to.
    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
    }

    #[test]
    fn the_catalog_of_this_workspace_is_well_formed() {
        let catalog = Catalog::load(root()).unwrap();
        for (name, entry) in &catalog.entries {
            let file = find(root(), name).unwrap();
            assert!(file.url.starts_with("https://"), "{name}");
            assert!([18, 34, 50, 101, 152].contains(&entry.resnet), "{name}");
            assert_eq!(layers(name), Some(entry.resnet), "{name}");
            // torchvision's file names carry the first digits.
            if let Some(sha256) = &entry.sha256 {
                assert!(file.url.contains(&format!("-{sha256}.")), "{name}");
            }
        }
        let paths: std::collections::BTreeSet<_> = { catalog.entries.iter() }
            .map(|(name, entry)| entry.path(name).unwrap())
            .collect();
        assert_eq!(paths.len(), catalog.entries.len());
    }

    #[test]
    fn names_are_resolved_to_url_place_and_settings() {
        let file = find(root(), "resnet34").unwrap();
        assert_eq!(file.path, "data/weights/resnet34.pth");
        assert_eq!(
            file.settings(),
            [
                (
                    "model.weights".to_owned(),
                    json!("data/weights/resnet34.pth")
                ),
                ("model.resnet".to_owned(), json!(34)),
            ]
        );
        let file = find(root(), "hf:timm/convnext_tiny.fb_in22k").unwrap();
        assert_eq!(file.path, "data/weights/convnext_tiny.fb_in22k.safetensors");
        assert_eq!(
            file.settings(),
            [(
                "backbone-features.backbones".to_owned(),
                json!(["convnext_tiny.fb_in22k"])
            )]
        );
        let error = find(root(), "resnet81").unwrap_err().to_string();
        assert!(error.contains("; did you mean `resnet18`?"), "{error}");
    }
}
