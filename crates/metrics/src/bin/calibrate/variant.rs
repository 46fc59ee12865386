//! A model's probabilities, as they are or calibrated.

use anyhow::Context;
use metrics::{
    MetricError,
    calibration::{Calibrators, Forecasts, Isotonic, OneAgainstRest, Sigmoid, Temperature},
};

use crate::model_output::Seen;

/// A model with a method.
pub(crate) enum Variant<'a> {
    /// The network's softmax.
    Network,
    /// The network's softmax of cooled logits.
    Cooled(Temperature),
    /// The forest's votes.
    Forest,
    /// The votes through sigmoids.
    Platt(&'a OneAgainstRest<Sigmoid>),
    /// The votes through rising curves.
    Isotonic(&'a OneAgainstRest<Isotonic>),
}

impl<'a> Variant<'a> {
    /// All that `calibrators` know.
    pub(crate) fn all(calibrators: &'a Calibrators) -> Vec<Self> {
        let mut all = vec![Self::Network, Self::Cooled(calibrators.network.temperature)];
        if let Some(forest) = &calibrators.forest {
            all.push(Self::Forest);
            all.push(Self::Platt(&forest.platt));
            all.push(Self::Isotonic(&forest.isotonic));
        }
        all
    }

    /// As in the column `model` of the tables.
    pub(crate) fn model(&self) -> &'static str {
        match self {
            Self::Network | Self::Cooled(_) => "network",
            Self::Forest | Self::Platt(_) | Self::Isotonic(_) => "forest",
        }
    }

    /// As in the column `method`.
    pub(crate) fn method(&self) -> &'static str {
        match self {
            Self::Network | Self::Forest => "none",
            Self::Cooled(_) => "temperature",
            Self::Platt(_) => "platt",
            Self::Isotonic(_) => "isotonic",
        }
    }

    /// What logits are divided by, where it is this method.
    pub(crate) fn temperature(&self) -> Option<f64> {
        match self {
            Self::Cooled(temperature) => Some(temperature.value()),
            _ => None,
        }
    }

    /// The probabilities of `images`, of which there is at least one.
    pub(crate) fn forecasts(&self, images: &[&Seen]) -> anyhow::Result<Forecasts> {
        let rows = images
            .iter()
            .map(|image| Ok((self.probabilities(image)?, image.code)));
        let rows: Vec<(Vec<f64>, usize)> = rows.collect::<Result<_, MetricError>>()?;
        Forecasts::of(rows).with_context(|| format!("cannot judge the {}", self.model()))
    }

    fn probabilities(&self, image: &Seen) -> Result<Vec<f64>, MetricError> {
        match self {
            Self::Network => Ok(Temperature::ONE.apply(&image.scores)),
            Self::Cooled(temperature) => Ok(temperature.apply(&image.scores)),
            Self::Forest => Ok(image.votes()),
            Self::Platt(curves) => curves.apply(&image.votes()),
            Self::Isotonic(curves) => curves.apply(&image.votes()),
        }
    }
}
