//! Score of a trial: a metric of each instance of a stage.

use std::fmt;

use runner::Workspace;
use runner::tables;
use serde::Deserialize;
use workflow::declaration::MetricOutput;

use crate::error::{Error, Result};

/// A metric by the name that `metrics show` gives it, without the instance: stage, output and, if the output has several
/// numbers, a pattern of its name there. The output need not be declared as `metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Score {
    stage: String,
    mark: MetricOutput,
}

/// A text that names no output of a stage.
#[derive(Debug, thiserror::Error)]
#[error(
    "`score` is `{0}`; expected `stage.output`, or `stage.output.metric` for an output with several numbers"
)]
pub struct NoOutput(String);

impl TryFrom<String> for Score {
    type Error = NoOutput;

    fn try_from(text: String) -> Result<Self, NoOutput> {
        match text.split_once('.') {
            Some((stage, mark)) if !stage.is_empty() && !mark.is_empty() => Ok(Score {
                stage: stage.to_owned(),
                mark: MetricOutput::parse(mark),
            }),
            _ => Err(NoOutput(text)),
        }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.stage, self.mark.output)?;
        match &self.mark.pattern {
            Some(pattern) => write!(f, ".{pattern}"),
            None => Ok(()),
        }
    }
}

impl Score {
    /// The instances that have the metric, in their order.
    ///
    /// # Errors
    /// There is no such stage, or it has no such output.
    pub(super) fn instances(&self, workspace: &Workspace) -> Result<Vec<String>> {
        let instances = workspace.workflow.graph.instances.iter();
        let mut names = Vec::new();
        for instance in instances.filter(|instance| instance.stage == self.stage) {
            if !instance.outputs.contains_key(&self.mark.output) {
                let known = instance.outputs.keys().map(String::as_str);
                return Err(Error::NoScoringOutput {
                    stage: self.stage.clone(),
                    output: self.mark.output.clone(),
                    hint: nearest_name::hint(&self.mark.output, known),
                });
            }
            names.push(instance.name.clone());
        }
        if names.is_empty() {
            return Err(Error::NoScoringStage(self.stage.clone()));
        }
        Ok(names)
    }

    /// The metric of an instance that is up to date, or the reason why it has none.
    ///
    /// # Errors
    /// The output cannot be read, or several of its numbers match.
    pub(super) fn read(
        &self,
        workspace: &mut Workspace,
        instance: &str,
    ) -> Result<Result<f64, String>> {
        let metrics = tables::metrics_of_output(workspace, instance, &self.mark)?;
        if !metrics.faults.is_empty() {
            return Ok(Err(metrics.faults.join("; ")));
        }
        match metrics.values.as_slice() {
            [metric] => Ok(Ok(metric.value)),
            [] => {
                let output = format!("{instance}.{}", self.mark.output);
                Ok(Err(match &self.mark.pattern {
                    Some(pattern) => format!("`{output}` has no number `{pattern}`"),
                    None => format!("`{output}` has no number"),
                }))
            }
            [first, second, ..] => Err(Error::SeveralScores {
                score: self.to_string(),
                names: [first, second].map(|metric| metric.full_name()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Score, NoOutput> {
        Score::try_from(text.to_owned())
    }

    #[test]
    fn a_score_is_a_stage_an_output_and_a_pattern() {
        let score = parse("train.history.*true.score").unwrap();
        assert_eq!((&*score.stage, &*score.mark.output), ("train", "history"));
        assert_eq!(score.mark.pattern.as_deref(), Some("*true.score"));
        for text in ["train.history.*true.score", "evaluate.score"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_stage_alone_is_no_score() {
        for text in ["grade", "grade.", ".score", ""] {
            let error = parse(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("`score` is `{text}`; expected `stage.output`")),
                "{error}"
            );
        }
    }
}
