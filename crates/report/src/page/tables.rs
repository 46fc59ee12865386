//! The tables that the report is made of, and how to look things up in them.

use std::collections::BTreeMap;

use numeric::Classes;
use tables::annotation::Annotation;
use tables::arrangement::Arrangement;
use tables::arrangement_score::ArrangementScore;
use tables::balance::Balance;
use tables::calibration::Calibration;
use tables::choice::Choice;
use tables::class_report::ClassReport;
use tables::cluster::Cluster;
use tables::confusion::Confusion;
use tables::epoch_place::EpochPlace;
use tables::epoch_score::EpochScore;
use tables::explanation::Explanation;
use tables::flattery::Flattery;
use tables::fold::Assignment;
use tables::forest_trial::ForestTrial;
use tables::history::History;
use tables::leak::Leak;
use tables::map_quality::MapQuality;
use tables::near_duplicate::NearDuplicate;
use tables::prediction::Prediction;
use tables::probe::Probe;
use tables::problem::Problem;
use tables::reliability::Reliability;
use tables::score::Score;
use tables::silhouette::Silhouette;
use tables::subset::Subset;

use crate::draw::palette::N_SERIES;

/// The tables of a study, sorted as in their files.
#[derive(Clone, Debug)]
pub struct Study {
    /// The collection.
    pub annotations: Vec<Annotation>,
    /// What was left out of it.
    pub problems: Vec<Problem>,
    /// Authors and images by class and fold.
    pub balance: Vec<Balance>,
    /// Authors and near-duplicates that three splits don't keep together.
    pub leaks: Vec<Leak>,
    /// Pictures that look alike.
    pub near_duplicates: Vec<NearDuplicate>,
    /// The recipe's scores under those splits.
    pub flattery: Vec<Flattery>,
    /// The course of all trainings.
    pub histories: Vec<History>,
    /// The chosen model.
    pub choice: Choice,
    /// The chosen network's word on every picture.
    pub predictions: Vec<Prediction>,
    /// What the chosen network looks at in some pictures.
    pub explanations: Vec<Explanation>,
    /// Figures of the chosen models.
    pub scores: Vec<Score>,
    /// Figures of every epoch.
    pub epoch_scores: Vec<EpochScore>,
    /// Confusion matrices of the chosen models.
    pub confusion: Vec<Confusion>,
    /// Per-class reports of the chosen models.
    pub class_reports: Vec<ClassReport>,
    /// How far the models' probabilities can be believed.
    pub calibrations: Vec<Calibration>,
    /// Their confidence against their accuracy.
    pub reliabilities: Vec<Reliability>,
    /// Clusters and map of the embeddings.
    pub clusters: Vec<Cluster>,
    /// How well each number of clusters fits.
    pub silhouettes: Vec<Silhouette>,
    /// The search for the forest's parameters; without rows where there was none.
    pub forest_trials: Vec<ForestTrial>,
    /// How well classes are read from the features of frozen networks; without rows where there were none.
    pub probes: Vec<Probe>,
    /// Where pictures stand in the last epoch of the metric learning.
    pub arrangement: Vec<Arrangement>,
    /// How well classes stand apart in each of its epochs.
    pub arrangement_scores: Vec<ArrangementScore>,
    /// The chosen fold's pictures on one map, by epoch.
    pub epoch_places: Vec<EpochPlace>,
    /// How far these places can be trusted.
    pub map_qualities: Vec<MapQuality>,
}

/// The models, in the order in which people read them.
pub(crate) const MODELS: [&str; 3] = ["network", "forest", "tuned forest"];

/// Codes of classes: what their colors go by.
pub(crate) struct Codes(Classes);

impl Codes {
    /// The code of `label`; that of an unknown one is beyond all others.
    pub(crate) fn of(&self, label: &str) -> u32 {
        let code = self.0.index(label).unwrap_or(self.0.len());
        u32::try_from(code).unwrap_or(u32::MAX)
    }
}

/// Where pictures stand in the table of all of them.
pub(crate) struct Anchors<'a>(Vec<&'a str>);

impl<'a> Anchors<'a> {
    /// Of the images that have a row, by path in the order of the rows.
    pub(crate) fn of(paths: Vec<&'a str>) -> Self {
        Self(paths)
    }

    /// The paths, in the order of the rows.
    pub(crate) fn paths(&self) -> &[&'a str] {
        &self.0
    }

    /// The id of a picture's row; none where it has no row.
    pub(crate) fn id(&self, path: &str) -> Option<String> {
        let place = self.0.binary_search(&path).ok()?;
        Some(format!("p{place}"))
    }

