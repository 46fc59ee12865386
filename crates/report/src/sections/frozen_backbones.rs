//! Frozen features: classifiers on features of networks that were not trained in this study.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use table_linear_probes::LinearProbe;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{NONE, count, list, range, value};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::cross_validated::{CrossValidated, Model, NETWORK, difference_from, folds_text};
use crate::page::dot_rows::{DotRow, draw, share};
use crate::page::fold_scores::FoldScores;
use crate::page::metrics::{Differences, Metric, statement};
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Columns of the table, for each subset.
const METRICS: [Metric; 3] = [Metric::TOP_1, Metric::TOP_2, Metric::LOG_LOSS];

/// Name of the study's networks beside the frozen ones.
const OWN: &str = "fine-tuned";

reads! {
    /// Tables of the section.
    pub(crate) struct FrozenBackbones {
        annotations: Annotations,
        cross_validation: CrossValidated,
        fold_scores: FoldScores,
        comparisons: Differences,
        linear_probes: Rows<LinearProbe>,
    }
}

impl Section for FrozenBackbones {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let models = self.models();
        if models.len() < 2 {
            return Ok(None);
        }
        let figures = vec![self.figure(&models)];
        let body = html! {
            p {
                "A frozen backbone is a network that was not trained on the classes of this study. Its features, the outputs of its last "
                "block, are classified by a linear layer (linear probe) and by a random forest with the parameters of the study's "
                "forest, in each fold. This is the baseline that fine-tuning has to beat. "
                (self.best(&models)) (self.random())
            }
            p.note {
                "Validation scores are those of all folds' images together, each predicted by the classifier of its fold. "
                (self.selection_of_c())
                " The fine-tuned network of a fold is that of the section on cross-validation. Test images are predicted by the mean of the "
                "folds' probabilities, and selected nothing."
                @if models.len() > 3 {
                    " The more classifiers are compared, the more the best of them owes to chance."
                }
            }
            (row(&figures))
            (self.table(&models))
        };
        Ok(Some(Content {
            id: "frozen-backbones",
            heading: "Linear probe on frozen features",
            body,
            figures,
        }))
    }
}

