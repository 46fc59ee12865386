//! Metrics as rows of the tables.

use std::num::NonZeroUsize;

use anyhow::Context;
use metrics::{
    bootstrap,
    calibration::{BootstrapTerms, CalibrationMetrics, Forecasts, ece_by_chance, reliability},
    streams::{CALIBRATE_BOOTSTRAP, CALIBRATE_CHANCE},
};
use table_calibrations::Calibration;
use table_reliabilities::Reliability;
use tables::Subset;

use crate::{Params, model_output::ModelOutput, variant::Variant};

/// Metrics of a variant on a subset, with intervals. Every variant gets the same draws of authors.
pub(crate) fn metrics(
    variant: &Variant<'_>,
    subset: Subset,
    forecasts: &Forecasts,
    images: &[&ModelOutput],
    params: &Params,
) -> anyhow::Result<Calibration> {
    let name = subset.stream_name();
    let quality = CalibrationMetrics::of(forecasts, params.bins);
    let units: Vec<usize> = images.iter().map(|image| image.unit).collect();
    let stream = params.seed.stream(&format!("{CALIBRATE_BOOTSTRAP} {name}"));
    let terms = BootstrapTerms::of(forecasts, params.bins);
    let intervals = bootstrap(
        &units,
        params.bootstrap,
        |replicate| stream.at(replicate, 0),
        |drawn| terms.ece_and_log_loss(drawn),
    );
    let stream = params.seed.stream(&format!("{CALIBRATE_CHANCE} {name}"));
    let chance = ece_by_chance(forecasts, params.bins, params.bootstrap, |replicate| {
        stream.at(replicate, 0)
    });
    let [ece, log_loss] = intervals.map_or([None; 2], |intervals| intervals.map(Some));
    Ok(Calibration {
        model: variant.model().to_owned(),
        method: variant.method().to_owned(),
        subset,
        n: count_of(forecasts.n_images() as u64)?,
        temperature: variant.temperature(),
        ece: quality.ece,
        ece_low: ece.map(|interval| interval.low),
        ece_high: ece.map(|interval| interval.high),
        ece_by_chance: chance,
        classwise_ece: quality.classwise_ece,
        brier: quality.brier,
        log_loss: quality.log_loss,
        log_loss_low: log_loss.map(|interval| interval.low),
        log_loss_high: log_loss.map(|interval| interval.high),
        top1: quality.top1,
    })
}

/// Reliability diagram of a variant on a subset.
pub(crate) fn diagram(
    variant: &Variant<'_>,
    subset: Subset,
    forecasts: &Forecasts,
    bins: NonZeroUsize,
) -> anyhow::Result<Vec<Reliability>> {
    let bins = (0..).zip(reliability(forecasts, bins));
    bins.map(|(number, bin)| {
        Ok(Reliability {
            model: variant.model().to_owned(),
            method: variant.method().to_owned(),
            subset,
            bin: number,
            low: bin.low,
            high: bin.high,
            n: count_of(bin.n)?,
            confidence: bin.confidence,
            accuracy: bin.accuracy,
        })
    })
    .collect()
}

fn count_of(count: u64) -> anyhow::Result<u32> {
    u32::try_from(count).context("more images than the table can count")
}
