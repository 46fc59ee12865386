//! The job file: all that the runner hands to a program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::fault::{Fault, Part};
use crate::value;

/// Content of a job file. Fields stand in the order of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Inputs by name.
    #[serde(rename = "in")]
    pub inputs: BTreeMap<String, Input>,
    /// Path of each output by name.
    #[serde(rename = "out")]
    pub outputs: BTreeMap<String, PathBuf>,
    /// Resolved parameters, an object.
    pub params: Value,
    /// A folder that outlives a killed run of the same job.
    pub scratch: PathBuf,
    /// Name of the stage's instance, such as `train@0`, for readers of the file.
    pub stage: String,
}

/// Value of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// The input is optional and not given.
    Absent,
    /// A file or folder.
    One(PathBuf),
    /// Files and folders that match a pattern, sorted.
    Many(Vec<PathBuf>),
}

impl Job {
    /// A part of the job as the program's own type.
    ///
    /// # Errors
    /// The type has no such name, needs one that is missing, or cannot be made of a value.
    pub fn read<T: DeserializeOwned>(&self, part: Part) -> Result<T, Fault> {
        match part {
            Part::Parameter => value::read(part, &self.params),
            Part::Input => {
                let inputs = self.inputs.iter();
                let inputs = inputs.map(|(name, input)| (name.clone(), input.value()));
                value::read(part, &Value::Object(inputs.collect()))
            }
            Part::Output => {
                let outputs = self.outputs.iter();
                let outputs = outputs.map(|(name, path)| (name.clone(), text(path)));
                value::read(part, &Value::Object(outputs.collect()))
            }
        }
    }
}

impl Input {
    /// The paths, in their order.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        match self {
            Self::Absent => &[],
            Self::One(path) => std::slice::from_ref(path),
            Self::Many(paths) => paths,
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Absent => Value::Null,
            Self::One(path) => text(path),
            Self::Many(paths) => paths.iter().map(|path| text(path)).collect(),
        }
    }
}

/// A path of a job file, which is UTF-8.
fn text(path: &Path) -> Value {
    Value::from(path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job() -> Job {
        Job {
            inputs: BTreeMap::from([
                ("folds".to_owned(), Input::One("/folds.parquet".into())),
                (
                    "models".to_owned(),
                    Input::Many(vec!["/a".into(), "/b".into()]),
                ),
                ("weights".to_owned(), Input::Absent),
            ]),
            outputs: BTreeMap::from([("model".to_owned(), "/model".into())]),
            params: json!({ "lr": 0.5 }),
            scratch: "/scratch".into(),
            stage: "train@0".to_owned(),
        }
    }

    #[test]
    fn the_file_is_json_of_paths_lists_and_null() {
        let text = r#"{"in":{"folds":"/folds.parquet","models":["/a","/b"],"weights":null},"out":{"model":"/model"},"params":{"lr":0.5},"scratch":"/scratch","stage":"train@0"}"#;
        assert_eq!(serde_json::to_string(&job()).unwrap(), text);
        assert_eq!(serde_json::from_str::<Job>(text).unwrap(), job());
    }

    #[test]
    fn parts_are_read_as_structs() {
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Inputs {
            folds: PathBuf,
            models: Vec<PathBuf>,
            weights: Option<PathBuf>,
        }
        let inputs = Inputs {
            folds: "/folds.parquet".into(),
            models: vec!["/a".into(), "/b".into()],
            weights: None,
        };
        assert_eq!(job().read(Part::Input), Ok(inputs));
        let outputs = BTreeMap::from([("model".to_owned(), PathBuf::from("/model"))]);
        assert_eq!(job().read(Part::Output), Ok(outputs));
        let params = BTreeMap::from([("lr".to_owned(), 0.5_f64)]);
        assert_eq!(job().read(Part::Parameter), Ok(params));
    }
}
