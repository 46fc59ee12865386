//! Metrics as rows of the tables.

use anyhow::{Context, ensure};
use metrics::cross_validation::{FoldEpochs, SelectedBy, mean_and_sd, optimism as parts};
use metrics::streams::CROSS_VALIDATION_BOOTSTRAP;
use metrics::{
    Collection, Difference, Interval, Metric, Pairing, Sample, Scores, differences, intervals,
    single_unit_classes,
};
use random::{Seed, Stream};
use table_comparisons::Comparison;
use table_cross_validation::CrossValidation;
use table_fold_scores::FoldScore;
use table_optimism::Optimism;
use tables::Subset;

use crate::baselines::{LINEAR_PROBE, PROBES};
use crate::network::NETWORK;
use crate::predictions::{
    ImagePrediction, Model, by_fold, count, counts, n_authors, scored, scores,
};

/// Metrics that can differ for the classes of `collection`, each with its place in [`Scores`].
fn informative(collection: &Collection) -> impl Iterator<Item = (usize, &'static str)> {
    let n_classes = collection.labels().len();
    let metrics = Metric::ALL.into_iter().enumerate();
    metrics
        .filter(move |(_, metric)| metric.is_informative(n_classes))
        .map(|(at, metric)| (at, metric.name()))
}

/// Metrics of each fold.
pub(crate) struct FoldScores<'a> {
    pub(crate) collection: &'a Collection,
    pub(crate) epochs: &'a [FoldEpochs],
    /// Selection of the network's scored epochs.
    pub(crate) selected_by: SelectedBy,
}

impl FoldScores<'_> {
    /// Scores of each fold, in the order of the folds.
    pub(crate) fn values(&self, images: &[ImagePrediction]) -> Vec<Scores> {
        let folds = by_fold(images);
        let n_classes = self.collection.labels().len();
        let each = self.epochs.iter().filter_map(|row| folds.get(&row.fold));
        each.map(|images| scores(images.iter().copied(), n_classes))
            .collect()
    }

    /// The network in the scored epochs and, if others, in the folds' own; the probes.
    pub(crate) fn rows(
        &self,
        network: &Model,
        in_own_epochs: &[ImagePrediction],
        baselines: &[Model],
    ) -> anyhow::Result<Vec<FoldScore>> {
        let scored = |row: &FoldEpochs| Some(row.scored);
        let mut rows = self.of_model(network, &network.validation, self.selected_by, scored)?;
        if self.selected_by == SelectedBy::OtherFolds {
            let own = |row: &FoldEpochs| Some(row.own);
            rows.extend(self.of_model(network, in_own_epochs, SelectedBy::OwnFold, own)?);
        }
        for probe in { baselines.iter() }.filter(|model| PROBES.contains(&model.name)) {
            // The regularization of the linear layer is selected, and nothing of the forest.
            let selected_by = match probe.name {
                LINEAR_PROBE if self.epochs.len() > 1 => SelectedBy::OtherFolds,
                LINEAR_PROBE => SelectedBy::OwnFold,
                _ => SelectedBy::Nothing,
            };
            rows.extend(self.of_model(probe, &probe.validation, selected_by, |_| None)?);
        }
        Ok(rows)
    }

    fn of_model(
        &self,
        model: &Model,
        images: &[ImagePrediction],
        selected_by: SelectedBy,
        epoch: impl Fn(&FoldEpochs) -> Option<u32>,
    ) -> anyhow::Result<Vec<FoldScore>> {
        let folds = by_fold(images);
        let mut rows = Vec::new();
        for (epochs, values) in self.epochs.iter().zip(self.values(images)) {
            let images = folds.get(&epochs.fold);
            let images = images.with_context(|| {
                format!("`{}` has no images of fold {}", model.name, epochs.fold)
            })?;
            let (n_images, n_authors) = (count(images.len())?, n_authors(images.iter().copied())?);
            rows.extend(informative(self.collection).map(|(at, metric)| FoldScore {
                model: model.name.to_owned(),
                features: model.features.clone(),
                selected_by: selected_by.name().to_owned(),
                fold: epochs.fold,
                epoch: epoch(epochs),
                images: n_images,
                authors: n_authors,
                metric: metric.to_owned(),
                value: values[at],
            }));
        }
        Ok(rows)
    }
}

/// Optimism of the metrics of the fold at `selected`, by the scores of each fold in its own and in its scored epoch.
pub(crate) fn optimism(
    own: &[Scores],
    scored: &[Scores],
    selected: usize,
    collection: &Collection,
) -> anyhow::Result<Vec<Optimism>> {
    let Some(parts) = parts(own, scored, selected)? else {
        return Ok(Vec::new());
    };
    let rows = informative(collection).flat_map(|(at, metric)| {
        let parts = [
            ("epoch", parts[at].epoch),
            ("fold", parts[at].fold),
            ("total", parts[at].total()),
        ];
        parts.map(|(part, value)| Optimism {
            metric: metric.to_owned(),
            part: part.to_owned(),
            value,
        })
    });
    Ok(rows.collect())
}

/// The bootstrap of intervals. Every model gets the same draws of authors.
pub(crate) struct Intervals<'a> {
    pub(crate) collection: &'a Collection,
    pub(crate) seed: Seed,
    /// Number of replicates.
    pub(crate) bootstrap: u64,
}

