//! Effect of leakage on scores: one training recipe under three splits.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use table_leakage::SplitLeakage;
use table_leakage_effect::LeakageEffect;
use table_near_duplicates::NearDuplicate;
use table_predictions::Prediction;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{NONE, count, counted, value};
use crate::draw::plot::{Margins, Plot};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::sample::Anchors;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Splits that leak, for comparison: the stricter first.
const LEAKY: [&str; 2] = ["by class", "at random"];

/// Name of an existing split.
const EXISTING: &str = "existing";

/// The metrics shown.
const METRICS: [(&str, &str); 3] = [("top1", "top-1"), ("top2", "top-2"), ("f1", "F1")];

reads! {
    /// Tables of the section.
    pub(crate) struct Leakage {
        annotations: Annotations,
        leakage: Rows<SplitLeakage>,
        near_duplicates: Rows<NearDuplicate>,
        leakage_effect: Rows<LeakageEffect>,
        predictions: Rows<Prediction>,
    }
}

impl Section for Leakage {
    fn draw(&self, context: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let figures = vec![self.figure()];
        let body = html! {
            p {
                "Images of an author resemble each other. With images of an author in training and in validation, the network is scored "
                "on images like those that it was trained on, and its score is too high. "
                @if self.is_existing() {
                    "This study uses the existing split of the collection. It is compared with two splits of the same sizes: "
                } @else {
                    "This study splits by author. Usual splits are "
                }
                "by class, where images of an author of two classes can be in training and in validation, and image by image, at random. "
                "One recipe was trained under all three and validated on one fold of each. " (self.effect())
            }
            @if !self.annotations.has_authors() {
                p.note {
                    "No author is known in this collection: all three splits distribute single images or groups of near-duplicates, and "
                    "differences between them are random."
                }
            }
            (self.existing())
            (row(&figures))
            (self.score_table())
            (self.shared_table())
            (self.near_duplicate_table(&context.sample.anchors))
        };
        Ok(Some(Content {
            id: "leakage",
            heading: "Effect of leakage on scores",
            body,
            figures,
        }))
    }
}

impl Leakage {
    /// The splits; the study's own is the first.
    fn splits(&self) -> [&str; 3] {
        let mut names = self.leakage.iter().map(|row| row.split.as_str());
        let own = names.find(|name| !LEAKY.contains(name));
        [own.unwrap_or("by author"), LEAKY[0], LEAKY[1]]
    }

    fn is_existing(&self) -> bool {
        self.splits()[0] == EXISTING
    }

