//! Metrics as rows of the tables.

use anyhow::Context;
use metrics::{
    Difference,
    calibration::{Evaluation, Forecasts},
    streams::{CALIBRATE_BOOTSTRAP, CALIBRATE_CHANCE},
};
use table_calibrations::Calibration;
use table_reliabilities::Reliability;
use tables::Subset;

use crate::{
    Params,
    model_output::{Model, ModelOutput},
    variant::{Probabilities, Variant},
};

/// Rows of all models.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) calibrations: Vec<Calibration>,
    pub(crate) reliabilities: Vec<Reliability>,
}

/// A variant of a model on a subset.
struct Place<'a> {
    model: &'a Model,
    variant: &'a Variant,
    subset: Subset,
    probabilities: &'a Probabilities,
}

impl Tables {
    /// Adds the rows of a model. The first of `variants` is the one without calibration. Every variant gets the same draws
    /// of authors.
    pub(crate) fn add(
        &mut self,
        model: &Model,
        variants: &[Variant],
        params: &Params,
    ) -> anyhow::Result<()> {
        let subsets = [
            (Subset::Validation, model.validation.as_slice()),
            (Subset::Test, model.test.as_slice()),
        ];
        for (subset, images) in subsets {
            // Only the validation set is never empty.
            if images.is_empty() {
                continue;
            }
            let units: Vec<usize> = images.iter().map(|image| image.unit).collect();
            let places = variants
                .iter()
                .map(|variant| Place::of(model, variant, subset));
            let places: Vec<Place<'_>> = places.collect();
            let forecasts = places
                .iter()
                .map(|place| place.forecasts(images))
                .collect::<anyhow::Result<Vec<_>>>()?;
            let evaluations = forecasts
                .iter()
                .map(|forecasts| Evaluation::of(forecasts, &units, params.bins))
                .collect::<Result<Vec<_>, _>>()?;
            for (place, evaluation) in places.iter().zip(&evaluations) {
                let before = evaluations
                    .first()
                    .filter(|_| place.variant.method != "none");
                self.calibrations
                    .push(place.metrics(evaluation, before, params)?);
                self.reliabilities.extend(place.diagram(evaluation)?);
            }
        }
        Ok(())
    }
}

impl<'a> Place<'a> {
    fn of(model: &'a Model, variant: &'a Variant, subset: Subset) -> Self {
        Self {
            probabilities: match subset {
                Subset::Test => &variant.test,
                _ => &variant.validation,
            },
            model,
            variant,
            subset,
        }
    }

    fn forecasts(&self, images: &[ModelOutput]) -> anyhow::Result<Forecasts> {
        let rows = self.probabilities.rows.iter().zip(images);
        let rows = rows.map(|(row, image)| (row.clone(), image.class_index));
        Forecasts::of(rows).with_context(|| format!("cannot evaluate the {}", self.model.name))
    }

    /// Metrics with intervals.
    fn metrics(
        &self,
        evaluation: &Evaluation<'_>,
        before: Option<&Evaluation<'_>>,
        params: &Params,
    ) -> anyhow::Result<Calibration> {
        let name = self.subset.stream_name();
        let stream = params.seed.stream(&format!("{CALIBRATE_BOOTSTRAP} {name}"));
        let rng_of = |replicate| stream.at(replicate, 0);
        let by_chance = params.seed.stream(&format!("{CALIBRATE_CHANCE} {name}"));

        let metrics = evaluation.metrics();
        let n = self.probabilities.rows.len() as u64;
        let rarer = metrics.errors.min(n - metrics.errors);
        let judged = n >= params.min_images && rarer >= params.min_errors;
        let ece = evaluation.ece(params.bootstrap, rng_of);
        let chance = evaluation.ece_by_chance(params.bootstrap, |r| by_chance.at(r, 0));
        let log_loss = evaluation.log_loss(params.bootstrap, rng_of)?;
        let excess = evaluation.excess_confidence(params.bootstrap, rng_of);
        let excess = excess.filter(|_| judged);
        let change = match before {
            Some(before) => evaluation.log_loss_change(before, params.bootstrap, rng_of)?,
            None => None,
        };
        let change = change.filter(|_| judged);
        let temperatures = self.probabilities.temperatures;
        Ok(Calibration {
            model: self.model.name.to_owned(),
            method: self.variant.method.to_owned(),
            subset: self.subset,
            folds: count_of(self.model.n_folds as u64)?,
            calibrators: count_of(self.probabilities.n_calibrators as u64)?,
            n: count_of(n)?,
            errors: count_of(metrics.errors)?,
            judged,
            temperature: self.variant.temperature,
            temperature_min: temperatures.map(|(low, _)| low),
            temperature_max: temperatures.map(|(_, high)| high),
            unseen_classes: self.probabilities.unseen_classes.clone(),
            ece: metrics.ece,
            ece_low: ece.map(|interval| interval.low),
            ece_high: ece.map(|interval| interval.high),
            ece_by_chance: chance.map(|chance| chance.mean),
            ece_by_chance_low: chance.map(|chance| chance.low),
            ece_by_chance_high: chance.map(|chance| chance.high),
            classwise_ece: metrics.classwise_ece,
            brier: metrics.brier,
            log_loss: metrics.log_loss,
            log_loss_low: log_loss.map(|interval| interval.low),
            log_loss_high: log_loss.map(|interval| interval.high),
            log_loss_change: before.map(|before| metrics.log_loss - before.metrics().log_loss),
            log_loss_change_low: change.map(|Difference { low, .. }| low),
            log_loss_change_high: change.map(|Difference { high, .. }| high),
            confidence: metrics.confidence,
            accuracy: metrics.accuracy,
            excess_confidence: metrics.confidence - metrics.accuracy,
            excess_confidence_low: excess.map(|Difference { low, .. }| low),
            excess_confidence_high: excess.map(|Difference { high, .. }| high),
        })
    }

    /// Reliability diagram.
    fn diagram(&self, evaluation: &Evaluation<'_>) -> anyhow::Result<Vec<Reliability>> {
        let bins = (0..).zip(evaluation.reliability());
        bins.map(|(number, bin)| {
            Ok(Reliability {
                model: self.model.name.to_owned(),
                method: self.variant.method.to_owned(),
                subset: self.subset,
                bin: number,
                low: bin.low,
                high: bin.high,
                n: count_of(bin.n)?,
                confidence: bin.confidence,
                accuracy: bin.accuracy,
                accuracy_low: bin.interval.map(|interval| interval.low),
                accuracy_high: bin.interval.map(|interval| interval.high),
            })
        })
        .collect()
    }
}

fn count_of(count: u64) -> anyhow::Result<u32> {
    u32::try_from(count).context("more images than the table can count")
}
