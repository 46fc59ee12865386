//! Confusion matrices.

use std::collections::BTreeMap;

use maud::{Markup, html};
use table_confusion::Confusion;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::Figure;
use crate::draw::format::{count, counted, percent, subset_name};
use crate::draw::svg::{Canvas, short, text_width};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::cross_validated::{CrossValidated, NETWORK};
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Models and subsets of the matrices of the selected fold, in their order.
const SHOWN: [(&str, Subset); 5] = [
    ("network", Subset::Validation),
    ("forest", Subset::Validation),
    ("tuned forest", Subset::Validation),
    ("network", Subset::Test),
    ("network", Subset::Train),
];

reads! {
    /// Tables of the section.
    pub(crate) struct ConfusionMatrices {
        annotations: Annotations,
        confusion: Rows<Confusion>,
        cross_validation: CrossValidated,
        cross_validated_confusion: Rows<Confusion>,
    }
}

impl Section for ConfusionMatrices {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let of_selected = SHOWN
            .iter()
            .filter_map(|(model, subset)| self.of_selected(model, *subset));
        let cross_validated = self.cross_validated();
        let has_cross_validated = cross_validated.is_some();
        let (figures, tables): (Vec<Figure>, Vec<Markup>) =
            cross_validated.into_iter().chain(of_selected).unzip();
        let wide = self.annotations.labels().len() > WIDE;
        let body = html! {
            p {
                "Rows are true classes, columns predicted classes; the shares of a row sum to 100 %. The diagonal holds the correct "
                "predictions. A strongly colored cell off the diagonal is a frequent confusion of two classes."
                @if has_cross_validated {
                    " The first matrix has the validation images of all folds, each predicted by the network of its fold; the others are "
                    "of the selected fold."
                }
            }
            div class=(if wide { "wide" } else { "figures" }) {
                @for (figure, table) in figures.iter().zip(&tables) { div { (figure.markup()) (table) } }
            }
        };
        Ok(Some(Content {
            id: "confusion",
            heading: "Confusion matrices",
            body,
            figures,
        }))
    }
}

impl ConfusionMatrices {
    /// Matrix of the network on the validation images of all folds; none of a single fold, whose images are those of the
    /// selected network.
    fn cross_validated(&self) -> Option<(Figure, Markup)> {
        if self.cross_validation.folds() < 2 {
            return None;
        }
        let model = NETWORK.model;
        let matrix = Matrix::of(&self.cross_validated_confusion, model, Subset::Validation)?;
        let images = counted(matrix.n_images() as usize, "image");
        Some(matrix.figure(
            "confusion-cross-validated".to_owned(),
            format!("Confusion matrix of the {model}, cross-validated ({images})"),
        ))
    }

    fn of_selected(&self, model: &str, subset: Subset) -> Option<(Figure, Markup)> {
        let matrix = Matrix::of(&self.confusion, model, subset)?;
        Some(matrix.figure(
            format!("confusion-{}-{subset}", model.replace(' ', "-")),
            format!(
                "Confusion matrix of the {model}, {} images",
                subset_name(subset)
            ),
        ))
    }
}

/// Counts `[K, K]`, true class by predicted class.
pub(crate) struct Matrix<'a> {
    /// The classes, sorted.
    pub(crate) labels: Vec<&'a str>,
    counts: BTreeMap<(&'a str, &'a str), u32>,
    /// By true class.
    totals: BTreeMap<&'a str, u32>,
}

impl<'a> Matrix<'a> {
    /// The matrix of a model on a subset; none if it was not scored there.
    fn of(rows: &'a [Confusion], model: &str, subset: Subset) -> Option<Self> {
        let counts: BTreeMap<(&str, &str), u32> = rows
            .iter()
            .filter(|row| (row.model.as_str(), row.subset) == (model, subset))
            .map(|row| ((row.actual.as_str(), row.predicted.as_str()), row.count))
            .collect();
        let mut labels: Vec<&str> = counts.keys().flat_map(|(a, b)| [*a, *b]).collect();
        labels.sort_unstable();
        labels.dedup();
        let mut totals = BTreeMap::new();
        for ((actual, _), count) in &counts {
            *totals.entry(*actual).or_insert(0) += count;
        }
        (!labels.is_empty()).then_some(Self {
            labels,
            counts,
            totals,
        })
    }

