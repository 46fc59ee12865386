//! A model's probabilities, as they are or calibrated.

use anyhow::Context;
use metrics::{
    MetricError,
    calibration::{Calibrators, Forecasts, Isotonic, OneAgainstRest, Sigmoid, Temperature},
};

use crate::model_output::ModelOutput;

/// A model with a method of calibration.
pub(crate) enum Variant<'a> {
    /// The network's softmax.
    Network,
    /// The network's softmax at the fitted temperature.
    Temperature(Temperature),
    /// The forest's votes.
    Forest,
    /// The votes through sigmoids.
    Platt(&'a OneAgainstRest<Sigmoid>),
    /// The votes through rising curves.
    Isotonic(&'a OneAgainstRest<Isotonic>),
}

impl<'a> Variant<'a> {
    /// All variants of `calibrators`.
    pub(crate) fn all(calibrators: &'a Calibrators) -> Vec<Self> {
        let mut all = vec![
            Self::Network,
            Self::Temperature(calibrators.network.temperature),
        ];
        if let Some(forest) = &calibrators.forest {
            all.push(Self::Forest);
            all.push(Self::Platt(&forest.platt));
            all.push(Self::Isotonic(&forest.isotonic));
        }
        all
    }

    /// Name of the model, as in the column `model` of the tables.
    pub(crate) fn model(&self) -> &'static str {
        match self {
            Self::Network | Self::Temperature(_) => "network",
            Self::Forest | Self::Platt(_) | Self::Isotonic(_) => "forest",
        }
    }

    /// Name of the method, as in the column `method`.
    pub(crate) fn method(&self) -> &'static str {
        match self {
            Self::Network | Self::Forest => "none",
            Self::Temperature(_) => "temperature",
            Self::Platt(_) => "platt",
            Self::Isotonic(_) => "isotonic",
        }
    }

    /// Temperature of the variant, if its method is temperature scaling.
    pub(crate) fn temperature(&self) -> Option<f64> {
        match self {
            Self::Temperature(temperature) => Some(temperature.value()),
            _ => None,
        }
    }

    /// Forecasts for `images`, of which there is at least one.
    pub(crate) fn forecasts(&self, images: &[&ModelOutput]) -> anyhow::Result<Forecasts> {
        let rows = images
            .iter()
            .map(|image| Ok((self.probabilities(image)?, image.class_index)));
        let rows: Vec<(Vec<f64>, usize)> = rows.collect::<Result<_, MetricError>>()?;
        Forecasts::of(rows).with_context(|| format!("cannot evaluate the {}", self.model()))
    }

    fn probabilities(&self, image: &ModelOutput) -> Result<Vec<f64>, MetricError> {
        match self {
            Self::Network => Ok(Temperature::ONE.apply(&image.scores)),
            Self::Temperature(temperature) => Ok(temperature.apply(&image.scores)),
            Self::Forest => Ok(image.votes()),
            Self::Platt(curves) => curves.apply(&image.votes()),
            Self::Isotonic(curves) => curves.apply(&image.votes()),
        }
    }
}
