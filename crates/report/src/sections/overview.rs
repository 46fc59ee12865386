//! Overview: the collection, the selected network and its scores; heading and summary of the report.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use table_balance::Balance;
use table_history::History;
use table_linear_probes::LinearProbe;
use table_predictions::Prediction;
use table_selection::Selection;
use table_silhouettes::Silhouette;
use tables::Subset;

use crate::ReportError;
use crate::draw::format::{
    count, counted, interval, list, score, score_with_interval, subset_name, value,
};
use crate::draw::table::table;
use crate::page::annotations::{Annotations, TopK};
use crate::page::prediction::n_images;
use crate::page::scores::Scores;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{One, Rows, Several, reads};
use crate::sections::clusters;
use crate::sections::split::has_fixed_training_images;

/// Path of the page in a workspace.
const PAGE: &str = "artifacts/report/index.html";

reads! {
    /// Tables of the section.
    pub(crate) struct Overview {
        annotations: Annotations,
        scores: Scores,
        selection: One<Selection>,
        histories: Several<History>,
        balance: Rows<Balance>,
        predictions: Rows<Prediction>,
        silhouettes: Rows<Silhouette>,
        linear_probes: Rows<LinearProbe>,
    }
}

impl Section for Overview {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let body = html! {
            (self.facts())
            (self.without_weights())
            (self.design())
            (self.outcome())
            (self.headline())
            p.note {
                "Top-1 is the share of images whose true class is the model's first guess"
                @if self.annotations.top_ks().len() > 1 { ", top-2 that of images whose true class is among the first two" }
                ". Classes have equal weights, whatever their number of images, so that random guesses have "
                (value(Some(self.annotations.chance(1))))
                @if self.annotations.top_ks().len() > 1 { " and " (value(Some(self.annotations.chance(2)))) } @else { "; with two classes, top-2 is always 1" }
                ". Parentheses: 95 % intervals by bootstrap over " (self.annotations.units()) "."
            }
        };
        Ok(Some(Content {
            id: "overview",
            heading: "Overview",
            body,
            figures: Vec::new(),
        }))
    }
}

impl Overview {
    /// The page's heading.
    pub(crate) fn title(&self) -> String {
        format!(
            "A study of {} in {}",
            counted(self.annotations.len(), "image"),
            self.classes()
        )
    }

    /// The summary: a few lines for the end of a run.
    pub(crate) fn summary(&self) -> String {
        let (selection, headline) = (&self.selection, self.annotations.headline_metric());
        let mut lines = vec![
            format!("report: {PAGE}"),
            format!(
                "selected: fold {}, epoch {}, by rule `{}`",
                selection.fold, selection.epoch, selection.rule
            ),
        ];
        let scores: Vec<String> = self
            .scores
            .subsets()
            .into_iter()
            .filter(|subset| *subset != Subset::Train)
            .map(|subset| {
                let score = self.scores.find("network", subset, headline.metric);
                format!("{subset} {}", score_with_interval(score))
            })
            .collect();
        lines.push(format!(
            "{} of the network: {}; by chance {}",
            headline.name,
            scores.join(", "),
            value(Some(self.annotations.chance(headline.k)))
        ));
        if let Some(best) = clusters::best(&self.silhouettes, "kmeans") {
            lines.push(format!(
                "clusters: the silhouette of k-means is highest at k = {}, {}",
                best.k,
                value(best.silhouette)
            ));
        }
        lines.push(String::new());
        lines.join("\n")
    }

    fn classes(&self) -> String {
        match self.annotations.labels().len() {
            1 => "1 class".to_owned(),
            n => format!("{n} classes"),
        }
    }

    fn n_authors(&self) -> usize {
        let authors: BTreeSet<&str> = self
            .annotations
            .iter()
            .filter_map(|row| row.author.as_deref())
            .collect();
        authors.len()
    }

    fn n_folds(&self) -> usize {
        let folds: BTreeSet<u32> = self.histories.iter().map(|row| row.fold).collect();
        folds.len()
    }

    /// Number of authors with images in several subsets of the selected network.
    fn n_authors_in_two_subsets(&self) -> usize {
        let annotations = self.annotations.by_path();
        let mut subsets: BTreeMap<&str, BTreeSet<Subset>> = BTreeMap::new();
        for row in self.predictions.iter() {
            let author = annotations
                .get(row.path.as_str())
                .and_then(|a| a.author.as_deref());
            if let Some(author) = author {
                subsets.entry(author).or_default().insert(row.subset);
            }
        }
        { subsets.values() }
            .filter(|subsets| subsets.len() > 1)
            .count()
    }

    fn facts(&self) -> Markup {
        let headline = self.annotations.headline_metric();
        let found = |subset| self.scores.find("network", subset, headline.metric);
        html! {
            dl.facts {
                div { dt { "images" } dd { (count(self.annotations.len())) } }
                div { dt { "classes" } dd { (self.annotations.labels().len()) } }
                @if self.annotations.has_authors() { div { dt { "authors" } dd { (count(self.n_authors())) } } }
                div { dt { "folds" } dd { (self.n_folds()) } }
                @for subset in [Subset::Validation, Subset::Test] {
                    @if self.scores.subsets().contains(&subset) {
                        div.score {
                            dt { (headline.name) ", " (subset_name(subset)) }
                            dd { (score(found(subset))) @if let Some(range) = interval(found(subset)) { small { (range) } } }
                        }
                    }
                }
            }
        }
    }