    /// The matrix as a drawing, and as a table behind it.
    fn figure(&self, name: String, title: String) -> (Figure, Markup) {
        let worst = self.worst_text();
        let table = self.table(&title);
        let figure = Figure {
            name,
            title,
            caption: match self.labels.len() {
                n if MOST_WIDE / (n as f64) < NUMBERED => format!(
                    "Stronger color is a larger share of the true class; the numbers of a cell are in its title. {worst}"
                ),
                _ => format!("Percent of the true class; small numbers are images. {worst}"),
            },
            canvas: draw(self),
        };
        (figure, table)
    }

    /// Number of images.
    fn n_images(&self) -> u32 {
        self.totals.values().sum()
    }

    /// Number of images of class `actual` that were predicted as `predicted`.
    pub(crate) fn count(&self, actual: &str, predicted: &str) -> u32 {
        self.counts.get(&(actual, predicted)).copied().unwrap_or(0)
    }

    /// The same as a share of the class's images; none if it has none.
    pub(crate) fn share(&self, actual: &str, predicted: &str) -> Option<f64> {
        let all = self.totals.get(actual).copied().unwrap_or(0);
        (all > 0).then(|| f64::from(self.count(actual, predicted)) / f64::from(all))
    }

    /// Confusions with images, by falling share of the true class; of equals, by the names.
    fn confusions(&self) -> Vec<Cell<'a>> {
        let wrong = self.counts.iter().filter(|((a, b), n)| a != b && **n > 0);
        let mut cells: Vec<Cell<'a>> = wrong
            .map(|((actual, predicted), n)| Cell {
                actual,
                predicted,
                n: *n,
                total: self.totals.get(actual).copied().unwrap_or(0),
            })
            .collect();
        // The sort is stable, and the counts are sorted by the names.
        cells.sort_by(|a, b| b.share().total_cmp(&a.share()));
        cells
    }

    /// Sentence on the most frequent confusion, with its images and its ties.
    fn worst_text(&self) -> String {
        let cells = self.confusions();
        let Some(worst) = cells.first() else {
            return "There are no confusions.".to_owned();
        };
        let is_tied = |cell: &&Cell<'_>| cell.share().total_cmp(&worst.share()).is_eq();
        let ties = match cells.iter().filter(is_tied).count() - 1 {
            0 => String::new(),
            1 => "; one other confusion has the same share".to_owned(),
            n => format!("; {n} other confusions have the same share"),
        };
        format!(
            "The most frequent confusion is {} predicted as {}: {} of {} ({}){ties}.",
            worst.actual,
            worst.predicted,
            count(worst.n),
            counted(worst.total as usize, "image"),
            percent(worst.share()),
        )
    }

    /// All counts or, of many classes, the most frequent confusions, behind a summary.
    fn table(&self, title: &str) -> Markup {
        let (summary, table) = if self.labels.len() > WIDE {
            ("Most frequent confusions", self.table_of_confusions(title))
        } else {
            ("Table", self.table_of_counts(title))
        };
        html! { details { summary { (summary) } (table) } }
    }

    fn table_of_counts(&self, title: &str) -> Markup {
        let head = html! {
            tr { th scope="col" rowspan="2" { "true class" } th scope="colgroup" colspan=(self.labels.len()) { "predicted class" } }
            tr { @for label in &self.labels { th scope="col" { (short(label)) } } }
        };
        let body = html! {
            @for actual in &self.labels {
                tr { th scope="row" { (short(actual)) } @for predicted in &self.labels { td { (count(self.count(actual, predicted))) } } }
            }
        };
        table(&format!("{title}: numbers of images"), &head, &body)
    }

    fn table_of_confusions(&self, title: &str) -> Markup {
        let head = html! {
            tr { th scope="col" { "true class" } th.words scope="col" { "predicted class" } th scope="col" { "images" } th scope="col" { "share of the class" } }
        };
        let body = html! {
            @for cell in self.confusions().iter().take(MOST_LISTED) {
                tr {
                    th scope="row" { (short(cell.actual)) }
                    td.words { (short(cell.predicted)) }
                    td { (count(cell.n)) }
                    td { (percent(cell.share())) }
                }
            }
        };
        table(&format!("{title}: most frequent confusions"), &head, &body)
    }
}

/// Images of a class that were predicted as another.
struct Cell<'a> {
    actual: &'a str,
    predicted: &'a str,
    n: u32,
    /// Images of the true class, at least `n`.
    total: u32,
}

