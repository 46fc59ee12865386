//! Metrics as rows of the tables.

use anyhow::Context;
use metrics::streams::{SCORE_BOOTSTRAP, SCORE_EPOCHS, SCORE_MODELS};
use metrics::{
    Collection, ConfusionCounts, Interval, Metric, Pairing, Sample, ScoredPrediction, differences,
    intervals, n_authors, single_unit_classes,
};
use table_class_reports::ClassReport;
use table_comparisons::Comparison;
use table_confusion::Confusion;
use table_epoch_outputs::EpochOutput;
use table_epoch_scores::EpochScore;
use table_scores::Score;
use tables::Subset;

use crate::{
    Params,
    scored_image::{self, ScoredImage},
};

/// Metrics of an epoch.
pub(crate) fn epoch(
    fold: u32,
    epoch: u32,
    outputs: Vec<EpochOutput>,
    collection: &Collection,
    params: &Params,
) -> anyhow::Result<Vec<EpochScore>> {
    let seen = scored_image::in_epoch(outputs, collection)?;
    let mut rows = Vec::new();
    for (subset, images) in scored_image::subsets(&seen) {
        let stream = params
            .seed
            .stream(&format!("{SCORE_EPOCHS} {}", subset.stream_name()));
        let mut rng = stream.at(fold.into(), epoch.into());
        let scores = scored_image::counts(&images, collection).scores();
        let n_classes = collection.labels().len();
        let scores = Metric::ALL.into_iter().zip(scores).map(|(metric, value)| {
            let value = metric.is_informative(n_classes).then_some(value);
            (metric.name().to_owned(), value)
        });
        let separations = scored_image::separations(&images, params.silhouette_sample, &mut rng)?;
        rows.extend(scores.chain(separations).map(|(metric, value)| EpochScore {
            fold,
            epoch,
            subset,
            metric,
            value,
        }));
    }
    Ok(rows)
}

/// Metrics of a model on a subset, with intervals.
pub(crate) fn scores(
    model: &str,
    subset: Subset,
    images: &[&ScoredImage],
    collection: &Collection,
    params: &Params,
) -> anyhow::Result<Vec<Score>> {
    let sample = Resampled::of(images, collection)?;
    let authors = sample.authors()?;
    let single_unit_classes = single_unit_classes(&sample.predictions, &sample.units)?;
    let single_author_classes = u32::try_from(single_unit_classes)?;
    let n_images = u32::try_from(images.len())?;
    let row = |metric: String, value: Option<f64>, interval: Option<Interval>| Score {
        model: model.to_owned(),
        subset,
        metric,
        value,
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        images: n_images,
        authors,
        single_author_classes,
    };
    let values = scored_image::counts(images, collection).scores();
    let stream = params.seed.stream(&bootstrap_stream(subset));
    let intervals = intervals(
        collection.labels().len(),
        &sample.predictions,
        &sample.units,
        params.bootstrap,
        |replicate| stream.at(replicate, 0),
    )?;
    let headline = Metric::ALL
        .iter()
        .zip(values)
        .enumerate()
        .map(|(i, (metric, value))| {
            if !metric.is_informative(collection.labels().len()) {
                return row(metric.name().to_owned(), None, None);
            }
            let interval = intervals.map(|intervals| intervals[i]);
            row(metric.name().to_owned(), Some(value), interval)
        });
    let mut rng = params
        .seed
        .stream(&format!("{SCORE_MODELS} {}", subset.stream_name()))
        .rng();
    let separations = scored_image::separations(images, params.silhouette_sample, &mut rng)?;
    let separations = separations
        .into_iter()
        .map(|(metric, value)| row(metric, value, None));
    Ok(headline.chain(separations).collect())
}

/// Differences of two models' metrics on the same images of a subset, paired by image.
pub(crate) fn comparisons(
    [model, other]: [&str; 2],
    subset: Subset,
    [images, other_images]: [&[&ScoredImage]; 2],
    collection: &Collection,
    params: &Params,
) -> anyhow::Result<Vec<Comparison>> {
    let n_classes = collection.labels().len();
    let a = Resampled::of(images, collection)?;
    let b = Resampled::of(other_images, collection)?;
    let counts = |images| scored_image::counts(images, collection);
    let values = counts(images).scores_less(&counts(other_images));
    let stream = params.seed.stream(&bootstrap_stream(subset));
    let differences = differences(
        n_classes,
        [a.sample(), b.sample()],
        Pairing::Images,
        params.bootstrap,
        |replicate| stream.at(replicate, 0),
    )?;
    let (n_images, authors) = (u32::try_from(images.len())?, a.authors()?);
    let metrics = Metric::ALL.iter().enumerate();
    let metrics = metrics.filter(|(_, metric)| metric.is_informative(n_classes));
    let rows = metrics.map(|(i, metric)| {
        let interval = differences.map(|differences| differences[i]);
        Comparison {
            model: model.to_owned(),
            other: other.to_owned(),
            subset,
            metric: metric.name().to_owned(),
            difference: values[i],
            low: interval.map(|difference| difference.low),
            high: interval.map(|difference| difference.high),
            images: n_images,
            authors,
        }
    });
    Ok(rows.collect())
}

/// Images of a subset with their units. Every model gets the same draws of authors.
struct Resampled {
    predictions: Vec<ScoredPrediction>,
    units: Vec<usize>,
}

impl Resampled {
    fn of(images: &[&ScoredImage], collection: &Collection) -> anyhow::Result<Self> {
        let units = images.iter().map(|image| collection.unit(&image.path));
        Ok(Self {
            predictions: images.iter().map(|image| image.prediction).collect(),
            units: units.collect::<Result<_, _>>()?,
        })
    }

    fn sample(&self) -> Sample<'_> {
        Sample {
            predictions: &self.predictions,
            units: &self.units,
        }
    }

    /// Number of authors; an image without a known author counts as one.
    fn authors(&self) -> anyhow::Result<u32> {
        Ok(u32::try_from(n_authors(self.units.iter().copied()))?)
    }
}

/// Name of the stream of a subset's replicates.
fn bootstrap_stream(subset: Subset) -> String {
    format!("{SCORE_BOOTSTRAP} {}", subset.stream_name())
}

/// The cells of a confusion matrix.
pub(crate) fn confusion(
    model: &str,
    subset: Subset,
    counts: &ConfusionCounts,
    collection: &Collection,
) -> anyhow::Result<Vec<Confusion>> {
    let classes = || collection.labels().iter().enumerate();
    let cells = classes().flat_map(|actual| classes().map(move |predicted| (actual, predicted)));
    cells
        .map(|((actual, actual_label), (predicted, predicted_label))| {
            Ok(Confusion {
                model: model.to_owned(),
                subset,
                actual: actual_label.clone(),
                predicted: predicted_label.clone(),
                count: count_of(counts.count(actual, predicted))?,
            })
        })
        .collect()
}

/// Metrics of each class.
pub(crate) fn report(
    model: &str,
    subset: Subset,
    counts: &ConfusionCounts,
    collection: &Collection,
) -> anyhow::Result<Vec<ClassReport>> {
    let classes = collection.labels().iter().zip(counts.report());
    classes
        .map(|(label, class)| {
            Ok(ClassReport {
                model: model.to_owned(),
                subset,
                label: label.clone(),
                precision: class.precision,
                recall: class.recall,
                f1: class.f1,
                support: count_of(class.support)?,
            })
        })
        .collect()
}

fn count_of(count: u64) -> anyhow::Result<u32> {
    u32::try_from(count).context("more images than the table can count")
}
