//! Cross-validated metrics of the network and of its baselines.

use std::ops::Deref;

use table_cross_validation::CrossValidation;
use tables::Subset;

use crate::ReportError;
use crate::draw::format::{counted, mean_sd, ranged};
use crate::page::metrics::{Difference, Differences, Metric};
use crate::page::tables::{Field, Reading, Rows};

/// The networks of all folds.
pub(crate) const NETWORK: Model<'static> = Model {
    model: "network",
    features: None,
};

/// The network of stage `select`.
pub(crate) const SELECTED: Model<'static> = Model {
    model: "selected network",
    features: None,
};

/// Models in the order of the report.
const ORDER: [&str; 6] = [
    "network",
    "selected network",
    "linear probe",
    "forest",
    "largest class",
    "chance",
];

/// A model, as the tables name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Model<'a> {
    /// Name of the kind of model.
    pub(crate) model: &'a str,
    /// Backbone of its frozen features, if it has any.
    pub(crate) features: Option<&'a str>,
}

impl Model<'_> {
    /// Name in a table.
    pub(crate) fn name(&self) -> String {
        match (self.model, self.features) {
            ("forest", Some(backbone)) => format!("forest on frozen features, {backbone}"),
            (model, Some(backbone)) => format!("{model}, {backbone}"),
            (model, None) => model.to_owned(),
        }
    }

    /// Name in a sentence.
    pub(crate) fn phrase(&self) -> String {
        match (self.model, self.features) {
            (model, Some(backbone)) => format!("the {model} on frozen features of {backbone}"),
            ("largest class", None) => "predicting the largest class".to_owned(),
            ("chance", None) => "chance".to_owned(),
            (model, None) => format!("the {model}"),
        }
    }

    /// Returns whether the model is a classifier, fitted to images.
    pub(crate) fn is_fitted(&self) -> bool {
        !matches!(self.model, "largest class" | "chance")
    }

    fn rank(&self) -> usize {
        let place = ORDER.iter().position(|name| *name == self.model);
        place.unwrap_or(ORDER.len())
    }
}

/// Cross-validated metrics.
pub(crate) struct CrossValidated(Rows<CrossValidation>);

impl Deref for CrossValidated {
    type Target = [CrossValidation];

    fn deref(&self) -> &[CrossValidation] {
        &self.0
    }
}

impl Field for CrossValidated {
    type Row = CrossValidation;

    const READING: Reading = Reading::Whole;

    fn of(_: &'static str, rows: Rows<CrossValidation>) -> Result<Self, ReportError> {
        Ok(Self(rows))
    }
}

impl CrossValidated {
    /// The row of a model, a subset and a metric.
    pub(crate) fn find(
        &self,
        model: Model<'_>,
        subset: Subset,
        metric: &str,
    ) -> Option<&CrossValidation> {
        let mut rows = self.iter();
        rows.find(|row| (of(row), row.subset, row.metric.as_str()) == (model, subset, metric))
    }

    /// Models with results on `subset`.
    pub(crate) fn models(&self, subset: Subset) -> Vec<Model<'_>> {
        let mut models: Vec<Model<'_>> = Vec::new();
        for model in self.iter().filter(|row| row.subset == subset).map(of) {
            if !models.contains(&model) {
                models.push(model);
            }
        }
        models.sort_by_key(Model::rank);
        models
    }

    /// The linear probe, of several that with the best `metric` on validation images.
    pub(crate) fn linear_probe(&self, metric: Metric) -> Option<Model<'_>> {
        let value = |model: &Model<'_>| {
            let row = self.find(*model, Subset::Validation, metric.id);
            row.map(|row| row.value)
        };
        let models = self.models(Subset::Validation).into_iter();
        let probes = models.filter(|model| model.model == "linear probe");
        probes.reduce(|best, model| match (value(&model), value(&best)) {
            (Some(a), Some(b)) if metric.is_better(a, b) => model,
            _ => best,
        })
    }

    /// Number of folds whose models predicted the validation images.
    pub(crate) fn folds(&self) -> u32 {
        let networks = self.iter().filter(|row| of(row) == NETWORK);
        let validated = networks.filter(|row| row.subset == Subset::Validation);
        validated.map(|row| row.folds).max().unwrap_or(0)
    }

    /// Any row of the network on `subset`: all have the same counts.
    pub(crate) fn counts(&self, subset: Subset) -> Option<&CrossValidation> {
        let mut rows = self.iter();
        rows.find(|row| row.subset == subset && of(row) == NETWORK)
    }
}

/// Difference of the folds' networks from another model.
pub(crate) fn difference_from(
    differences: &Differences,
    other: Model<'_>,
    subset: Subset,
    metric: Metric,
) -> Option<Difference> {
    let of = |other: &str| differences.find(NETWORK.model, other, subset, metric);
    // The table has the backbone's name where it is another than the network's own.
    let with_backbone = other
        .features
        .and_then(|backbone| of(&format!("{} on {backbone}", other.model)));
    with_backbone.or_else(|| of(other.model))
}

/// The model of a row.
pub(crate) fn of(row: &CrossValidation) -> Model<'_> {
    Model {
        model: &row.model,
        features: row.features.as_deref(),
    }
}

/// A value with its interval, `0.912 (0.87–0.94)`, or a dash.
pub(crate) fn value_text(row: Option<&CrossValidation>) -> String {
    match row {
        Some(row) => ranged(Some(row.value), row.low, row.high),
        None => ranged(None, None, None),
    }
}

/// Mean and standard deviation over folds, where there are several.
pub(crate) fn folds_text(row: &CrossValidation) -> Option<String> {
    Some(mean_sd(row.fold_mean?, row.fold_sd?))
}

/// `304 images by 70 authors`; without `authors`, which no collection without known authors has, the images alone.
pub(crate) fn counts_text(row: &CrossValidation, has_authors: bool) -> String {
    let images = counted(row.images as usize, "image");
    match has_authors {
        true => format!("{images} by {}", counted(row.authors as usize, "author")),
        false => images,
    }
}