    fn design(&self) -> Markup {
        let crossing = match self.n_authors_in_two_subsets() {
            0 if !self.annotations.has_authors() => {
                "No author is known: images of one author can be in training and in validation, and scores can be too high for new authors"
                    .to_owned()
            }
            0 => {
                "Training, validation and test images of a network share no author, so that recognizing an author raises no \
                 score"
                    .to_owned()
            }
            1 => "One author has images in more than one of training, validation and test".to_owned(),
            n => format!("{n} authors have images in more than one of training, validation and test"),
        };
        let test = match n_images(&self.predictions, Subset::Test) {
            0 => "There is no test set, held out of all folds".to_owned(),
            n => format!(
                "The test set of {} is held out of all folds",
                counted(n, "image")
            ),
        };
        html! {
            p {
                "The " (counted(self.annotations.len(), "image"))
                @if self.annotations.has_authors() { " are by " (counted(self.n_authors(), "known author")) ". They" }
                @if has_fixed_training_images(&self.balance) {
                    " have an existing split, which is used: networks were trained on its training images and validated on "
                    @if self.n_folds() == 1 { "its validation images. " } @else { "a fold each. " }
                } @else {
                    " are divided into " (counted(self.n_folds(), "fold")) ", and for each fold a network was trained on the "
                    "others and validated on it. "
                }
                (test) ". " (crossing) "."
            }
        }
    }

    /// Warning of a study without pretrained weights; empty for others.
    fn without_weights(&self) -> Markup {
        let starts_random =
            |row: &LinearProbe| row.backbone.starts_with("resnet") && !row.pretrained;
        html! {
            @if self.linear_probes.iter().any(starts_random) {
                p.warning {
                    "No pretrained weights: the networks of this study started from random weights ("
                    code { "model.weights" }
                    " is empty). On photographs and paintings, ImageNet weights usually raise every score by far, and a \
                     low score here is no evidence on the classes. Fetch them by "
                    code { "cargo xtask weights get resnet18" } ", and set " code { "model.weights" }
                    ". The painted images of the demo need none."
                }
            }
        }
    }

    fn outcome(&self) -> Markup {
        let (selection, headline) = (&self.selection, self.annotations.headline_metric());
        html! {
            p {
                "The selected network is that of " strong { "fold " (selection.fold) ", epoch " (selection.epoch) }
                " (counted from 0), by the rule “" (selection.rule) "”. "
                @if let Some(validation) = self.scores.find("network", Subset::Validation, headline.metric) {
                    "On validation images, the fold that selected the epoch, its " (headline.name) " is " strong { (score_with_interval(Some(validation))) }
                    @if let Some(test) = self.scores.find("network", Subset::Test, headline.metric) {
                        "; on test images, which selected nothing, it is "
                        strong { (score_with_interval(Some(test))) }
                    }
                    "."
                }
                @if let Some(forest) = self.scores.find("forest", Subset::Validation, headline.metric) {
                    " A random forest on the network's embeddings reaches " (score_with_interval(Some(forest))) " on validation images."
                }
            }
        }
    }

    fn headline(&self) -> Markup {
        let (models, tops) = (self.scores.models(), self.annotations.top_ks());
        let head = html! {
            tr {
                th scope="col" { "subset" }
                th scope="col" { "images" }
                @for model in &models { @for TopK { name, .. } in &tops {
                    th scope="col" { (model) br; (name) }
                } }
            }
        };
        let body = html! {
            @for subset in self.scores.subsets() {
                tr {
                    th scope="row" { (subset_name(subset)) }
                    td { (count(n_images(&self.predictions, subset))) }
                    @for model in &models { @for TopK { metric, .. } in &tops {
                        (cell(&self.scores, model, subset, metric))
                    } }
                }
            }
        };
        let names: Vec<String> = tops.iter().map(|top| top.name.to_owned()).collect();
        table(&format!("Scores: {}", list(&names)), &head, &body)
    }
}

/// A table's cell with a score and its interval.
pub(crate) fn cell(scores: &Scores, model: &str, subset: Subset, metric: &str) -> Markup {
    let found = scores.find(model, subset, metric);
    html! {
        td { (score(found)) @if let Some(range) = interval(found) { " " small { "(" (range) ")" } } }
    }
}

#[cfg(test)]
mod tests {
    use table_annotations::Annotation;

    use super::*;
    use crate::page::tables::Reads as _;
    use crate::tests::fixture::{report, study};

    #[test]
    fn a_study_from_random_weights_begins_with_a_warning() {
        let mut study = study();
        let warning = "<p class=\"warning\">No pretrained weights: ";
        let page = report(&study).page;
        assert!(page.find(warning).unwrap() < page.find("id=\"frozen-backbones\"").unwrap());
        study.edit("linear_probes", |rows: &mut Vec<LinearProbe>| {
            rows.iter_mut().for_each(|row| row.pretrained = true)
        });
        assert!(!report(&study).page.contains(warning));
        study.edit("linear_probes", |rows: &mut Vec<LinearProbe>| rows.clear());
        assert!(!report(&study).page.contains(warning));
    }

    #[test]
    fn the_summary_has_the_key_facts() {
        let expected = [
            "report: artifacts/report/index.html",
            "selected: fold 1, epoch 2, by rule `best`",
            "top-1 of the network: validation 0.750 (0.50–0.88), test 0.750; by chance 0.500",
            "clusters: the silhouette of k-means is highest at k = 3, 0.500",
            "",
        ];
        assert_eq!(report(&study()).summary, expected.join("\n"));
    }

    #[test]
    fn top_2_is_the_headline_of_more_than_two_classes() {
        let mut study = study();
        study.edit("annotations", |rows: &mut Vec<Annotation>| {
            "fauvism".clone_into(&mut rows[0].label)
        });
        let summary = Overview::read(&study).unwrap().summary();
        assert!(summary.contains(
            "top-2 of the network: validation 0.750 (0.50–0.88), test 0.750; by chance 0.667"
        ));
    }
}
