//! The job file of `cargo xtask init`.

use std::path::{Path, PathBuf};

use images::Limits;
use protocol::Part;
use serde::Deserialize;
use serde_json::Value;

use crate::cost::Device;

/// A file with its text in parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedFile {
    /// Absolute path.
    pub(crate) path: String,
    /// Text in parameters: relative to the workspace if the file is in it.
    pub(crate) setting: String,
}

/// The folder's surroundings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Surroundings {
    /// Folders in the folder above that hold images, this one included.
    pub(crate) folders_with_images: usize,
}

/// The request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    /// The folder of images, absolute.
    pub(crate) folder: String,
    /// The folder as typed.
    pub(crate) typed: String,
    /// The folder, as in `images.folder`.
    pub(crate) setting: String,
    /// Name of the file of parameters, if one was given.
    pub(crate) name: Option<String>,
    /// The folder of files of parameters, absolute.
    pub(crate) params: PathBuf,
    /// Tables in the folder above.
    pub(crate) beside: Vec<NamedFile>,
    pub(crate) around: Surroundings,
    /// Files of pretrained weights.
    weights: Vec<NamedFile>,
    device: String,
    /// Cores that may be used.
    pub(crate) cores: usize,
    /// Minutes that the study may take.
    pub(crate) minutes: Option<f64>,
    /// Output as one JSON document.
    pub(crate) json: bool,
    /// Dry run: nothing is written.
    pub(crate) dry_run: bool,
    /// The content of `params.toml`.
    pub(crate) defaults: Value,
}

impl Job {
    /// Reads the job file that the only argument names.
    ///
    /// # Errors
    /// There is no job file, or it has other fields.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let arguments: Vec<String> = std::env::args().collect();
        let job = protocol::Job::of_arguments(&arguments)?;
        Ok(job.read(Part::Parameter)?)
    }

    pub(crate) fn device(&self) -> Device {
        match self.device.as_str() {
            "metal" => Device::Metal,
            "cuda" => Device::Cuda,
            _ => Device::Cpu,
        }
    }

    /// Limits of stage `decode`: the largest image, and the most elongated.
    pub(crate) fn limits(&self) -> Limits {
        let number = |key: &str| self.defaults["decode"][key].as_u64();
        let aspect = number("max_aspect").and_then(|aspect| u32::try_from(aspect).ok());
        Limits {
            pixels: number("max_pixels").unwrap_or(100_000_000),
            aspect: aspect.unwrap_or(20),
        }
    }

    /// Files of weights: the setting and the path of each.
    pub(crate) fn weights(&self) -> Vec<(String, PathBuf)> {
        let named = self.weights.iter();
        named
            .map(|file| (file.setting.clone(), PathBuf::from(&file.path)))
            .collect()
    }

    /// The path of a table by its setting.
    pub(crate) fn path_of(&self, setting: &str) -> PathBuf {
        if let Some(beside) = self.beside.iter().find(|beside| beside.setting == setting) {
            return PathBuf::from(&beside.path);
        }
        let inside = setting.strip_prefix(self.setting.trim_end_matches('/'));
        inside.map_or_else(
            || PathBuf::from(setting),
            |inside| Path::new(&self.folder).join(inside.trim_start_matches('/')),
        )
    }
}

/// Returns whether a file is a table by its name.
pub(crate) fn is_table(path: &str) -> bool {
    let extension = path
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_lowercase());
    extension.is_some_and(|extension| ["csv", "tsv", "parquet"].contains(&extension.as_str()))
}
