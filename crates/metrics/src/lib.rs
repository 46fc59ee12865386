//! Scores, reports and intervals of predictions.
