//! Names and order of the scores.

/// A score of a model on a subset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Share of images whose class is predicted.
    Accuracy,
    /// Mean of the classes' precisions, weighted by support.
    Precision,
    /// Mean of the classes' recalls, weighted by support; equal to the accuracy.
    Recall,
    /// Mean of the classes' F1, weighted by support.
    F1,
    /// Plain mean of F1 over the classes that occur, as true or as predicted.
    F1Macro,
    /// Mean over the classes that occur of the share of their images whose class has the highest score.
    Top1,
    /// The same for the two highest.
    Top2,
    /// The same for the three highest.
    Top3,
    /// Mean of `−ln p` of the true class, in nats, each by [`numeric::clamped_loss`]; lower is better.
    LogLoss,
}

/// A value for each of [`Metric::ALL`].
pub type Scores = [f64; Metric::ALL.len()];

impl Metric {
    /// All, in the order of [`Scores`].
    pub const ALL: [Self; 9] = [
        Self::Accuracy,
        Self::Precision,
        Self::Recall,
        Self::F1,
        Self::F1Macro,
        Self::Top1,
        Self::Top2,
        Self::Top3,
        Self::LogLoss,
    ];

    /// Returns whether the score can differ between models for `n_classes`: a top-`k` of as many guesses as classes is
    /// always 1.
    pub fn is_informative(self, n_classes: usize) -> bool {
        match self {
            Self::Top2 => n_classes > 2,
            Self::Top3 => n_classes > 3,
            _ => true,
        }
    }

    /// Name, as in the column `metric` of the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "f1",
            Self::F1Macro => "f1_macro",
            Self::Top1 => "top1",
            Self::Top2 => "top2",
            Self::Top3 => "top3",
            Self::LogLoss => "log_loss",
        }
    }
}

/// The largest `k` of the top-`k` scores.
pub(crate) const TOP: usize = 3;
