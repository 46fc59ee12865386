//! Table `flattery`: one recipe's scores under three splits.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// A metric of the network trained and validated under a split. Sorted by `design`, `metric`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeakageEffect {
    /// As in `leaks`.
    pub design: String,
    /// The epoch of the best selection score, from 0.
    pub epoch: u32,
    /// Name of the figure, as in `scores`.
    pub metric: String,
    /// On the fold left out.
    pub value: f64,
    /// Lower end of the 95 % interval by resampling authors; null without a bootstrap.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Images of the fold left out.
    pub pictures: u32,
}

impl Table for LeakageEffect {
    const NAME: &'static str = "flattery";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        (&self.design, &self.metric).cmp(&(&other.design, &other.metric))
    }
}
