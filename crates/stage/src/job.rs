//! The job file: what the runner tells a stage.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The job file's content.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    /// The stage's instance, such as `train@0`.
    #[expect(dead_code, reason = "for the person who reads the file")]
    stage: String,
    /// Resolved parameters.
    pub(crate) params: Value,
    /// Input names to paths, lists of paths, or null.
    #[serde(rename = "in")]
    pub(crate) inputs: Value,
    /// Output names to paths.
    #[serde(rename = "out")]
    pub(crate) outputs: Value,
    /// A folder that outlives a killed run of the same job.
    pub(crate) scratch: PathBuf,
}

/// What the command line asks for.
pub(crate) struct Request {
    /// Whether only the names and types are to be looked at.
    pub(crate) is_check: bool,
    /// The job.
    pub(crate) job: Job,
}

impl Request {
    /// Reads the job file that the last argument names.
    pub(crate) fn from_args(args: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let arguments: Vec<String> = args.collect();
        let (is_check, path) = match arguments.as_slice() {
            [_, flag, path] if flag == "--check" => (true, path),
            [_, path] => (false, path),
            _ => {
                let program = arguments.first().map_or("stage", String::as_str);
                bail!("expected one argument, the job file: `{program} JOB.json`");
            }
        };
        let job = Job::read(Path::new(path))?;
        Ok(Self { is_check, job })
    }
}

impl Job {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs_err::read_to_string(path)?;
        serde_json::from_str(&text)
            .with_context(|| format!("cannot read `{}` as a job file", path.display()))
    }
}

/// A name or value of a job that the stage cannot use.
#[derive(Debug, Serialize)]
pub(crate) struct Fault {
    /// `parameter`, `input` or `output`.
    what: &'static str,
    /// Its dotted name; none where one is missing.
    key: Option<String>,
    /// What is wrong.
    reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, key, reason } = self;
        match key {
            None => write!(f, "cannot use the {what}s: {reason}"),
            Some(key) => write!(f, "cannot use {what} `{key}`: {reason}"),
        }
    }
}

impl std::error::Error for Fault {}

/// One of the three structs of a stage; `what` names it in errors, which tell the key at fault.
pub(crate) fn part<T: DeserializeOwned>(what: &'static str, value: &Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        Fault {
            what,
            key: (path != ".").then_some(path),
            reason: error.into_inner().to_string(),
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Params {
        #[expect(dead_code, reason = "only its type matters here")]
        epochs: u32,
    }

    fn error(value: Value) -> String {
        part::<Params>("parameter", &value).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_key() {
        expect_test::expect![[
            r#"cannot use parameter `epochs`: invalid type: string "ten", expected u32"#
        ]]
        .assert_eq(&error(json!({ "epochs": "ten" })));
        expect_test::expect![
            "cannot use parameter `epoch`: unknown field `epoch`, expected `epochs`"
        ]
        .assert_eq(&error(json!({ "epoch": 1 })));
        expect_test::expect!["cannot use the parameters: missing field `epochs`"]
            .assert_eq(&error(json!({})));
    }
}
