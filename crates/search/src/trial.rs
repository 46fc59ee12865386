use serde::{Deserialize, Serialize};

use crate::Assignment;

/// How a trial ended, or that it hasn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It has its score.
    Complete,
    /// It was stopped as hopeless; its score is the last one on the way.
    Pruned,
    /// It has no score: it could not be carried out.
    Failed,
    /// It is under way.
    Running,
}

impl State {
    /// In words.
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

/// A trial: what was tried, and what came of it. Higher scores are better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// What was tried.
    pub params: Assignment,
    /// How it ended.
    pub state: State,
    /// Finite; none if it failed or is under way.
    pub score: Option<f64>,
    /// Its scores on the way, such as after each fold.
    pub steps: Vec<f64>,
}

impl Trial {
    /// A trial that is under way.
    #[must_use]
    pub fn running(params: Assignment) -> Self {
        Self {
            params,
            state: State::Running,
            score: None,
            steps: Vec::new(),
        }
    }

    /// A trial that has its score.
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
