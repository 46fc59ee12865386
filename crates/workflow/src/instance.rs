//! Stages made concrete: one instance for each combination of `each`, its
//! templates filled and its params looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::declaration::{Action, Rules, Treatment};
use crate::device::Device;

mod each;
mod params;
pub mod resolve;
mod scope;

/// A stage with its variables, paths and params resolved.
#[derive(Debug, Clone)]
pub struct Instance {
    /// `train@0`; the stage's name where it has no `each`.
    pub name: String,
    /// The stage's name.
    pub stage: String,
    /// Description in one line.
    pub desc: Option<String>,
    /// The command; `${in.name}` and `${out.name}` are still in its texts.
    pub action: Action<String>,
    /// Params by the name that the stage sees.
    pub params: BTreeMap<String, Value>,
    /// The key of `params.toml` that gave a param, by the name that the stage sees.
    pub param_keys: BTreeMap<String, String>,
    /// Inputs by name.
    pub inputs: BTreeMap<String, Input>,
    /// Outputs by name.
    pub outputs: BTreeMap<String, Output>,
    /// The output whose text is shown at the end of a repro.
    pub show: Option<String>,
    /// True if it runs only where another one, or the user, asks for it.
    pub is_source: bool,
    /// The device class, for stages that list `device`.
    pub device: Option<Device>,
    /// Environment variables that the result depends on.
    pub env: Vec<String>,
    /// Stages that must have succeeded before it starts.
    pub after: Vec<String>,
    /// When and how it runs.
    pub rules: Rules,
}

impl Instance {
    /// The outputs of a command that its text doesn't ask for by `${out.…}`: it writes them in their places.
    #[must_use]
    pub fn written_in_place(&self) -> BTreeSet<String> {
        let Action::Command(texts) = &self.action else {
            return BTreeSet::new();
        };
        let is_asked_for = |name: &str| {
            let place = format!("${{out.{name}}}");
            texts.iter().any(|text| text.contains(&place))
        };
        let names = self.outputs.keys();
        names.filter(|name| !is_asked_for(name)).cloned().collect()
    }
}

/// An input of an instance.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its target.
    pub target: Target,
    /// The param that gave the path, if one did.
    pub param: Option<String>,
}

/// Target of an input. Paths inside the workspace are relative to its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An optional input that isn't there: its template resolved to an empty text.
    Absent,
    /// A file or folder.
    Path(PathBuf),
    /// All that match a pattern.
    Glob(String),
}

impl Target {
    /// The same below `folder`.
    pub fn in_folder(&self, folder: &Path) -> Self {
        match self {
            Target::Absent => Target::Absent,
            Target::Path(path) => Target::Path(folder.join(path)),
            Target::Glob(pattern) => {
                Target::Glob(folder.join(pattern).to_string_lossy().into_owned())
            }
        }
    }
}

/// An output of an instance.
#[derive(Debug, Clone)]
pub struct Output {
    /// From the workspace root, inside it.
    pub path: PathBuf,
    /// Treatment of its file.
    pub treatment: Treatment,
}
