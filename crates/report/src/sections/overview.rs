//! Overview: the collection, cross-validated scores beside those of baselines, and the test set; heading and summary of the
//! report.

pub(crate) mod baselines;
mod headline;

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use table_balance::Balance;
use table_history::History;
use table_leakage::SplitLeakage;
use table_linear_probes::LinearProbe;
use table_near_duplicates::NearDuplicate;
use table_optimism::Optimism;
use table_predictions::Prediction;
use table_selection::Selection;
use table_silhouettes::Silhouette;
use tables::Subset;

use crate::ReportError;
use crate::draw::format::{NO_INTERVAL, count, counted, list, percent, range, value};
use crate::page::annotations::Annotations;
use crate::page::cross_validated::{CrossValidated, Model, NETWORK, SELECTED, folds_text};
use crate::page::fold_scores::FoldScores;
use crate::page::metrics::{Differences, Metric};
use crate::page::prediction::n_images;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{One, Rows, Several, reads};
use crate::sections::clusters;
use crate::sections::leakage::LEAKY;
use crate::sections::overview::headline::Headline;
use crate::sections::split::{has_fixed_training_images, is_existing};

/// Path of the page in a workspace.
const PAGE: &str = "artifacts/report/index.html";

reads! {
    /// Tables of the section.
    pub(crate) struct Overview {
        annotations: Annotations,
        cross_validation: CrossValidated,
        fold_scores: FoldScores,
        comparisons: Differences,
        optimism: Rows<Optimism>,
        selection: One<Selection>,
        histories: Several<History>,
        balance: Rows<Balance>,
        leakage: Rows<SplitLeakage>,
        near_duplicates: Rows<NearDuplicate>,
        predictions: Rows<Prediction>,
        silhouettes: Rows<Silhouette>,
        linear_probes: Rows<LinearProbe>,
    }
}

impl Section for Overview {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let headline = self.headline();
        let body = html! {
            (self.facts())
            (self.without_weights())
            @if let (Some(scores), Some(counts)) = (headline.scores(NETWORK, Subset::Validation), headline.counts(Subset::Validation)) {
                p {
                    @if headline.folds().is_some() { "Cross-validation: on " } @else { "On the validation images, " }
                    (counts) ", the network has " strong { (scores) } ". " (headline.procedure())
                    @for sentence in headline.baselines() { " " (sentence) }
                }
            }
            @if let Some(test) = headline.test() { p { (test) (self.kind_of_test_set()) } }
            (baselines::at_a_glance(&self.annotations, &self.cross_validation, &self.comparisons, Subset::Validation))
            p { (headline.selected()) }
            (self.design())
            (self.definitions())
            (self.limits())
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
        let mut lines = vec![format!("report: {PAGE}")];
        lines.extend(self.headline().lines());
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

    fn headline(&self) -> Headline<'_> {
        Headline {
            annotations: &self.annotations,
            results: &self.cross_validation,
            fold_scores: &self.fold_scores,
            differences: &self.comparisons,
            optimism: &self.optimism,
            selection: &self.selection,
        }
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
        let metrics = self.headline().metrics();
        html! {
            dl.facts {
                div { dt { "images" } dd { (count(self.annotations.len())) } }
                div { dt { "classes" } dd { (self.annotations.labels().len()) } }
                @if self.annotations.has_authors() { div { dt { "authors" } dd { (count(self.n_authors())) } } }
                div { dt { "folds" } dd { (self.n_folds()) } }
                @for metric in &metrics { (self.tile(*metric, Subset::Validation)) }
                @for metric in metrics.iter().take(1) { (self.tile(*metric, Subset::Test)) }
            }
        }
    }

