//! The split: authors and images by class and fold.

use std::collections::BTreeMap;

use maud::{Markup, html};
use tables::fold::Assignment;

use crate::draw::format::count;
use crate::page::section::{Section, table};
use crate::page::tables::Study;

/// The section.
pub(crate) fn section(study: &Study) -> Section {
    let has_test_set = { study.balance.iter() }.any(|row| row.fold == Assignment::Test);
    let body = html! {
        p {
            @if study.has_fixed_training_images() {
                "The collection came with a split, which was kept. "
            } @else if study.has_authors() {
                "All images of an author were dealt together, so that no two folds share an author. Within that bound the folds were "
                "made as even as the data allow, in pictures and in authors of every class. "
                @if has_test_set { "The test set takes the authors with the fewest images." }
            } @else {
                "No author is known, so single images were dealt, every class as evenly as the data allow."
            }
        }
        p {
            @if !study.has_fixed_training_images() {
                "For each fold, its own images validate and those of the other folds train. "
            }
            "Validation images select the epoch, the fold and everything else that is tuned. Test images select nothing. "
            "The study on paintings which atelier began with used the words “validation” and “test” the other way round."
        }
        (balance_table(study))
        p.note {
            "Look along a row: the folds' numbers should be near each other. "
            @if study.has_authors() { "Where one author made many of a class's pictures, they cannot be. " }
            "The shaded columns are the fold that the chosen network was validated on."
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

/// Authors and images by class and fold.
type Cells<'a> = BTreeMap<&'a str, BTreeMap<Assignment, (u32, u32)>>;

fn balance_table(study: &Study) -> Markup {
    let folds = folds(study);
    let mut cells = Cells::new();
    for row in &study.balance {
        let class = cells.entry(&row.label).or_default();
        class.insert(row.fold, (row.authors, row.pictures));
    }
    let validation = Assignment::Fold(study.choice.fold);
    let shade = |fold: Assignment| (fold == validation).then_some("shaded");
    let head = html! {
        tr { td {} th scope="colgroup" colspan=(folds.len()) { "authors" } th.group scope="colgroup" colspan=(folds.len() + 1) { "pictures" } }
        tr {
            th scope="col" { "class" }
            @for &fold in &folds { th scope="col" class=[shade(fold)] { (fold) } }
            @for (idx, &fold) in folds.iter().enumerate() { th scope="col" class=(class(idx, shade(fold))) { (fold) } }
            th scope="col" { "all" }
        }
    };
    let body = html! {
        @for (label, counts) in &cells {
            @let has_authors = counts.values().any(|(authors, _)| *authors > 0);
            @let count_in = |fold: Assignment| counts.get(&fold).copied().unwrap_or_default();
            tr {
                th scope="row" { (label) }
                @for &fold in &folds {
                    td class=[shade(fold)] { @if has_authors { (count(count_in(fold).0)) } @else { "–" } }
                }
                @for (idx, &fold) in folds.iter().enumerate() {
                    td class=(class(idx, shade(fold))) { (count(count_in(fold).1)) }
                }
                td { (count(counts.values().map(|(_, pictures)| pictures).sum::<u32>())) }
            }
        }
        tr.total {
            th scope="row" { "all" }
            @for &fold in &folds { td class=[shade(fold)] {} }
            @for (idx, &fold) in folds.iter().enumerate() {
                td class=(class(idx, shade(fold))) { (count(sum(&cells, fold))) }
            }
            td { (count(folds.iter().map(|&fold| sum(&cells, fold)).sum::<u32>())) }
        }
    };
    table("Authors and images by class and fold", &head, &body)
}

fn sum(cells: &Cells<'_>, fold: Assignment) -> u32 {
    let counts = cells.values().filter_map(|counts| counts.get(&fold));
    counts.map(|(_, pictures)| pictures).sum()
}

/// The classes of a cell of pictures: the first of the group keeps a distance from the authors.
fn class(idx: usize, shade: Option<&str>) -> String {
    let group = if idx == 0 { "group " } else { "" };
    format!("{group}{}", shade.unwrap_or_default())
}

/// The training images of a split that the collection came with, the folds in the order of their numbers, then the test
/// set.
fn folds(study: &Study) -> Vec<Assignment> {
    let mut folds: Vec<Assignment> = study.balance.iter().map(|row| row.fold).collect();
    folds.sort_unstable();
    folds.dedup();
    folds
}