    fn find<'a>(&'a self, split: &str, metric: &str) -> Option<&'a LeakageEffect> {
        let mut rows = self.leakage_effect.iter();
        rows.find(|row| row.split == split && row.metric == metric)
    }

    /// Metrics that can differ between splits.
    fn metrics(&self) -> Vec<(&'static str, &'static str)> {
        let metrics = METRICS.into_iter();
        metrics
            .filter(|(metric, _)| self.annotations.is_informative(metric))
            .collect()
    }

    fn leak<'a>(&'a self, split: &str) -> Option<&'a SplitLeakage> {
        self.leakage.iter().find(|row| row.split == split)
    }

    /// Authors and near-duplicates in several subsets of an existing split.
    fn existing(&self) -> Markup {
        let Some(leak) = self.leak(EXISTING) else {
            return html! {};
        };
        html! {
            p {
                @if leak.shared_authors + leak.split_near_duplicates > 0 {
                    strong { "The existing split leaks: " }
                    (leak.shared_authors) " of " (leak.authors) " authors, with " (counted(leak.shared_images as usize, "image"))
                    ", and " (leak.split_near_duplicates) " of " (counted(leak.near_duplicates as usize, "group"))
                    " of near-duplicates are in several of its subsets. Its scores are too high for images by new authors; "
                    code { "split.existing = \"ignore\"" } " splits by author instead."
                } @else {
                    "No author and no group of near-duplicates is in two subsets of the existing split."
                }
            }
        }
    }

    fn effect(&self) -> String {
        let headline = self.annotations.headline_metric();
        let score = |split| self.find(split, headline.metric).map(|row| row.value);
        let own = self.splits()[0];
        let [Some(score_of_own), Some(at_random)] = [score(own), score("at random")] else {
            return String::new();
        };
        let difference = at_random - score_of_own;
        let how = if difference > 0.0 { "above" } else { "below" };
        let under = if own == EXISTING {
            "of the existing split"
        } else {
            own
        };
        format!(
            "At random, {} is {:.3}, {:.3} {how} the {score_of_own:.3} {under}. One fold is a small sample, as the width of the intervals shows.",
            headline.name,
            at_random,
            difference.abs()
        )
    }

    fn figure(&self) -> Figure {
        const ROW: f64 = 26.0;
        let margins = Margins {
            left: 112.0,
            right: 16.0,
            top: 28.0,
            bottom: 38.0,
        };
        let splits = self.splits();
        let block = ROW * splits.len() as f64 + 14.0;
        let metrics = self.metrics();
        let height = margins.top + block * metrics.len() as f64 + margins.bottom;
        let mut plot = Plot::new((480.0, height), margins, (0.0, 1.0), (0.0, 1.0));
        plot.draw_x_axis("score on the validation fold", 0.0, true);
        for (idx, (metric, name)) in metrics.iter().enumerate() {
            let top = margins.top + block * idx as f64;
            plot.canvas
                .text("strong", (4.0, top + ROW / 2.0 + 4.0), name);
            for (idx, split) in splits.iter().enumerate() {
                let y = top + ROW * (idx as f64 + 0.5);
                plot.canvas.text("muted end", (104.0, y + 4.0), split);
                if let Some(row) = self.find(split, metric) {
                    draw(&mut plot, row, idx, y);
                }
            }
        }
        Figure {
            name: "leakage".to_owned(),
            title: "Scores under three splits".to_owned(),
            caption: format!(
                "Dots are scores, whiskers 95 % intervals by bootstrap over {}. A row to the right of the one above it has a higher \
                 score by leakage.",
                self.annotations.units()
            ),
            canvas: plot.canvas,
        }
    }

    fn score_table(&self) -> Markup {
        let head = html! {
            tr {
                td {}
                @for (_, name) in self.metrics() { th scope="col" { (name) } }
                th scope="col" { "best epoch" }
                th scope="col" { "images" }
            }
        };
        let body = html! {
            @for split in self.splits() {
                tr {
                    th scope="row" { (split) }
                    @for (metric, _) in self.metrics() { (cell(self.find(split, metric))) }
                    @if let Some(row) = self.find(split, METRICS[0].0) {
                        td { (row.epoch) }
                        td { (count(row.images)) }
                    }
                }
            }
        };
        table(
            "Scores on the validation fold with 95 % intervals",
            &head,
            &body,
        )
    }

    fn shared_table(&self) -> Markup {
        let head = html! {
            tr {
                td {}
                th scope="col" { "shared authors" }
                th scope="col" { "their images" }
                th scope="col" { "shared near-duplicates" }
            }
        };
        let cell =
            |value: Option<String>| html! { td { (value.unwrap_or_else(|| NONE.to_owned())) } };
        let body = html! {
            @for split in self.splits() {
                @let leak = self.leak(split);
                tr {
                    th scope="row" { (split) }
                    (cell(leak.map(|leak| format!("{} of {}", leak.shared_authors, leak.authors))))
                    (cell(leak.map(|leak| count(leak.shared_images))))
                    (cell(leak.map(|leak| format!("{} of {}", leak.split_near_duplicates, leak.near_duplicates))))
                }
            }
        };
        table(
            "Authors and near-duplicates shared between folds or subsets of each split",
            &head,
            &body,
        )
    }

    /// Near-duplicates: those with conflicting labels first, then those in several subsets.
    fn near_duplicate_table(&self, anchors: &Anchors<'_>) -> Markup {
        const MOST: usize = 20;
        if self.near_duplicates.is_empty() {
            return html! {};
        }
        let subsets = self.subsets();
        let groups = || self.near_duplicates.iter().map(|row| row.group);
        let n_groups = groups().collect::<BTreeSet<u32>>().len();
        let conflicting = self.near_duplicates.iter().filter(|row| row.conflict);
        let n_conflicting = conflicting
            .map(|row| row.group)
            .collect::<BTreeSet<u32>>()
            .len();
        let is_split = |group: u32| subsets[&group].len() > 1;
        let n_split = subsets.keys().filter(|group| is_split(**group)).count();
        let copies = self
            .near_duplicates
            .iter()
            .filter(|row| row.path != row.representative);
        let mut copies: Vec<&NearDuplicate> = copies.collect();
        copies.sort_by_key(|row| (!row.conflict, !is_split(row.group)));
        let rows = self.near_duplicates.iter();
        let labels: BTreeMap<&str, &str> = rows
            .map(|row| (row.path.as_str(), row.label.as_str()))
            .collect();
        let label = |path: &str| labels.get(path).copied().unwrap_or(NONE);
        let head = html! {
            tr { th scope="col" { "image" } th.words scope="col" { "copy of" } th.words scope="col" { "classes" } th scope="col" { "difference" } th scope="col" { "subsets" } }
        };
        let body = html! {
            @for row in copies.iter().take(MOST) {
                tr {
                    th.path scope="row" { a href=[anchors.link(&row.path)] { (row.path) } }
                    td."path words" { a href=[anchors.link(&row.representative)] { (row.representative) } }
                    td.words {
                        @let other = label(&row.representative);
                        @if row.label == other { (row.label) } @else { strong { (row.label) " and " (other) } }
                    }
                    td { (format!("{:.1}", row.difference)) }
                    td { (subsets[&row.group].iter().map(|subset| subset.name()).collect::<Vec<_>>().join(", ")) }
                }
            }
        };
        html! {
            p {
                (counted(self.near_duplicates.len(), "image")) " are near-duplicates: the same image in another size, compression, "
                "brightness or with a slight crop, in " (counted(n_groups, "group")) ". "
                @if n_split == 0 { "Each group is in one subset, so that no network is scored on a copy of a training image. " }
                @else { strong { (counted(n_split, "group")) " in several subsets. " } }
                @if n_conflicting > 0 {
                    strong { (counted(n_conflicting, "group")) " with conflicting labels: " }
                    "one image is in several classes, and no network can predict all of them."
                }
            }
            (table("Near-duplicates, with the difference in levels of 255", &head, &body))
            @if copies.len() > MOST { p.note { "The first " (MOST) " of " (copies.len()) "; all are in the table " code { "near_duplicates" } "." } }
        }
    }

    /// Subsets by group of near-duplicates.
    fn subsets(&self) -> BTreeMap<u32, BTreeSet<Subset>> {
        let rows = self.predictions.iter();
        let subset_of: BTreeMap<&str, Subset> =
            rows.map(|row| (row.path.as_str(), row.subset)).collect();
        let mut subsets: BTreeMap<u32, BTreeSet<Subset>> = BTreeMap::new();
        for row in self.near_duplicates.iter() {
            let subsets = subsets.entry(row.group).or_default();
            subsets.extend(subset_of.get(row.path.as_str()).copied());
        }
        subsets
    }
}

