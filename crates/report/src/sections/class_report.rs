//! Classification report: precision, recall and F1 of each class.

use maud::{Markup, html};
use table_class_reports::ClassReport;
use tables::Subset;

use crate::ReportError;
use crate::draw::format::{count, counted, subset_name, value};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::cross_validated::{CrossValidated, NETWORK};
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Models of the selected fold, in their order.
const MODELS: [&str; 3] = ["network", "forest", "tuned forest"];

/// Subsets side by side.
const SHOWN: [Subset; 2] = [Subset::Validation, Subset::Test];

reads! {
    /// Tables of the section.
    pub(crate) struct ClassificationReport {
        annotations: Annotations,
        class_reports: Rows<ClassReport>,
        cross_validation: CrossValidated,
        cross_validated_class_reports: Rows<ClassReport>,
    }
}

impl Section for ClassificationReport {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let cross_validated = self.cross_validated();
        let has_test = { cross_validated.iter() }.any(|of| of.subset == Subset::Test);
        let body = html! {
            p {
                "Precision is the share of images predicted as a class that are of the class; recall is the share of the class's "
                "images that are predicted as it; F1 is their harmonic mean. High recall with low precision marks a class that "
                "the model predicts too often."
                @if !cross_validated.is_empty() {
                    " The first table has the validation images of all folds, each predicted by the network of its fold"
                    @if has_test { ", and the test images as the networks of all folds predict them together" }
                    "; the others are of the selected fold."
                }
            }
            @if let Some(validation) = cross_validated.first() {
                @let images = counted(validation.n_images() as usize, "image");
                @let caption = format!("Classification report of the {}, cross-validated ({images})", NETWORK.model);
                (self.table(&caption, &cross_validated))
            }
            @for model in MODELS {
                @let subsets = subsets(&self.class_reports, model);
                @if !subsets.is_empty() { (self.table(&format!("Classification report of the {model}"), &subsets)) }
            }
        };
        Ok(Some(Content {
            id: "class-report",
            heading: "Classification report",
            body,
            figures: Vec::new(),
        }))
    }
}

/// Rows of a model on a subset.
struct OfSubset<'a> {
    subset: Subset,
    rows: Vec<&'a ClassReport>,
}

impl OfSubset<'_> {
    fn n_images(&self) -> u32 {
        self.rows.iter().map(|row| row.support).sum()
    }

    /// Mean of a metric over the classes, weighted by their numbers of images.
    fn mean(&self, metric: fn(&ClassReport) -> f64) -> Option<f64> {
        let n_images = self.n_images();
        let weighted = { self.rows.iter() }.map(|row| metric(row) * f64::from(row.support));
        (n_images > 0).then(|| weighted.sum::<f64>() / f64::from(n_images))
    }
}

/// Subsets that a model was scored on.
fn subsets<'a>(reports: &'a [ClassReport], model: &str) -> Vec<OfSubset<'a>> {
    let of_subset = |subset| OfSubset {
        subset,
        rows: { reports.iter() }
            .filter(|row| (row.model.as_str(), row.subset) == (model, subset))
            .collect(),
    };
    let subsets = SHOWN.into_iter().map(of_subset);
    subsets.filter(|of| !of.rows.is_empty()).collect()
}

impl ClassificationReport {
    /// The network on the validation images of all folds, and on test images; none of a single fold, whose images are
    /// those of the selected network.
    fn cross_validated(&self) -> Vec<OfSubset<'_>> {
        if self.cross_validation.folds() < 2 {
            return Vec::new();
        }
        subsets(&self.cross_validated_class_reports, NETWORK.model)
    }

    fn table(&self, caption: &str, subsets: &[OfSubset<'_>]) -> Markup {
        let head = html! {
            tr { td {} @for of in subsets { th.group scope="colgroup" colspan="4" { (subset_name(of.subset)) } } }
            tr {
                th scope="col" { "class" }
                @for _ in subsets {
                    th.group scope="col" { "precision" } th scope="col" { "recall" } th scope="col" { "F1" } th scope="col" { "images" }
                }
            }
        };
        let body = html! {
            @for label in self.annotations.labels().names() {
                tr {
                    th scope="row" { (label) }
                    @for of in subsets { (cells(of.rows.iter().copied().find(|row| row.label == *label))) }
                }
            }
            tr.total {
                th scope="row" { "weighted mean" }
                @for of in subsets {
                    td.group { (value(of.mean(|row| row.precision))) }
                    td { (value(of.mean(|row| row.recall))) }
                    td { (value(of.mean(|row| row.f1))) }
                    td { (count(of.n_images())) }
                }
            }
        };
        table(caption, &head, &body)
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

#[cfg(test)]
mod tests {
    use crate::tests::fixture::{report, study};

    #[test]
    fn the_first_report_is_cross_validated() {
        let page = report(&study()).page;
        let (_, section) = page.split_once("<section id=\"class-report\"").unwrap();
        let (_, caption) = section.split_once("<caption>").unwrap();
        assert!(
            caption
                .starts_with("Classification report of the network, cross-validated (18 images)")
        );
        // (5 · 0.9 + 13 · 0.5) / 18
        let (table, _) = caption.split_once("</table>").unwrap();
        let (_, total) = table.split_once("weighted mean").unwrap();
        assert!(total.contains(">0.611<"), "{total}");
        // Its rows have no test images.
        assert!(!section.contains("and the test images"));
    }
}
