//! Precision and recall of each class.

use maud::{Markup, html};
use tables::class_report::ClassReport;

use crate::format::{count, part, score, value};
use crate::section::{Section, table};
use crate::study::Study;

/// The parts shown side by side.
const SHOWN: [&str; 2] = ["test", "val"];

/// The section.
pub(crate) fn section(study: &Study) -> Section {
    let body = html! {
        p {
            "Precision is the share of the pictures said to be of a class that are; recall is the share of the class's "
            "pictures that were found; F1 is their harmonic mean. High recall with low precision marks a class that "
            "the model says too readily."
        }
        @for model in study.models() { (report(study, model)) }
    };
    Section {
        id: "classes",
        title: "Class by class",
        body,
        figures: Vec::new(),
    }
}

fn report(study: &Study, model: &str) -> Markup {
    let parts: Vec<&str> = SHOWN
        .into_iter()
        .filter(|part| study.parts().contains(part))
        .collect();
    let find = |part: &str, label: &str| -> Option<&ClassReport> {
        let mut rows = study.class_reports.iter();
        rows.find(|row| {
            (row.model.as_str(), row.part.as_str(), row.label.as_str()) == (model, part, label)
        })
    };
    let head = html! {
        tr { td {} @for name in &parts { th.group scope="colgroup" colspan="4" { (part(name)) } } }
        tr {
            th scope="col" { "class" }
            @for _ in &parts {
                th.group scope="col" { "precision" } th scope="col" { "recall" } th scope="col" { "F1" } th scope="col" { "pictures" }
            }
        }
    };
    let body = html! {
        @for label in study.labels() {
            tr {
                th scope="row" { (label) }
                @for part in &parts { (cells(find(part, label))) }
            }
        }
        tr.total {
            th scope="row" { "weighted mean" }
            @for part in &parts {
                td.group { (score(study.score(model, part, "precision"))) }
                td { (score(study.score(model, part, "recall"))) }
                td { (score(study.score(model, part, "f1"))) }
                td { (count(study.n_pictures(part))) }
            }
        }
    };
    table(&format!("The {model}, by class"), &head, &body)
}

fn cells(row: Option<&ClassReport>) -> Markup {
    // A class without pictures in the part has no recall to speak of.
    let of = |figure: fn(&ClassReport) -> f64| value(row.filter(|row| row.support > 0).map(figure));
    html! {
        td.group { (of(|row| row.precision)) }
        td { (of(|row| row.recall)) }
        td { (of(|row| row.f1)) }
        td { (count(row.map_or(0, |row| row.support))) }
    }
}