impl FrozenBackbones {
    /// Classifiers on frozen features by backbone, then the study's networks.
    fn models(&self) -> Vec<Model<'_>> {
        let models = self.cross_validation.models(Subset::Validation).into_iter();
        let mut models: Vec<Model<'_>> = models.filter(|model| model.features.is_some()).collect();
        models.sort_by_key(|model| model.features);
        let own = self.cross_validation.counts(Subset::Validation);
        models.extend(own.map(|_| NETWORK));
        models
    }

    fn headline(&self) -> Metric {
        match self.annotations.is_informative(Metric::TOP_2.id) {
            true => Metric::TOP_2,
            false => Metric::TOP_1,
        }
    }

    fn metrics(&self) -> Vec<Metric> {
        let metrics = METRICS.into_iter();
        metrics
            .filter(|metric| self.annotations.is_informative(metric.id))
            .collect()
    }

    /// The best classifier on frozen features beside the study's networks.
    fn best(&self, models: &[Model<'_>]) -> String {
        let metric = self.headline();
        let score = |model: &Model<'_>| {
            let row = self
                .cross_validation
                .find(*model, Subset::Validation, metric.id);
            row.map(|row| row.value)
        };
        let frozen = models.iter().filter(|model| **model != NETWORK);
        let best = frozen.reduce(|best, model| match (score(model), score(best)) {
            (Some(a), Some(b)) if metric.is_better(a, b) => model,
            _ => best,
        });
        let Some((best, found)) = best.and_then(|best| Some((best, score(best)?))) else {
            return String::new();
        };
        let metrics = self.metrics().into_iter();
        let differences: Vec<_> = metrics
            .filter_map(|metric| {
                difference_from(&self.comparisons, *best, Subset::Validation, metric)
            })
            .collect();
        let text = format!(
            "The best of them by validation images is {}, with a {} of {}.",
            best.phrase(),
            metric.name,
            value(Some(found))
        );
        match statement("The fine-tuned network", "it", &differences) {
            Some(statement) => format!("{text} {statement}"),
            None => text,
        }
    }

    /// Sentence on networks of random weights.
    fn random(&self) -> String {
        let random = self.linear_probes.iter().filter(|row| !row.pretrained);
        let random: BTreeSet<&str> = random.map(|row| row.backbone.as_str()).collect();
        if random.is_empty() {
            return String::new();
        }
        let names: Vec<String> = random.into_iter().map(str::to_owned).collect();
        format!(
            " The weights of {} are random, as this run has no file of pretrained weights: these scores are those of an untrained \
         network.",
            list(&names)
        )
    }

    /// Sentences on the regularization of the linear layer.
    fn selection_of_c(&self) -> String {
        let selected = self.linear_probes.iter().filter(|row| row.selected);
        let by_backbone: BTreeMap<&str, f64> = selected
            .filter_map(|row| Some((row.backbone.as_str(), row.c?)))
            .collect();
        let how = match self.cross_validation.folds() {
            0 | 1 => {
                "The validation images selected C, the inverse regularization strength of the linear layer, so that its scores \
                      are optimistic"
            }
            _ => {
                "C, the inverse regularization strength of the linear layer, is selected for each fold by the validation images of \
                  the other folds"
            }
        };
        if by_backbone.is_empty() {
            return format!("{how}.");
        }
        let selected: Vec<String> = by_backbone
            .into_iter()
            .map(|(backbone, c)| format!("C\u{a0}=\u{a0}{c} for {backbone}"))
            .collect();
        format!("{how}; all folds together select {}.", list(&selected))
    }

    /// Number of features of a backbone.
    fn n_features(&self, model: Model<'_>) -> Option<u32> {
        let mut rows = self.linear_probes.iter();
        let row = rows.find(|row| Some(row.backbone.as_str()) == model.features)?;
        Some(row.features)
    }

    fn table(&self, models: &[Model<'_>]) -> Markup {
        let has_test = self.cross_validation.counts(Subset::Test).is_some();
        let subsets = [Some(Subset::Validation), has_test.then_some(Subset::Test)];
        let columns: Vec<(Subset, Metric)> = subsets
            .into_iter()
            .flatten()
            .flat_map(|subset| {
                self.metrics()
                    .into_iter()
                    .map(move |metric| (subset, metric))
            })
            .collect();
        let head = html! {
            tr {
                th scope="col" { "network" }
                th.words scope="col" { "classifier" }
                th scope="col" { "features" }
                @for (subset, metric) in &columns { th scope="col" { (metric.name) br; (subset.name()) } }
            }
        };
        let body = html! {
            @for model in models {
                tr class=[(*model == NETWORK).then_some("shaded")] {
                    th scope="row" { (model.features.unwrap_or(OWN)) }
                    td.words { (classifier(*model)) }
                    td { (self.n_features(*model).map_or_else(|| NONE.to_owned(), count)) }
                    @for (subset, metric) in &columns { (self.cell(*model, *subset, *metric)) }
                }
            }
        };
        table(
            "Scores by network and classifier, with 95 % intervals and the mean ± standard deviation of the folds",
            &head,
            &body,
        )
    }

    fn cell(&self, model: Model<'_>, subset: Subset, metric: Metric) -> Markup {
        let row = self.cross_validation.find(model, subset, metric.id);
        html! {
            td {
                (value(row.map(|row| row.value)))
                @if let Some(ends) = row.and_then(|row| range(row.low, row.high)) { " " small { "(" (ends) ")" } }
                @if let Some(folds) = row.and_then(folds_text) { br; small { (folds) } }
            }
        }
    }

    fn figure(&self, models: &[Model<'_>]) -> Figure {
        let metric = self.headline();
        let mut above = None;
        let rows: Vec<DotRow> = models
            .iter()
            .map(|model| {
                let network = model.features.unwrap_or(OWN);
                let is_new = above.replace(network) != Some(network);
                let found = |subset| self.cross_validation.find(*model, subset, metric.id);
                let validation = found(Subset::Validation);
                let folds = self.fold_scores.of_model(*model, metric.id);
                DotRow {
                    heading: is_new.then(|| network.to_owned()),
                    label: classifier(*model).to_owned(),
                    value: validation.map(|row| row.value),
                    interval: validation.and_then(|row| row.low.zip(row.high)),
                    single: folds.iter().map(|row| row.value).collect(),
                    ring: found(Subset::Test).map(|row| row.value),
                    color: match model.model {
                        "network" => 0,
                        "forest" => 1,
                        _ => 2,
                    },
                }
            })
            .collect();
        Figure {
            name: "frozen-backbones".to_owned(),
            title: "Frozen and fine-tuned networks".to_owned(),
            caption: "Dots are scores on the validation images of all folds together, with 95 % intervals; small rings are single folds, \
                      large rings the test set. The models share their images, so that overlapping intervals are no evidence that two \
                      models are equal: the differences are in the text."
                .to_owned(),
            canvas: draw(&rows, &share(metric.name)),
        }
    }
}

/// Name of a model's classifier.
fn classifier(model: Model<'_>) -> &str {
    match model {
        NETWORK => "own last layer",
        other => other.model,
    }
}

#[cfg(test)]
mod tests {
    use table_cross_validation::CrossValidation;

    use super::*;
    use crate::tests::fixture::{occurrences, report, study};

    #[test]
    fn frozen_networks_are_compared_with_fine_tuned_ones() {
        let mut study = study();
        let before = report(&study);
        let expected = [
            "The best of them by validation images is the linear probe on frozen features of resnet18, with a top-1 of 0.700. The \
             fine-tuned network is worse than it in top-1 (−0.100, −0.150 to −0.050); it is not significantly different from it in log-loss",
            "The weights of resnet18 are random, as",
            "by the validation images of the other folds; all folds together select C\u{a0}=\u{a0}0.1 for resnet18.",
            "<td class=\"words\">linear probe</td><td>512</td>",
            "<td class=\"words\">own last layer</td><td>–</td>",
        ];
        for part in expected {
            assert!(before.page.contains(part), "{part}");
        }
        let mut figures = before.figures.iter();
        let figure = figures.find(|f| f.name == "frozen-backbones.svg").unwrap();
        // Three models on all images, in three folds and on the test set.
        assert_eq!(occurrences(&figure.svg, "<circle class=\"dot"), 3);
        assert_eq!(occurrences(&figure.svg, "<circle class=\"ring"), 12);
        study.edit("linear_probes", |rows: &mut Vec<LinearProbe>| {
            rows.iter_mut().for_each(|row| row.pretrained = true)
        });
        assert!(!report(&study).page.contains("are random, as"));
    }

    #[test]
    fn without_frozen_features_there_is_no_section() {
        let mut study = study();
        study.edit("cross_validation", |rows: &mut Vec<CrossValidation>| {
            rows.retain(|row| row.features.is_none())
        });
        assert!(!report(&study).page.contains("id=\"frozen-backbones\""));
    }
}