impl Cell<'_> {
    fn share(&self) -> f64 {
        f64::from(self.n) / f64::from(self.total.max(1))
    }
}

/// Confusions in the table of many classes, at most.
const MOST_LISTED: usize = 20;

/// Number of classes above which a matrix is as wide as the page.
const WIDE: usize = 16;

/// Side of a cell with few classes, and of one with numbers, with names, and at all.
const CELL: f64 = 36.0;
const NUMBERED: f64 = 30.0;
const NAMED: f64 = 10.5;
const SMALLEST: f64 = 2.0;

/// Room for the title of an axis.
const TITLE: f64 = 16.0;

/// Smallest share of a small cell with a title: titles would be most of the page's bytes.
const LEAST_TITLED: f64 = 0.02;

/// Maximum width of a matrix without its names, unless its cells would be smaller than the smallest.
const MOST_WIDE: f64 = 1100.0;

fn draw(matrix: &Matrix<'_>) -> Canvas {
    let n = matrix.labels.len() as f64;
    let cell = (MOST_WIDE / n).clamp(SMALLEST, CELL);
    let names: Vec<String> = matrix.labels.iter().map(|label| short(label)).collect();
    let size = if cell < 14.0 { "small" } else { "" };
    let longest = names
        .iter()
        .map(|name| text_width(name))
        .fold(0.0, f64::max);
    let longest = if cell < NAMED { 0.0 } else { longest };
    let (left, top) = (longest + 12.0 + TITLE, longest * 0.71 + 16.0 + TITLE);
    // The last column's name leans out of the matrix.
    let right = (longest * 0.71 - cell / 2.0).max(0.0) + 8.0;
    let mut canvas = Canvas::new((left + n * cell + right, top + n * cell + 4.0));
    let middle = n * cell / 2.0;
    canvas.text("muted", (left, 11.0), "predicted class");
    canvas.turned_text("muted middle", (11.0, top + middle), -90.0, "true class");
    for (idx, name) in names.iter().enumerate().filter(|_| cell >= NAMED) {
        let middle = (idx as f64 + 0.5) * cell;
        let down = if size.is_empty() { 4.0 } else { 2.8 };
        canvas.text(
            &format!("end {size}"),
            (left - 8.0, top + middle + down),
            name,
        );
        canvas.turned_text(size, (left + middle + 2.0, top - 6.0), -45.0, name);
    }
    if cell < NUMBERED {
        // One ground stands for all empty cells.
        canvas.rect("cell", (left, top), (n * cell, n * cell), 0.04);
    }
    for (row, actual) in matrix.labels.iter().enumerate() {
        for (column, predicted) in matrix.labels.iter().enumerate() {
            let corner = (left + column as f64 * cell, top + row as f64 * cell);
            if cell < NUMBERED {
                draw_small_cell(&mut canvas, matrix, (actual, predicted), corner, cell);
            } else {
                draw_cell(&mut canvas, matrix, (actual, predicted), (corner, cell));
            }
        }
    }
    canvas
}

/// A cell without numbers but with a title; empty cells are not drawn.
fn draw_small_cell(
    canvas: &mut Canvas,
    matrix: &Matrix<'_>,
    (actual, predicted): (&str, &str),
    corner: (f64, f64),
    cell: f64,
) {
    let n = matrix.count(actual, predicted);
    if n == 0 {
        return;
    }
    let share = matrix.share(actual, predicted).unwrap_or(0.0);
    let side = (cell - cell.min(1.0) * 0.5, cell - cell.min(1.0) * 0.5);
    let opacity = 0.1 + 0.9 * share;
    if share < LEAST_TITLED {
        canvas.rect("cell", corner, side, opacity);
        return;
    }
    let title = format!(
        "{} as {}: {} of the class, {}",
        short(actual),
        short(predicted),
        percent(share),
        counted(n as usize, "image")
    );
    canvas.titled_rect("cell", corner, side, opacity, &title);
}

