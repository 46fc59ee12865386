//! Classification report: precision, recall and F1 of each class.

use maud::{Markup, html};
use table_class_reports::ClassReport;
use table_predictions::Prediction;
use tables::Subset;

use crate::ReportError;
use crate::draw::format::{count, score, subset_name, value};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::prediction::n_images;
use crate::page::scores::Scores;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Subsets side by side.
const SHOWN: [Subset; 2] = [Subset::Validation, Subset::Test];

reads! {
    /// Tables of the section.
    pub(crate) struct ClassificationReport {
        annotations: Annotations,
        scores: Scores,
        predictions: Rows<Prediction>,
        class_reports: Rows<ClassReport>,
    }
}

impl Section for ClassificationReport {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let body = html! {
            p {
                "Precision is the share of images predicted as a class that are of the class; recall is the share of the class's "
                "images that are predicted as it; F1 is their harmonic mean. High recall with low precision marks a class that "
                "the model predicts too often."
            }
            @for model in self.scores.models() { (self.report(model)) }
        };
        Ok(Some(Content {
            id: "class-report",
            heading: "Classification report",
            body,
            figures: Vec::new(),
        }))
    }
}

impl ClassificationReport {
    fn report(&self, model: &str) -> Markup {
        let subsets: Vec<Subset> = SHOWN
            .into_iter()
            .filter(|subset| self.scores.subsets().contains(subset))
            .collect();
        let find = |subset: Subset, label: &str| -> Option<&ClassReport> {
            let mut rows = self.class_reports.iter();
            rows.find(|row| {
                (row.model.as_str(), row.subset, row.label.as_str()) == (model, subset, label)
            })
        };
        let head = html! {
            tr { td {} @for subset in &subsets { th.group scope="colgroup" colspan="4" { (subset_name(*subset)) } } }
            tr {
                th scope="col" { "class" }
                @for _ in &subsets {
                    th.group scope="col" { "precision" } th scope="col" { "recall" } th scope="col" { "F1" } th scope="col" { "images" }
                }
            }
        };
        let body = html! {
            @for label in self.annotations.labels().names() {
                tr {
                    th scope="row" { (label) }
                    @for &subset in &subsets { (cells(find(subset, label))) }
                }
            }
            tr.total {
                th scope="row" { "weighted mean" }
                @for &subset in &subsets {
                    td.group { (score(self.scores.find(model, subset, "precision"))) }
                    td { (score(self.scores.find(model, subset, "recall"))) }
                    td { (score(self.scores.find(model, subset, "f1"))) }
                    td { (count(n_images(&self.predictions, subset))) }
                }
            }
        };
        table(
            &format!("Classification report of the {model}"),
            &head,
            &body,
        )
    }
}

fn cells(row: Option<&ClassReport>) -> Markup {
    // Recall is undefined for a class without images in the subset.
    let of = |metric: fn(&ClassReport) -> f64| value(row.filter(|row| row.support > 0).map(metric));
    html! {
        td.group { (of(|row| row.precision)) }
        td { (of(|row| row.recall)) }
        td { (of(|row| row.f1)) }
        td { (count(row.map_or(0, |row| row.support))) }
    }
}
