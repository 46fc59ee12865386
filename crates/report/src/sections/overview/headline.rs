//! The main results in sentences.

use table_optimism::Optimism;
use table_selection::Selection;
use tables::Subset;

use crate::draw::format::{list, signed, value};
use crate::page::annotations::Annotations;
use crate::page::cross_validated::{
    CrossValidated, Model, NETWORK, SELECTED, counts_text, difference_from, folds_text, value_text,
};
use crate::page::fold_scores::{FoldScores, epoch_phrase};
use crate::page::metrics::{Differences, Metric, Verdict, statement};
use crate::sections::overview::baselines;

/// Tables of the main results.
pub(crate) struct Headline<'a> {
    /// The images.
    pub(crate) annotations: &'a Annotations,
    /// Cross-validated metrics.
    pub(crate) results: &'a CrossValidated,
    /// Metrics of each fold.
    pub(crate) fold_scores: &'a FoldScores,
    /// Differences from the network.
    pub(crate) differences: &'a Differences,
    /// Optimism of the selected network's validation scores.
    pub(crate) optimism: &'a [Optimism],
    /// The selected network.
    pub(crate) selection: &'a Selection,
}

impl Headline<'_> {
    /// The metrics of the headline; the first is the one that selects epochs.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let informative = |metric: &Metric| self.annotations.is_informative(metric.id);
        let metrics = [Metric::TOP_2, Metric::TOP_1].into_iter();
        metrics.filter(informative).collect()
    }

    /// `top-2 0.967 (0.94–0.99) and top-1 0.868 (0.82–0.91)`.
    pub(crate) fn scores(&self, model: Model<'_>, subset: Subset) -> Option<String> {
        let scores = self.metrics().into_iter().filter_map(|metric| {
            let row = self.results.find(model, subset, metric.id)?;
            Some(format!("{} {}", metric.name, value_text(Some(row))))
        });
        let scores: Vec<String> = scores.collect();
        (!scores.is_empty()).then(|| list(&scores))
    }

    /// Number of images and authors of `subset`.
    pub(crate) fn counts(&self, subset: Subset) -> Option<String> {
        let row = self.results.counts(subset)?;
        Some(counts_text(row, self.annotations.has_authors()))
    }

    /// `top-2 0.970 ± 0.014`, where there are several folds.
    pub(crate) fn folds(&self) -> Option<String> {
        let folds = self.metrics().into_iter().filter_map(|metric| {
            let row = self.results.find(NETWORK, Subset::Validation, metric.id)?;
            Some(format!("{} {}", metric.name, folds_text(row)?))
        });
        let folds: Vec<String> = folds.collect();
        (!folds.is_empty()).then(|| list(&folds))
    }

    /// Origin of the validation scores, and their spread over the folds.
    pub(crate) fn procedure(&self) -> String {
        let epoch = epoch_phrase(self.fold_scores.selected_by(NETWORK));
        let mut text = format!(
            "Each image is predicted by the network of its fold, which was not trained on it, {epoch}."
        );
        if let Some(folds) = self.folds() {
            let n_folds = self.results.folds();
            text.push_str(&format!(
                " Mean ± standard deviation over the {n_folds} folds: {folds}."
            ));
        }
        text
    }

    /// Comparison of the network with a baseline on validation images, in all metrics that the table at a glance has.
    pub(crate) fn against(&self, other: Model<'_>) -> Option<String> {
        let informative = |metric: &Metric| self.annotations.is_informative(metric.id);
        let metrics = baselines::METRICS.into_iter().filter(informative);
        let differences: Vec<_> = metrics
            .filter_map(|metric| {
                difference_from(self.differences, other, Subset::Validation, metric)
            })
            .collect();
        statement("The network", &other.phrase(), &differences)
    }

    /// Comparison with the linear probe, and with other baselines where the network is not better by every metric of the
    /// headline.
    pub(crate) fn baselines(&self) -> Vec<String> {
        let probe = self
            .results
            .linear_probe(self.metrics().first().copied().unwrap_or(Metric::TOP_1));
        let is_better = |other: Model<'_>| {
            self.metrics().into_iter().all(|metric| {
                let difference =
                    difference_from(self.differences, other, Subset::Validation, metric);
                difference.is_none_or(|d| d.verdict() == Verdict::Better)
            })
        };
        let models = self.results.models(Subset::Validation).into_iter();
        let others = models.filter(|model| {
            let is_network = [NETWORK, SELECTED].contains(model);
            !is_network && model.model != "linear probe" && !is_better(*model)
        });
        probe
            .into_iter()
            .chain(others)
            .filter_map(|model| self.against(model))
            .collect()
    }

    /// Optimism of the selected network's own validation score; empty where it is unknown.
    pub(crate) fn optimism(&self) -> Option<String> {
        let parts = self.metrics().into_iter().filter_map(|metric| {
            let part = |part: &str| {
                let mut rows = self.optimism.iter();
                let row = rows.find(|row| row.metric == metric.id && row.part == part);
                row.map(|row| row.value)
            };
            let (total, epoch, fold) = (part("total")?, part("epoch")?, part("fold")?);
            Some(format!(
                "{} {} (epoch {}, fold {})",
                metric.name,
                signed(total),
                signed(epoch),
                signed(fold)
            ))
        });
        let parts: Vec<String> = parts.collect();
        (!parts.is_empty()).then(|| list(&parts))
    }

    /// Choices that the selected network's validation images made.
    fn selected_by_images(&self) -> Vec<String> {
        let epoch = self.fold_scores.selected_by(NETWORK) != Some("nothing");
        let fold = self.results.folds() > 1 && self.selection.rule == "best";
        let choices = [(epoch, "its epoch"), (fold, "its fold")].into_iter();
        choices
            .filter(|(was_made, _)| *was_made)
            .map(|(_, name)| name.to_owned())
            .collect()
    }

    /// The selected network and its own validation scores.
    pub(crate) fn selected(&self) -> String {
        let Selection {
            fold, epoch, rule, ..
        } = self.selection;
        let mut text = format!(
            "The selected network, which the sections on single images show, is that of fold {fold} in epoch {epoch} (counted from \
             0), by the rule “{rule}”."
        );
        if let Some(scores) = self.scores(SELECTED, Subset::Validation) {
            text.push_str(&format!(" On its own validation images it has {scores}"));
            text.push_str(&match self.selected_by_images().as_slice() {
                [] => ".".to_owned(),
                parts => format!(": optimistic, as these images selected {}.", list(parts)),
            });
        }
        if let Some(optimism) = self.optimism() {
            text.push_str(&format!(
                " Difference from the mean of the folds in epochs that they did not select: {optimism}."
            ));
        }
        text
    }

    /// Scores of the test set, by the ensemble and by the selected network.
    pub(crate) fn test(&self) -> Option<String> {
        let by_ensemble = self.scores(NETWORK, Subset::Test)?;
        let by_selected = self.scores(SELECTED, Subset::Test);
        let by_selected = by_selected.map(|scores| format!(", and the selected network {scores}"));
        let networks = match self.results.counts(Subset::Test).map(|row| row.folds) {
            None | Some(0 | 1) => "the network of the fold has".to_owned(),
            Some(folds) => format!(
                "the ensemble of the {folds} folds' networks (mean of their probabilities) has"
            ),
        };
        Some(format!(
            "On the test set, {}, which selected nothing, {networks} {by_ensemble}{}.",
            self.counts(Subset::Test)?,
            by_selected.unwrap_or_default()
        ))
    }

    /// Lines of the summary.
    pub(crate) fn lines(&self) -> Vec<String> {
        let validation = self.scores(NETWORK, Subset::Validation).map(|scores| {
            let title = match self.results.folds() {
                0 | 1 => "one fold".to_owned(),
                folds => format!("cross-validated, {folds} folds"),
            };
            let folds = self.folds().map(|folds| format!("; over folds: {folds}"));
            let counts = self.counts(Subset::Validation).unwrap_or_default();
            format!("{title}: {scores}{}; {counts}", folds.unwrap_or_default())
        });
        let test = self.scores(NETWORK, Subset::Test).map(|scores| {
            let selected = self.scores(SELECTED, Subset::Test);
            let selected = selected.map(|scores| format!("; selected network: {scores}"));
            let counts = self.counts(Subset::Test).unwrap_or_default();
            let networks = match self.results.folds() {
                0 | 1 => "",
                _ => ", ensemble",
            };
            format!(
                "test set{networks}: {scores}{}; {counts}",
                selected.unwrap_or_default()
            )
        });
        let lines = [
            validation,
            test,
            self.summary_of_selected(),
            self.summary_of_baselines(),
        ];
        lines
            .into_iter()
            .flatten()
            .chain(self.baselines())
            .collect()
    }

    fn summary_of_selected(&self) -> Option<String> {
        let scores = self.scores(SELECTED, Subset::Validation)?;
        let Selection {
            fold, epoch, rule, ..
        } = self.selection;
        let optimism = self.optimism();
        let optimism = optimism.map_or_else(String::new, |parts| {
            format!("; difference from the mean of the folds: {parts}")
        });
        let optimism = match self.selected_by_images().is_empty() {
            true => String::new(),
            false => format!(", optimistic{optimism}"),
        };
        Some(format!(
            "selected network: fold {fold}, epoch {epoch}, by rule `{rule}`; its own validation images: {scores}{optimism}"
        ))
    }

    fn summary_of_baselines(&self) -> Option<String> {
        let metric = *self.metrics().first()?;
        let models = self.results.models(Subset::Validation).into_iter();
        let baselines = models.filter(|model| ![NETWORK, SELECTED].contains(model));
        let baselines: Vec<String> = baselines
            .filter_map(|model| {
                let row = self.results.find(model, Subset::Validation, metric.id)?;
                Some(format!("{} {}", model.name(), value(Some(row.value))))
            })
            .collect();
        (!baselines.is_empty())
            .then(|| format!("baselines, {}: {}", metric.name, baselines.join("; ")))
    }
}
