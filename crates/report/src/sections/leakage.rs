//! Effect of leakage on scores: one training recipe under three splits.

use maud::{Markup, html};
use table_leakage::SplitLeakage;
use table_leakage_effect::LeakageEffect;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{NO_INTERVAL, NONE, count, counted, range, ranged, value};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::dot_rows::{DotRow, draw, share};
use crate::page::metrics::{Difference, Metric, Verdict};
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Splits that leak, for comparison: the stricter first.
pub(crate) const LEAKY: [&str; 2] = ["by class", "at random"];

/// Name of an existing split.
pub(crate) const EXISTING: &str = "existing";

/// The metrics shown.
const METRICS: [Metric; 3] = [Metric::TOP_1, Metric::TOP_2, Metric::F1];

reads! {
    /// Tables of the section.
    pub(crate) struct Leakage {
        annotations: Annotations,
        leakage: Rows<SplitLeakage>,
        leakage_effect: Rows<LeakageEffect>,
    }
}

impl Section for Leakage {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let figures = vec![self.figure()];
        let body = html! {
            p {
                "Images of an author resemble each other. With images of an author in training and in validation, the network is scored "
                "on images like those that it was trained on, and its score can be too high for images by new authors. "
                @if self.is_existing() {
                    "This study uses the existing split of the collection. It is compared with two splits of the same sizes: "
                } @else {
                    "This study splits by author. Usual splits are "
                }
                "by class, where images of an author of two classes can be in training and in validation, and image by image, at random. "
                "One recipe was trained under all three and validated on one fold of each."
            }
            @for paragraph in self.effects() { p { (paragraph) } }
            p.note {
                "The three scores are of three different sets of validation images, and of one fold and one training each: a split's "
                "validation images can also be harder or easier than another's, and another fold or another seed gives other scores. "
                "In all three, the scored images selected the epoch, so that all three scores are optimistic. With several metrics and "
                "two splits, of 20 differences that are truly none, one has an interval without 0 by chance."
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
    fn metrics(&self) -> Vec<Metric> {
        let metrics = METRICS.into_iter();
        metrics
            .filter(|metric| self.annotations.is_informative(metric.id))
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

    /// Metric of the sentences on the effect.
    fn headline(&self) -> Metric {
        match self.annotations.is_informative(Metric::TOP_2.id) {
            true => Metric::TOP_2,
            false => Metric::TOP_1,
        }
    }

    /// Difference of a leaky split's score from that of the study's own.
    fn difference(&self, split: &str, metric: Metric) -> Option<Difference> {
        let row = self.find(split, metric.id)?;
        Some(Difference::new(
            metric,
            row.difference?,
            row.difference_low,
            row.difference_high,
        ))
    }

    /// A paragraph for each leaky split, whatever the sign of its difference.
    fn effects(&self) -> Vec<String> {
        let metric = self.headline();
        let own = self.splits()[0];
        let under = match own {
            EXISTING => "under the existing split",
            own => own,
        };
        let of_split = |split: &&str| {
            let [a, b] = [*split, own].map(|split| self.find(split, metric.id));
            let [leaky, own] = [a?, b?].map(|row| ranged(Some(row.value), row.low, row.high));
            let difference = self.difference(split, metric)?;
            let meaning = match difference.verdict() {
                Verdict::NotSignificant => "the interval holds 0: no significant difference",
                Verdict::Better => "the score under the split that leaks is higher",
                Verdict::Worse => {
                    "the score under the split that leaks is lower, which leakage does not explain"
                }
                Verdict::Unknown if difference.value > 0.0 => {
                    "higher under the split that leaks, without an interval"
                }
                Verdict::Unknown => "not higher under the split that leaks",
            };
            let name = split
                .split_at_checked(1)
                .map_or_else(String::new, |(first, rest)| {
                    format!("{}{rest}", first.to_uppercase())
                });
            Some(format!(
                "{name}, {} is {leaky}, and {under} {own}: a difference of {}; {meaning}.",
                metric.name,
                difference.text()
            ))
        };
        LEAKY.iter().rev().filter_map(of_split).collect()
    }

    fn figure(&self) -> Figure {
        let splits = self.splits();
        let rows: Vec<DotRow> = self
            .metrics()
            .into_iter()
            .flat_map(|metric| splits.iter().enumerate().map(move |of| (metric, of)))
            .map(|(metric, (color, split))| {
                let found = self.find(split, metric.id);
                DotRow {
                    heading: (color == 0).then(|| metric.name.to_owned()),
                    label: (*split).to_owned(),
                    value: found.map(|row| row.value),
                    interval: found.and_then(|row| row.low.zip(row.high)),
                    color,
                    ..DotRow::default()
                }
            })
            .collect();
        Figure {
            name: "leakage".to_owned(),
            title: "Scores under three splits".to_owned(),
            caption: format!(
                "Dots are scores on the validation fold of each split, whiskers 95 % intervals; their sampling units are {}. Each split \
                 has validation images of its own.",
                self.annotations.units()
            ),
            canvas: draw(&rows, &share("score on the validation fold")),
        }
    }

    fn score_table(&self) -> Markup {
        let head = html! {
            tr {
                td {}
                @for metric in self.metrics() { th scope="col" { (metric.name) } }
                th scope="col" { "saved epoch" }
                th scope="col" { "images" }
            }
        };
        let body = html! {
            @for split in self.splits() {
                tr {
                    th scope="row" { (split) }
                    @for metric in self.metrics() { (self.cell(split, metric)) }
                    @if let Some(row) = self.find(split, METRICS[0].id) {
                        td { (row.epoch) }
                        td { (count(row.images)) }
                    }
                }
            }
        };
        let lacks_intervals = self.leakage_effect.iter().any(|row| row.low.is_none());
        html! {
            (table(
                "Scores on the validation fold with 95 % intervals; second line: difference from the first row",
                &head,
                &body,
            ))
            @if lacks_intervals { p.note { (NO_INTERVAL) } }
        }
    }

    fn cell(&self, split: &str, metric: Metric) -> Markup {
        let row = self.find(split, metric.id);
        let is_own = split == self.splits()[0];
        let difference = self.difference(split, metric).filter(|_| !is_own);
        html! {
            td {
                (value(row.map(|row| row.value)))
                @if let Some(ends) = row.and_then(|row| range(row.low, row.high)) { " " small { "(" (ends) ")" } }
                @if let Some(difference) = difference { br; small { (difference.text()) } }
            }
        }
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture::{report, study};

    #[test]
    fn the_effect_of_leakage_has_an_interval() {
        let page = report(&study()).page;
        assert!(page.contains(
            "At random, top-1 is 0.800 (0.70–0.90), and by author 0.600 (0.50–0.70): a difference of +0.200 (+0.100 to +0.300); the \
             score under the split that leaks is higher."
        ));
        assert!(
            page.contains("a difference of +0.100 (0.000 to +0.200); the interval holds 0: no significant difference.")
        );
        assert!(page.contains("<small>+0.200 (+0.100 to +0.300)</small>"));
        assert!(page.contains("<td>7 of 9</td>"));
    }

    #[test]
    fn a_lower_score_under_a_split_that_leaks_is_said() {
        let mut study = study();
        study.edit("leakage_effect", |rows: &mut Vec<LeakageEffect>| {
            for row in rows.iter_mut().filter(|row| row.split == "at random") {
                row.difference = Some(-0.2);
                (row.difference_low, row.difference_high) = (Some(-0.3), Some(-0.1));
            }
        });
        assert!(report(&study).page.contains(
            "a difference of −0.200 (−0.300 to −0.100); the score under the split that leaks is lower, which leakage does not explain."
        ));
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
        assert!(
            page.contains("and under the existing split 0.600 (0.50–0.70): a difference of +0.200")
        );
        assert!(!page.contains("This study splits by author"));
    }
}
