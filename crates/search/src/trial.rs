use serde::{Deserialize, Serialize};

use crate::Assignment;

/// State of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It has its score.
    Complete,
    /// It was stopped as hopeless; its score is the last intermediate one.
    Pruned,
    /// It has no score: a stage failed, or the score isn't finite.
    Failed,
    /// It is running.
    Running,
}

impl State {
    /// Name as in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
            Self::Running => "running",
        }
    }
}

/// A trial: parameters and result. Higher scores are better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its parameters.
    pub params: Assignment,
    /// Its state.
    pub state: State,
    /// Finite; none if it failed or is running.
    pub score: Option<f64>,
    /// Its intermediate scores, such as after each fold.
    pub steps: Vec<f64>,
}

impl Trial {
    /// A running trial.
    #[must_use]
    pub fn running(params: Assignment) -> Self {
        Self {
            params,
            state: State::Running,
            score: None,
            steps: Vec::new(),
        }
    }

    /// A complete trial.
    #[must_use]
    pub fn complete(params: Assignment, score: f64) -> Self {
        Self {
            params,
            state: State::Complete,
            score: Some(score),
            steps: Vec::new(),
        }
    }
}