    /// Tile of the network's score; empty where there is none.
    fn tile(&self, metric: Metric, subset: Subset) -> Markup {
        let Some(row) = self.cross_validation.find(NETWORK, subset, metric.id) else {
            return html! {};
        };
        let origin = match (subset, row.folds) {
            (Subset::Test, 0 | 1) => "test set",
            (Subset::Test, _) => "test set, ensemble",
            (_, 0 | 1) => "validation",
            _ => "cross-validated",
        };
        html! {
            div.score {
                dt { (metric.name) ", " (origin) }
                dd {
                    (value(Some(row.value)))
                    small {
                        @if let Some(range) = range(row.low, row.high) { (range) "; " }
                        @if let Some(folds) = folds_text(row) { "folds " (folds) "; " }
                        (counted(row.images as usize, "image"))
                    }
                }
            }
        }
    }

    fn design(&self) -> Markup {
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
                    @if is_existing(&self.leakage) { " have an existing test set, which is used. The others" }
                    " are divided into " (counted(self.n_folds(), "fold")) ", and for each fold a network was trained on the "
                    "others and validated on it. "
                }
                (test) ". " (self.crossing()) "." (self.unknown_authors()) (self.copies())
            }
        }
    }

    /// Authors in several subsets.
    fn crossing(&self) -> String {
        match self.n_authors_in_two_subsets() {
            0 if !self.annotations.has_authors() => {
                "No author is known: images of one author can be in training and in validation, and scores can be too high for new authors"
                    .to_owned()
            }
            0 => "Training, validation and test images of a network share no known author".to_owned(),
            1 => "One author has images in more than one of training, validation and test".to_owned(),
            n => format!("{n} authors have images in more than one of training, validation and test"),
        }
    }

    /// Images without an author, where others have one.
    fn unknown_authors(&self) -> String {
        let unknown = self.annotations.n_without_author();
        if unknown == 0 || !self.annotations.has_authors() {
            return String::new();
        }
        let share = percent(unknown as f64 / self.annotations.len() as f64);
        let dealt = match has_fixed_training_images(&self.balance) {
            true => "",
            false => " and is assigned to a fold at random",
        };
        format!(
            " {} ({share}) have no known author: each of them stands alone{dealt}, so that images of one unknown author can be in training and in validation, which raises scores.",
            counted(unknown, "image")
        )
    }

    /// Near-duplicates in several folds, or in the test set and elsewhere.
    fn copies(&self) -> String {
        let mut splits = self.leakage.iter();
        let own = splits.find(|row| !LEAKY.contains(&row.split.as_str()));
        let in_several = own.map_or(0, |row| row.split_near_duplicates) as usize;
        let with_test = self.n_copies_of_test_images();
        let mut text = String::new();
        if in_several > 0 {
            text.push_str(&format!(
                " {} in more than one fold, so that copies of training images are scored.",
                have(in_several)
            ));
        }
        if with_test > 0 {
            text.push_str(&format!(
                " {} in the test set and outside of it: copies of test images were trained on.",
                have(with_test)
            ));
        }
        text
    }

    /// Number of groups of near-duplicates with images in the test set and elsewhere.
    fn n_copies_of_test_images(&self) -> usize {
        let rows = self.predictions.iter();
        let subsets: BTreeMap<&str, Subset> =
            rows.map(|row| (row.path.as_str(), row.subset)).collect();
        let mut in_test: BTreeMap<u32, BTreeSet<bool>> = BTreeMap::new();
        for row in self.near_duplicates.iter() {
            if let Some(subset) = subsets.get(row.path.as_str()) {
                let group = in_test.entry(row.group).or_default();
                group.insert(*subset == Subset::Test);
            }
        }
        in_test.values().filter(|sides| sides.len() > 1).count()
    }

    /// Sentence on the choice of the test set.
    fn kind_of_test_set(&self) -> &'static str {
        if is_existing(&self.leakage) || !self.annotations.has_authors() {
            return "";
        }
        " The test images are by the authors with the fewest images of their class: they are no random sample of the collection."
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

    fn definitions(&self) -> Markup {
        let has_top_2 = self.annotations.top_ks().len() > 1;
        html! {
            p.note {
                "Top-1 is the share of images whose true class is the model's first guess"
                @if has_top_2 { ", top-2 that of images whose true class is among the first two" }
                ". Classes have equal weights in both, whatever their number of images, so that random guesses have "
                (value(Some(self.annotations.chance(1))))
                @if has_top_2 { " and " (value(Some(self.annotations.chance(2)))) } @else { "; with two classes, top-2 is always 1" }
                ". Log-loss is the mean of −ln p of the true class, in nats; lower is better. In parentheses are 95 % intervals; "
                "their sampling units are " (self.annotations.units()) "."
                @if self.annotations.has_authors() && self.annotations.n_without_author() > 0 {
                    " In numbers of authors, an image without a known one counts as an author of its own."
                }
            }
        }
    }

    /// Variation that the intervals don't cover.
    fn limits(&self) -> Markup {
        let models = self.cross_validation.models(Subset::Validation).into_iter();
        let is_baseline =
            |model: &Model<'_>| model.is_fitted() && ![NETWORK, SELECTED].contains(model);
        let n_baselines = models.filter(is_baseline).count();
        html! {
            p.note {
                "The intervals are of the choice of images and authors for the trained models at hand. A difference is “not significant” "
                "where its interval holds 0. Each comparison stands for itself: of 20 pairs of equal models, one has an interval "
                "without 0 by chance"
                @if n_baselines > 1 { ", and there are " (n_baselines) " fitted models beside the network" }
                ". Networks of another seed differ too, which no interval here covers; "
                code { "cargo xtask search run seeds" }
                " measures it. The standard deviation over folds is no standard error: the folds' networks share training images."
                (self.single_authors())
                @if self.lacks_intervals() { " " (NO_INTERVAL) }
            }
        }
    }

    /// Returns whether a score of the network has no interval.
    fn lacks_intervals(&self) -> bool {
        let rows = self.cross_validation.iter();
        let mut rows = rows.filter(|row| row.model == NETWORK.model && row.features.is_none());
        rows.any(|row| row.low.is_none() || row.high.is_none())
    }

    /// Classes of a single author.
    fn single_authors(&self) -> String {
        let subsets = [Subset::Validation, Subset::Test].into_iter();
        let parts = subsets.filter_map(|subset| {
            let row = self.cross_validation.counts(subset)?;
            let classes = match row.single_author_classes {
                0 => return None,
                1 => "1 class has".to_owned(),
                n => format!("{n} classes have"),
            };
            Some(format!(
                "{classes} a single author among {} images",
                subset.name()
            ))
        });
        let parts: Vec<String> = parts.collect();
        if parts.is_empty() || !self.annotations.has_authors() {
            return String::new();
        }
        format!(
            " {}: intervals cannot cover the variation between authors of such a class.",
            list(&parts)
        )
    }
}