fn draw(plot: &mut Plot, row: &LeakageEffect, color: usize, y: f64) {
    if let (Some(low), Some(high)) = (row.low, row.high) {
        let (from, to) = ((plot.x.at(low), y), (plot.x.at(high), y));
        plot.canvas
            .line(&format!("whisker stroke-{color}"), from, to);
    }
    let at = (plot.x.at(row.value), y);
    plot.canvas.circle(&format!("dot fill-{color}"), at, 4.0);
}

fn cell(row: Option<&LeakageEffect>) -> Markup {
    html! {
        td {
            (value(row.map(|row| row.value)))
            @if let Some((low, high)) = row.and_then(|row| Some((row.low?, row.high?))) {
                " " small { "(" (format!("{low:.2}–{high:.2}")) ")" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture::{report, study};

    #[test]
    fn the_effect_of_leakage_is_a_number() {
        let page = report(&study()).page;
        assert!(page.contains("At random, top-1 is 0.800, 0.200 above the 0.600 by author."));
        assert!(page.contains("<td>7 of 9</td>"));
    }

    #[test]
    fn copies_with_conflicting_labels_come_first() {
        let page = report(&study()).page;
        assert!(page.contains("4 images are near-duplicates"), "{page}");
        assert!(page.contains("1 group with conflicting labels: "));
        let place = |text: &str| page.find(text).unwrap();
        assert!(place(">b/four.jpg<") < place(">a/two.jpg<"));
        assert!(page.contains("<strong>b and a</strong>"));
        assert!(page.contains(">a/&lt;three&gt;.jpg<"));
    }

    #[test]
    fn an_existing_split_is_named_and_its_leaks_are_counted() {
        let mut study = study();
        study.edit("leakage", |rows: &mut Vec<SplitLeakage>| {
            rows[0].split = "existing".to_owned();
            rows[0].shared_authors = 3;
        });
        study.edit("leakage_effect", |rows: &mut Vec<LeakageEffect>| {
            for row in rows {
                if row.split == "by author" {
                    row.split = "existing".to_owned();
                }
            }
        });
        let page = report(&study).page;
        assert!(page.contains("The existing split leaks: </strong>3 of 9 authors"));
        assert!(page.contains("0.200 above the 0.600 of the existing split."));
        assert!(!page.contains("This study splits by author"));
    }
}
