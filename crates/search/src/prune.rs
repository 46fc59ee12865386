use numeric::median;
use serde::Deserialize;

use crate::{State, Trial};

/// Stops a trial that is worse than half of the others were at the same step (Golovin et al. 2017, median stopping).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MedianPruner {
    /// Complete trials before any is stopped.
    pub trials: usize,
    /// Steps of each trial before it can be stopped.
    pub steps: usize,
}

impl MedianPruner {
    /// Whether a trial with these intermediate scores should be stopped: its best is below the median of the scores that
    /// the complete ones among `others` had at its last step.
    #[must_use]
    pub fn is_hopeless(&self, steps: &[f64], others: &[Trial]) -> bool {
        if steps.is_empty() || steps.len() < self.steps {
            return false;
        }
        let complete = others.iter().filter(|trial| trial.state == State::Complete);
        let reached: Vec<f64> = complete
            .filter_map(|trial| trial.steps.get(steps.len() - 1).copied())
            .collect();
        if reached.len() < self.trials.max(1) {
            return false;
        }
        let best = steps.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        best < median(&reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Assignment;

    fn trial(state: State, steps: &[f64]) -> Trial {
        Trial {
            params: Assignment::new(),
            state,
            score: steps.last().copied(),
            steps: steps.to_vec(),
        }
    }

    const RULE: MedianPruner = MedianPruner {
        trials: 2,
        steps: 2,
    };

    #[test]
    fn half_of_the_others_are_enough() {
        let others = [[0.1, 0.2, 0.9], [0.3, 0.4, 0.5], [0.5, 0.6, 0.7]];
        let others: Vec<Trial> = others.iter().map(|s| trial(State::Complete, s)).collect();
        assert!(RULE.is_hopeless(&[0.0, 0.39], &others));
        assert!(!RULE.is_hopeless(&[0.0, 0.4], &others));
        // Its best counts, not its last.
        assert!(!RULE.is_hopeless(&[0.5, 0.0], &others));
        assert!(RULE.is_hopeless(&[0.5, 0.0, 0.0], &others));
    }

    #[test]
    fn no_trial_is_stopped_early() {
        let others = [
            trial(State::Complete, &[0.5, 0.5]),
            trial(State::Pruned, &[0.5, 0.5]),
        ];
        assert!(!RULE.is_hopeless(&[0.0], &others));
        assert!(!RULE.is_hopeless(&[0.0, 0.0], &others));
        assert!(!RULE.is_hopeless(&[], &others));
    }
}
