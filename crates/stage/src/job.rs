//! The job file: what the runner tells a stage.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, de::DeserializeOwned};
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

impl Job {
    /// Reads the file that the only argument names.
    pub(crate) fn from_args(mut args: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let program = args.next().unwrap_or_else(|| "stage".to_owned());
        let (Some(path), None) = (args.next(), args.next()) else {
            bail!("expected one argument, the job file: `{program} JOB.json`");
        };
        Self::read(Path::new(&path))
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs_err::read_to_string(path)?;
        serde_json::from_str(&text)
            .with_context(|| format!("cannot read `{}` as a job file", path.display()))
    }
}

/// One of the three structs of a stage; `what` names it in errors, which tell the key at fault.
pub(crate) fn part<T: DeserializeOwned>(what: &str, value: Value) -> anyhow::Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.into_inner();
        match path.as_str() {
            "." => anyhow::anyhow!("cannot use the {what}: {reason}"),
            key => anyhow::anyhow!("cannot use {what} `{key}`: {reason}"),
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
        part::<Params>("parameter", value).unwrap_err().to_string()
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
        expect_test::expect!["cannot use the parameter: missing field `epochs`"]
            .assert_eq(&error(json!({})));
    }
}