impl Intervals<'_> {
    fn stream(&self, subset: Subset) -> Stream {
        let name = format!("{CROSS_VALIDATION_BOOTSTRAP} {}", subset.stream_name());
        self.seed.stream(&name)
    }

    fn of(
        &self,
        subset: Subset,
        images: &[ImagePrediction],
    ) -> anyhow::Result<Option<[Interval; Metric::ALL.len()]>> {
        let stream = self.stream(subset);
        let (predictions, units) = scored(images);
        let n_classes = self.collection.labels().len();
        let rng_of = |replicate| stream.at(replicate, 0);
        Ok(intervals(
            n_classes,
            &predictions,
            &units,
            self.bootstrap,
            rng_of,
        )?)
    }

    /// Intervals of the differences of two models' scores on the same images.
    fn of_difference(
        &self,
        subset: Subset,
        images: &[ImagePrediction],
        other: &Model,
        others: &[ImagePrediction],
    ) -> anyhow::Result<Option<[Interval; Metric::ALL.len()]>> {
        let n_classes = self.collection.labels().len();
        if other.is_expected() {
            // Expectations don't vary between authors, so the interval is that of the model, shifted.
            let constant = scores(others, n_classes);
            let shifted = |at: usize, interval: Interval| Interval {
                low: interval.low - constant[at],
                high: interval.high - constant[at],
            };
            let bounds = self.of(subset, images)?;
            return Ok(bounds.map(|bounds| std::array::from_fn(|at| shifted(at, bounds[at]))));
        }
        let stream = self.stream(subset);
        let ((a, a_units), (b, b_units)) = (scored(images), scored(others));
        let [a, b] = [(&a, &a_units), (&b, &b_units)]
            .map(|(predictions, units)| Sample { predictions, units });
        let rng_of = |replicate| stream.at(replicate, 0);
        let differences = differences(n_classes, [a, b], Pairing::Images, self.bootstrap, rng_of)?;
        let interval = |Difference { low, high, .. }| Interval { low, high };
        Ok(differences.map(|differences| differences.map(interval)))
    }
}

/// Metrics of a model on its subsets.
pub(crate) fn cross_validation(
    model: &Model,
    intervals: &Intervals<'_>,
) -> anyhow::Result<Vec<CrossValidation>> {
    let n_classes = intervals.collection.labels().len();
    let mut rows = Vec::new();
    for (subset, images) in model.subsets() {
        let values = scores(images, n_classes);
        // An interval would be that of the folds' numbers of images, not of a model's predictions.
        let bounds = if model.depends_on_images {
            intervals.of(subset, images)?
        } else {
            None
        };
        let folds: Vec<Scores> = if model.is_cross_validated {
            let folds = by_fold(images).into_values();
            folds.map(|images| scores(images, n_classes)).collect()
        } else {
            Vec::new()
        };
        let (n_images, n_authors) = (count(images.len())?, n_authors(images)?);
        let (predictions, units) = scored(images);
        let single_author_classes = count(single_unit_classes(&predictions, &units)?)?;
        for (at, metric) in informative(intervals.collection) {
            let of_folds: Vec<f64> = folds.iter().map(|scores| scores[at]).collect();
            let of_folds = mean_and_sd(&of_folds);
            let interval = bounds.as_ref().map(|bounds| bounds[at]);
            rows.push(CrossValidation {
                model: model.name.to_owned(),
                features: model.features.clone(),
                subset,
                metric: metric.to_owned(),
                value: values[at],
                low: interval.map(|interval| interval.low),
                high: interval.map(|interval| interval.high),
                fold_mean: of_folds.map(|(mean, _)| mean),
                fold_sd: of_folds.map(|(_, sd)| sd),
                folds: count(model.n_models)?,
                images: n_images,
                authors: n_authors,
                single_author_classes,
            });
        }
    }
    Ok(rows)
}

/// Differences of the network and `other` on the images of each subset.
pub(crate) fn comparisons(
    network: &Model,
    other: &Model,
    intervals: &Intervals<'_>,
) -> anyhow::Result<Vec<Comparison>> {
    let validation = on_subset(Subset::Validation, network, other, intervals)?;
    let test = on_subset(Subset::Test, network, other, intervals)?;
    Ok([validation, test].concat())
}

/// Differences of the ensemble and the selected network on the test images.
pub(crate) fn against_selected(
    network: &Model,
    selected: &Model,
    intervals: &Intervals<'_>,
) -> anyhow::Result<Vec<Comparison>> {
    on_subset(Subset::Test, network, selected, intervals)
}

fn on_subset(
    subset: Subset,
    network: &Model,
    other: &Model,
    intervals: &Intervals<'_>,
) -> anyhow::Result<Vec<Comparison>> {
    let images_of = |model: &Model| -> Vec<ImagePrediction> {
        let mut subsets = model.subsets();
        let images = subsets.find(|(found, _)| *found == subset);
        images.map_or_else(Vec::new, |(_, images)| images.to_vec())
    };
    let (images, others) = (images_of(network), images_of(other));
    let paths = |images: &[ImagePrediction]| -> Vec<String> {
        images.iter().map(|image| image.path.clone()).collect()
    };
    ensure!(
        paths(&images) == paths(&others),
        "`{}` has predictions for {} {subset} images and `{NETWORK}` for {}, expected the same images: run the stages that \
         made them on one split",
        other.compared_as,
        others.len(),
        images.len()
    );
    if images.is_empty() {
        return Ok(Vec::new());
    }
    let n_classes = intervals.collection.labels().len();
    let values = counts(&images, n_classes).scores_less(&counts(&others, n_classes));
    let bounds = intervals.of_difference(subset, &images, other, &others)?;
    let (n_images, n_authors) = (count(images.len())?, n_authors(&images)?);
    let rows = informative(intervals.collection).map(|(at, metric)| {
        let interval = bounds.as_ref().map(|bounds| bounds[at]);
        Comparison {
            model: network.compared_as.clone(),
            other: other.compared_as.clone(),
            subset,
            metric: metric.to_owned(),
            difference: values[at],
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
            images: n_images,
            authors: n_authors,
        }
    });
    Ok(rows.collect())
}