/// `1 group of near-duplicates has images`, `2 groups of near-duplicates have images`.
fn have(groups: usize) -> String {
    let (noun, verb) = if groups == 1 {
        ("group", "has")
    } else {
        ("groups", "have")
    };
    format!("{} {noun} of near-duplicates {verb} images", count(groups))
}

#[cfg(test)]
mod tests {
    use table_annotations::Annotation;
    use table_cross_validation::CrossValidation;
    use table_fold_scores::FoldScore;

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
            "cross-validated, 3 folds: top-1 0.600 (0.47–0.73); over folds: top-1 0.600 ± 0.100; 24 images by 13 authors",
            "test set, ensemble: top-1 0.600 (0.47–0.73); selected network: top-1 0.750 (0.62–0.88); 8 images by 4 authors",
            "selected network: fold 1, epoch 2, by rule `best`; its own validation images: top-1 0.750 (0.62–0.88), optimistic; \
             difference from the mean of the folds: top-1 +0.150 (epoch +0.025, fold +0.125)",
            "baselines, top-1: linear probe, resnet18 0.700; forest on frozen features, resnet18 0.500; largest class 0.500; chance \
             0.500",
            "The network is worse than the linear probe on frozen features of resnet18 in top-1 (−0.100, −0.150 to −0.050); it is not \
             significantly different from it in log-loss (+0.100, −0.100 to +0.300).",
            "clusters: the silhouette of k-means is highest at k = 3, 0.500",
            "",
        ];
        assert_eq!(report(&study()).summary, expected.join("\n"));
    }

    #[test]
    fn the_first_paragraph_compares_with_the_linear_probe() {
        let page = report(&study()).page;
        let paragraph = page
            .find("<p>Cross-validation: on 24 images by 13 authors")
            .unwrap();
        let worse = page
            .find("The network is worse than the linear probe")
            .unwrap();
        let end = paragraph + page[paragraph..].find("</p>").unwrap();
        assert!((paragraph..end).contains(&worse));
        let row = "<td>0.700 <small>(0.57–0.83)</small><br><small>−0.100 (−0.150 to −0.050), network worse</small></td>";
        assert!(page.contains(row));
        assert!(page.contains("+0.100 (−0.100 to +0.300), not significant"));
    }

    #[test]
    fn a_single_fold_is_not_called_cross_validation() {
        let mut study = study();
        study.edit("cross_validation", |rows: &mut Vec<CrossValidation>| {
            for row in rows {
                row.folds = 1;
                (row.fold_mean, row.fold_sd) = (None, None);
            }
        });
        study.edit("fold_scores", |rows: &mut Vec<FoldScore>| {
            rows.retain(|row| row.fold == 1 && row.selected_by != "other folds")
        });
        study.edit("optimism", |rows: &mut Vec<Optimism>| rows.clear());
        let report = report(&study);
        assert!(
            report
                .summary
                .contains("one fold: top-1 0.600 (0.47–0.73); 24 images")
        );
        assert!(
            report
                .page
                .contains("On the validation images, 24 images by 13 authors")
        );
        assert!(report.page.contains(
            "in the epoch that the scored images themselves select, which is optimistic."
        ));
        assert!(!report.page.contains("Cross-validation: on"));
    }

    #[test]
    fn a_score_without_an_interval_has_a_reason() {
        let mut study = study();
        study.edit("cross_validation", |rows: &mut Vec<CrossValidation>| {
            let test = rows.iter_mut().filter(|row| row.subset == Subset::Test);
            test.for_each(|row| (row.low, row.high) = (None, None))
        });
        let page = report(&study).page;
        assert!(page.contains(
            "1 class has a single author among validation images and 1 class has a single author among test images: intervals"
        ));
        assert!(Overview::read(&study).unwrap().lacks_intervals());
        let overview = page.split("<section").nth(1).unwrap();
        assert!(overview.contains(NO_INTERVAL));
    }

    #[test]
    fn copies_across_the_test_set_are_counted() {
        let mut study = study();
        assert!(!report(&study).page.contains("copies of test images"));
        study.edit("predictions", |rows: &mut Vec<Prediction>| {
            for (row, path) in rows.iter_mut().zip(["a/one.jpg", "a/two.jpg"]) {
                path.clone_into(&mut row.path);
            }
            rows[0].subset = Subset::Test;
            rows[1].subset = Subset::Train;
        });
        let overview = Overview::read(&study).unwrap();
        assert_eq!(
            overview.copies(),
            " 1 group of near-duplicates has images in more than one fold, so that copies of training images are scored. 1 group of \
             near-duplicates has images in the test set and outside of it: copies of test images were trained on."
        );
    }

    #[test]
    fn top_2_is_the_headline_of_more_than_two_classes() {
        let mut study = study();
        study.edit("annotations", |rows: &mut Vec<Annotation>| {
            "fauvism".clone_into(&mut rows[0].label)
        });
        study.edit("cross_validation", |rows: &mut Vec<CrossValidation>| {
            let top_1 = rows.iter().filter(|row| row.metric == "top1");
            let top_2: Vec<_> = top_1
                .map(|row| CrossValidation {
                    metric: "top2".to_owned(),
                    value: 0.9,
                    ..row.clone()
                })
                .collect();
            rows.extend(top_2);
        });
        let summary = Overview::read(&study).unwrap().summary();
        assert!(
            summary.contains("top-2 0.900 (0.47–0.73) and top-1 0.600 (0.47–0.73)"),
            "{summary}"
        );
    }
}
