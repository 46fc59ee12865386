//! The design: authors and pictures by class and part.

use std::collections::BTreeMap;

use maud::{Markup, html};
use tables::fold::VALIDATION;

use crate::format::count;
use crate::section::{Section, table};
use crate::study::Study;

/// The section.
pub(crate) fn section(study: &Study) -> Section {
    let has_validation = study.balance.iter().any(|row| row.part == VALIDATION);
    let body = html! {
        p {
            @if study.has_fixed_training_part() {
                "The collection came with a split, which was kept. "
            } @else if study.has_authors() {
                "Authors were dealt whole, so that no part knows an author of another. Within that bound the folds were "
                "made as even as the data allow, in pictures and in authors of every class. "
                @if has_validation { "The validation part takes the authors with the fewest pictures." }
            } @else {
                "No author is known, so single images were dealt, every class as evenly as the data allow."
            }
        }
        (balance_table(study))
        p.note {
            "Look along a row: the folds' numbers should be near each other. "
            @if study.has_authors() { "Where one author made many of a class's pictures, they cannot be. " }
            "The shaded columns are the fold that the chosen network was tested on."
            @if study.has_authors() {
                " A dash stands for a class without known authors; an author of two classes is counted in each."
            }
        }
    };
    Section {
        id: "design",
        title: "The design",
        body,
        figures: Vec::new(),
    }
}

/// By class and part: authors and pictures.
type Cells<'a> = BTreeMap<&'a str, BTreeMap<&'a str, (u32, u32)>>;

fn balance_table(study: &Study) -> Markup {
    let parts = parts(study);
    let mut cells = Cells::new();
    for row in &study.balance {
        let class = cells.entry(&row.label).or_default();
        class.insert(&row.part, (row.authors, row.pictures));
    }
    let tested = study.choice.fold.to_string();
    let shade = |part: &str| (part == tested).then_some("shaded");
    let head = html! {
        tr { td {} th scope="colgroup" colspan=(parts.len()) { "authors" } th.group scope="colgroup" colspan=(parts.len() + 1) { "pictures" } }
        tr {
            th scope="col" { "class" }
            @for part in &parts { th scope="col" class=[shade(part)] { (part) } }
            @for (idx, part) in parts.iter().enumerate() { th scope="col" class=(class(idx, shade(part))) { (part) } }
            th scope="col" { "all" }
        }
    };
    let body = html! {
        @for (label, counts) in &cells {
            @let has_authors = counts.values().any(|(authors, _)| *authors > 0);
            @let count_in = |part: &str| counts.get(part).copied().unwrap_or_default();
            tr {
                th scope="row" { (label) }
                @for part in &parts {
                    td class=[shade(part)] { @if has_authors { (count(count_in(part).0)) } @else { "–" } }
                }
                @for (idx, part) in parts.iter().enumerate() {
                    td class=(class(idx, shade(part))) { (count(count_in(part).1)) }
                }
                td { (count(counts.values().map(|(_, pictures)| pictures).sum::<u32>())) }
            }
        }
        tr.total {
            th scope="row" { "all" }
            @for part in &parts { td class=[shade(part)] {} }
            @for (idx, part) in parts.iter().enumerate() {
                td class=(class(idx, shade(part))) { (count(sum(&cells, part))) }
            }
            td { (count(parts.iter().map(|part| sum(&cells, part)).sum::<u32>())) }
        }
    };
    table("Authors and pictures by class and part", &head, &body)
}

fn sum(cells: &Cells<'_>, part: &str) -> u32 {
    let counts = cells.values().filter_map(|counts| counts.get(part));
    counts.map(|(_, pictures)| pictures).sum()
}

/// The classes of a cell of pictures: the first of the group keeps a distance from the authors.
fn class(idx: usize, shade: Option<&str>) -> String {
    let group = if idx == 0 { "group " } else { "" };
    format!("{group}{}", shade.unwrap_or_default())
}

/// The training part of a split that the collection came with, the folds in the order of their numbers, then validation.
fn parts(study: &Study) -> Vec<&str> {
    let mut parts: Vec<&str> = study.balance.iter().map(|row| row.part.as_str()).collect();
    let key = |part: &str| match part {
        "train" => (0, 0),
        VALIDATION => (2, 0),
        fold => (1, fold.parse::<u32>().unwrap_or(u32::MAX)),
    };
    parts.sort_by(|a, b| (key(a), a).cmp(&(key(b), b)));
    parts.dedup();
    parts
}