fn draw_cell(
    canvas: &mut Canvas,
    matrix: &Matrix<'_>,
    (actual, predicted): (&str, &str),
    (corner, cell): ((f64, f64), f64),
) {
    let (x, y) = corner;
    let side = (cell - 1.0, cell - 1.0);
    let share = matrix.share(actual, predicted);
    // The faintest fill is the empty cell's ground.
    canvas.rect("cell", corner, side, 0.04 + 0.96 * share.unwrap_or(0.0));
    if actual == predicted {
        canvas.rect("diagonal", corner, side, 0.0);
    }
    let n = matrix.count(actual, predicted);
    if n == 0 {
        return;
    }
    let ink = ink(share.unwrap_or(0.0));
    let middle = x + side.0 / 2.0;
    let percent = format!("{:.0}", (share.unwrap_or(0.0) * 100.0).round());
    let half = side.1 / 2.0;
    canvas.text(&format!("middle {ink}"), (middle, y + half - 1.5), &percent);
    let below = (middle, y + half + 11.5);
    canvas.text(&format!("middle small {ink}"), below, &count(n));
}

/// CSS class of readable text on a cell with `share` of the strongest color.
fn ink(share: f64) -> &'static str {
    match share {
        share if share > 0.85 => "on-mark",
        share if share > 0.62 => "on-half",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use table_cross_validation::CrossValidation;

    use super::*;
    use crate::tests::fixture::{LABELS, confusion, report, study};

    #[test]
    fn rows_of_a_matrix_sum_to_all() {
        let rows = confusion();
        let matrix = Matrix::of(&rows, "network", Subset::Validation).unwrap();
        let row = |actual: &str| -> Option<Vec<f64>> {
            LABELS
                .iter()
                .map(|predicted| matrix.share(actual, predicted))
                .collect()
        };
        let shares = row(LABELS[0]).unwrap();
        assert!(
            (shares.iter().sum::<f64>() - 1.0).abs() < 1e-12,
            "{shares:?}"
        );
        assert!((shares[1] - 2.0 / 3.0).abs() < 1e-12, "{shares:?}");
        // A class without images has no shares.
        assert_eq!(row(LABELS[1]), None);
        assert!(Matrix::of(&rows, "network", Subset::Unseen).is_none());
    }

    #[test]
    fn the_most_frequent_confusion_has_its_images_and_ties() {
        let text = |counts: &[(&str, &str, u32)]| {
            let rows: Vec<Confusion> = { counts.iter() }
                .map(|(actual, predicted, count)| Confusion {
                    model: "network".to_owned(),
                    subset: Subset::Test,
                    actual: (*actual).to_owned(),
                    predicted: (*predicted).to_owned(),
                    count: *count,
                })
                .collect();
            let matrix = Matrix::of(&rows, "network", Subset::Test).unwrap();
            matrix.worst_text()
        };
        assert_eq!(
            text(&[("a", "a", 2), ("b", "b", 1)]),
            "There are no confusions."
        );
        assert_eq!(
            text(&[("a", "a", 7), ("a", "b", 1), ("b", "b", 9), ("b", "a", 1)]),
            "The most frequent confusion is a predicted as b: 1 of 8 images (13\u{a0}%)."
        );
        assert_eq!(
            text(&[("a", "b", 1), ("a", "a", 1), ("b", "a", 2), ("b", "b", 2)]),
            "The most frequent confusion is a predicted as b: 1 of 2 images (50\u{a0}%); one other confusion has the same share."
        );
    }

    #[test]
    fn the_first_matrix_is_cross_validated_unless_there_is_a_single_fold() {
        let title = "Confusion matrix of the network, cross-validated (18 images)";
        assert!(report(&study()).page.contains(title));
        let mut study = study();
        study.edit("cross_validation", |rows: &mut Vec<CrossValidation>| {
            rows.iter_mut().for_each(|row| row.folds = 1)
        });
        let page = report(&study).page;
        assert!(!page.contains("cross-validated ("));
        assert!(!page.contains("The first matrix"));
    }

    #[test]
    fn a_matrix_has_axes_and_a_table() {
        let report = report(&study());
        let svg = &{ report.figures.iter() }
            .find(|figure| figure.name == "confusion-network-validation.svg")
            .unwrap()
            .svg;
        assert!(svg.contains(">predicted class<") && svg.contains(">true class<"));
        let title = "Confusion matrix of the network, validation images: numbers of images";
        let (_, table) = report
            .page
            .split_once(&format!("<caption>{title}"))
            .unwrap();
        let (table, _) = table.split_once("</table>").unwrap();
        assert!(table.contains("<th scope=\"row\">art&lt;deco&gt;</th><td>1</td><td>2</td>"));
    }
}
