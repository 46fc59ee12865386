//! The split: authors and images by class and fold.

use std::collections::BTreeMap;

use maud::{Markup, html};
use table_balance::Balance;
use table_leakage::SplitLeakage;
use table_selection::Selection;
use tables::Assignment;

use crate::ReportError;
use crate::draw::format::{count, counted};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{One, Rows, reads};
use crate::sections::leakage::EXISTING;

reads! {
    /// Tables of the section.
    pub(crate) struct Split {
        annotations: Annotations,
        selection: One<Selection>,
        balance: Rows<Balance>,
        leakage: Rows<SplitLeakage>,
    }
}

impl Section for Split {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let has_test_set = { self.balance.iter() }.any(|row| row.fold == Assignment::Test);
        let body = html! {
            p {
                @if has_fixed_training_images(&self.balance) {
                    "The collection has an existing split, which is used. "
                } @else if is_existing(&self.leakage) {
                    "The collection has an existing split, which is used: its test set is held out, and its training images are divided "
                    "into folds. "
                } @else if self.annotations.has_authors() {
                    "All images of an author are in one fold, so that no two folds share an author. Under this constraint the folds are "
                    "as even as the data allow, in images and in authors of every class. "
                    @if has_test_set {
                        "The test set has the authors with the fewest images of each class: it is no random sample of the authors. "
                    }
                    @if self.annotations.n_without_author() > 0 {
                        "The " (counted(self.annotations.n_without_author(), "image")) " without a known author are distributed one by one at random: two of "
                        "them by one author can be in two folds. "
                    }
                } @else {
                    "No author is known: single images are distributed over the folds, those of every class as evenly as the data allow."
                }
            }
            p {
                @if !has_fixed_training_images(&self.balance) {
                    "For each fold, its images are the validation images and those of the other folds the training images. "
                }
                "Validation images select the epoch, the fold and everything else that is tuned; cross-validated scores leave a fold's own "
                "images out of that selection. Test images select nothing. "
                "The study of paintings that atelier began with used the terms “validation” and “test” the other way round."
            }
            (self.balance_table())
            p.note {
                "The numbers of a row should be similar. "
                @if self.annotations.has_authors() { "They cannot be where one author made many of a class's images. " }
                "The shaded columns are the validation fold of the selected network."
                @if self.annotations.has_authors() {
                    " A dash is a class without known authors; an author of two classes is counted in each."
                }
            }
        };
        Ok(Some(Content {
            id: "split",
            heading: "Split",
            body,
            figures: Vec::new(),
        }))
    }
}

impl Split {
    fn balance_table(&self) -> Markup {
        let folds = self.folds();
        let mut cells = Cells::new();
        for row in self.balance.iter() {
            let class = cells.entry(&row.label).or_default();
            class.insert(row.fold, (row.authors, row.images));
        }
        let validation = Assignment::Fold(self.selection.fold);
        let shade = |fold: Assignment| (fold == validation).then_some("shaded");
        let head = html! {
            tr { td {} th scope="colgroup" colspan=(folds.len()) { "authors" } th.group scope="colgroup" colspan=(folds.len() + 1) { "images" } }
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
                    td { (count(counts.values().map(|(_, images)| images).sum::<u32>())) }
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

    /// The training images of an existing split, the folds in the order of their numbers, then the test
    /// set.
    fn folds(&self) -> Vec<Assignment> {
        let mut folds: Vec<Assignment> = self.balance.iter().map(|row| row.fold).collect();
        folds.sort_unstable();
        folds.dedup();
        folds
    }
}

/// Returns whether the collection has its own split, which is used.
pub(crate) fn is_existing(leakage: &[SplitLeakage]) -> bool {
    leakage.iter().any(|row| row.split == EXISTING)
}

/// Returns whether the collection has its own split, whose training images are in no fold.
pub(crate) fn has_fixed_training_images(balance: &[Balance]) -> bool {
    balance.iter().any(|row| row.fold == Assignment::Train)
}

/// Authors and images by class and fold.
type Cells<'a> = BTreeMap<&'a str, BTreeMap<Assignment, (u32, u32)>>;

fn sum(cells: &Cells<'_>, fold: Assignment) -> u32 {
    let counts = cells.values().filter_map(|counts| counts.get(&fold));
    counts.map(|(_, images)| images).sum()
}

/// CSS classes of a cell of images: the first of the group is at a distance from the authors.
fn class(idx: usize, shade: Option<&str>) -> String {
    let group = if idx == 0 { "group " } else { "" };
    format!("{group}{}", shade.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture::{report, study};

    #[test]
    fn images_without_an_author_are_counted() {
        let page = report(&study()).page;
        assert!(page.contains("The 12 images without a known author are distributed one by one"));
    }

    #[test]
    fn an_existing_split_is_named() {
        let mut study = study();
        study.edit("balance", |rows: &mut Vec<Balance>| {
            let fold = rows
                .iter_mut()
                .filter(|row| row.fold == Assignment::Fold(1));
            fold.for_each(|row| row.fold = Assignment::Train);
        });
        let page = report(&study).page;
        assert!(page.contains("has an existing split, which is used"));
    }
}
