//! The images in one table: what images elsewhere in the page link to.

use std::collections::BTreeMap;

use maud::{Markup, html};
use numeric::Classes;
use tables::annotation::Annotation;
use tables::prediction::Prediction;

use crate::ReportError;
use crate::draw::format::{NONE, count, counted, percent, subset_name};
use crate::page::section::{Section, table};
use crate::page::tables::{Anchors, Study};
use crate::sections::examples::{code_of, guesses, outcome};

/// How the network did, as a reader may type it into the filter.
const OUTCOMES: [&str; 3] = ["right", "second", "wrong"];

/// The section. Its rows go by path.
///
/// # Errors
/// A prediction is not of the collection's classes.
pub(crate) fn section(study: &Study, anchors: &Anchors<'_>) -> Result<Section, ReportError> {
    let labels = study.labels();
    let pictures = study.pictures();
    let predictions: BTreeMap<&str, &Prediction> = { study.predictions.iter() }
        .map(|row| (row.path.as_str(), row))
        .collect();
    let mut rows = Vec::with_capacity(anchors.paths().len());
    for path in anchors.paths() {
        let Some(annotation) = pictures.get(path) else {
            continue;
        };
        let prediction = predictions.get(path).copied();
        let said = prediction.map(|row| Said::of(row, &labels)).transpose()?;
        rows.push(row(anchors.id(path), annotation, said.as_ref()));
    }
    Ok(Section {
        id: "pictures",
        title: if rows.len() == study.annotations.len() {
            "All pictures"
        } else {
            "Images"
        },
        body: body(&rows, study),
        figures: Vec::new(),
    })
}

fn body(rows: &[Markup], study: &Study) -> Markup {
    let head = html! {
        tr {
            th scope="col" { "picture" }
            th scope="col" { "class" }
            th scope="col" { "author" }
            th scope="col" { "subset" }
            th scope="col" { "first three guesses" }
            th scope="col" { "outcome" }
        }
    };
    let body = html! { @for row in rows { (row) } };
    html! {
        p {
            @if rows.len() == study.annotations.len() {
                "The " (counted(rows.len(), "picture")) " of the collection"
            } @else {
                (count(rows.len())) " of the " (counted(study.annotations.len(), "image")) " of the collection, those linked "
                "above and others drawn by chance (the table " code { "predictions" } " has all),"
            }
            " and the network's first three guesses, the true class in bold. The last column tells whether the true class came first "
            @if study.labels().len() > 2 { "(right), second, or later (wrong)" } @else { "(right) or not (wrong)" }
            ". The pictures above link to their rows."
        }
        p.filter hidden {
            label { "Rows with all of these words: " input type="search" autocomplete="off" spellcheck="false" placeholder="validation wrong"; }
            " " output {}
        }
        div.pictures { (table("Images by path", &head, &body)) }
        p.unprinted { "The table is left out in print." }
    }
}

/// What was said of a picture.
struct Said<'a> {
    prediction: &'a Prediction,
    guesses: Vec<(&'a str, f32)>,
    outcome: &'static str,
}

impl<'a> Said<'a> {
    fn of(prediction: &'a Prediction, labels: &'a Classes) -> Result<Self, ReportError> {
        let code = code_of(prediction, labels)?;
        let place = outcome(&prediction.logits, code);
        Ok(Self {
            prediction,
            guesses: guesses(labels, &prediction.probabilities),
            outcome: OUTCOMES[place],
        })
    }
}

fn row(id: Option<String>, annotation: &Annotation, said: Option<&Said<'_>>) -> Markup {
    html! {
        tr id=[id] {
            th scope="row" { (annotation.path) }
            td { (annotation.label) }
            td { (annotation.author.as_deref().unwrap_or(NONE)) }
            @if let Some(Said { prediction, guesses, outcome }) = said {
                td { (subset_name(prediction.subset)) }
                td {
                    @for (i, (label, probability)) in guesses.iter().enumerate() {
                        @if i > 0 { ", " }
                        @let share = percent(f64::from(*probability));
                        @if *label == prediction.label { strong { (label) " " (share) } } @else { (label) " " (share) }
                    }
                }
                td { (outcome) }
            } @else { td { (NONE) } td { (NONE) } td { (NONE) } }
        }
    }
}