    /// A link to the row.
    pub(crate) fn link(&self, path: &str) -> Option<String> {
        self.id(path).map(|id| format!("#{id}"))
    }
}

/// A top-k accuracy.
#[derive(Clone, Copy)]
pub(crate) struct Lead {
    /// A picture counts as right if its class is among so many.
    pub(crate) k: usize,
    /// As tables name it.
    pub(crate) metric: &'static str,
    /// As readers know it.
    pub(crate) name: &'static str,
}

const TOP_1: Lead = Lead {
    k: 1,
    metric: "top1",
    name: "top-1",
};

const TOP_2: Lead = Lead {
    k: 2,
    metric: "top2",
    name: "top-2",
};

impl Study {
    /// The classes: a class's code is its index.
    pub(crate) fn labels(&self) -> Classes {
        Classes::of(self.annotations.iter().map(|row| row.label.as_str()))
    }

    /// The classes' codes.
    pub(crate) fn codes(&self) -> Codes {
        Codes(self.labels())
    }

    /// Annotations by path.
    pub(crate) fn pictures(&self) -> BTreeMap<&str, &Annotation> {
        let rows = self.annotations.iter();
        rows.map(|row| (row.path.as_str(), row)).collect()
    }

    /// The models that were scored.
    pub(crate) fn models(&self) -> Vec<&'static str> {
        let is_scored = |model: &&str| self.scores.iter().any(|row| row.model == *model);
        MODELS.into_iter().filter(is_scored).collect()
    }

    /// The subsets that were scored.
    pub(crate) fn subsets(&self) -> Vec<Subset> {
        let is_scored = |subset: &Subset| self.scores.iter().any(|row| row.subset == *subset);
        Subset::OF_SPLIT.into_iter().filter(is_scored).collect()
    }

    /// Number of images of `subset`.
    pub(crate) fn n_pictures(&self, subset: Subset) -> usize {
        let rows = self.predictions.iter();
        rows.filter(|row| row.subset == subset).count()
    }

    /// A figure of a model.
    pub(crate) fn score(&self, model: &str, subset: Subset, metric: &str) -> Option<&Score> {
        let wanted = (model, subset, metric);
        let mut rows = self.scores.iter();
        rows.find(|row| (row.model.as_str(), row.subset, row.metric.as_str()) == wanted)
    }

    /// What the report speaks of first: top-2, or top-1 where there are two classes, since top-2 is 1 there.
    pub(crate) fn lead(&self) -> Lead {
        match self.labels().len() {
            0..=2 => TOP_1,
            _ => TOP_2,
        }
    }

    /// The top-`k` accuracies that can tell models apart: as many guesses as classes are always right.
    pub(crate) fn tops(&self) -> Vec<Lead> {
        let n_classes = self.labels().len();
        let tops = [TOP_1, TOP_2].into_iter();
        tops.filter(|top| top.k < n_classes.max(2)).collect()
    }

    /// Whether `metric` can: all but a top-`k` of as many guesses as classes.
    pub(crate) fn is_informative(&self, metric: &str) -> bool {
        !metric.starts_with("top") || self.tops().iter().any(|top| top.metric == metric)
    }

    /// A sentence on the colors of the classes, where they come round again.
    pub(crate) fn words_on_colors(&self) -> &'static str {
        match self.labels().len() {
            0..=N_SERIES => "",
            n if n <= 2 * N_SERIES => {
                " The classes after the eighth have the colors of the first, and square dots."
            }
            _ => " With so many classes colors repeat, and only the largest are named.",
        }
    }

    /// Whether an author is known of any image.
    pub(crate) fn has_authors(&self) -> bool {
        self.annotations.iter().any(|row| row.author.is_some())
    }

    /// What a bootstrap draws.
    pub(crate) fn units(&self) -> &'static str {
        match self.has_authors() {
            false => "images",
            true if self.annotations.iter().all(|row| row.author.is_some()) => "authors",
            true => "authors, and single images where none is known",
        }
    }

    /// Whether the collection came with training images, which are in no fold.
    pub(crate) fn has_fixed_training_images(&self) -> bool {
        let mut rows = self.balance.iter();
        rows.any(|row| row.fold == Assignment::Train)
    }

    /// What guessing gets in top-`k`: `k` of the classes.
    pub(crate) fn chance(&self, k: usize) -> f64 {
        let n_classes = self.labels().len().max(1);
        (k as f64 / n_classes as f64).min(1.0)
    }
}
