//! Confusion matrices.

use std::collections::BTreeMap;

use maud::html;
use table_confusion::Confusion;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{count, subset_name};
use crate::draw::svg::{Canvas, short, text_width};
use crate::page::annotations::Annotations;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Models and subsets of the matrices, in their order.
const SHOWN: [(&str, Subset); 4] = [
    ("network", Subset::Validation),
    ("forest", Subset::Validation),
    ("network", Subset::Test),
    ("network", Subset::Train),
];

reads! {
    /// Tables of the section.
    pub(crate) struct ConfusionMatrices {
        annotations: Annotations,
        confusion: Rows<Confusion>,
    }
}

impl Section for ConfusionMatrices {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let figures: Vec<Figure> = SHOWN
            .iter()
            .filter_map(|(model, subset)| self.figure(model, *subset))
            .collect();
        let body = html! {
            p {
                "Rows are true classes, columns predicted classes; the shares of a row sum to 100 %. The diagonal holds the correct "
                "predictions. A dark cell off the diagonal is a frequent confusion of two classes."
            }
            @if self.annotations.labels().len() > WIDE { div.wide { @for figure in &figures { (figure.markup()) } } } @else { (row(&figures)) }
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
    fn figure(&self, model: &str, subset: Subset) -> Option<Figure> {
        let matrix = Matrix::of(&self.confusion, model, subset)?;
        let worst = match matrix.worst() {
            None => "There are no confusions.".to_owned(),
            Some((actual, predicted, share)) => format!(
                "The most frequent confusion is {actual} predicted as {predicted} ({}).",
                crate::draw::format::percent(share)
            ),
        };
        Some(Figure {
            name: format!("confusion-{model}-{subset}"),
            title: format!(
                "Confusion matrix of the {model}, {} images",
                subset_name(subset)
            ),
            caption: match matrix.labels.len() {
                n if MOST_WIDE / (n as f64) < NUMBERED => format!(
                    "Darker cells are larger shares of the true class; the numbers of a cell are in its title. {worst}"
                ),
                _ => format!("Percent of the true class; small numbers are images. {worst}"),
            },
            canvas: draw(&matrix),
        })
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

    /// Number of images of class `actual` that were predicted as `predicted`.
    pub(crate) fn count(&self, actual: &str, predicted: &str) -> u32 {
        self.counts.get(&(actual, predicted)).copied().unwrap_or(0)
    }

    /// The same as a share of the class's images; none if it has none.
    pub(crate) fn share(&self, actual: &str, predicted: &str) -> Option<f64> {
        let all = self.totals.get(actual).copied().unwrap_or(0);
        (all > 0).then(|| f64::from(self.count(actual, predicted)) / f64::from(all))
    }

    /// The pair of different classes with the largest share.
    fn worst(&self) -> Option<(&'a str, &'a str, f64)> {
        let mut worst = None;
        for actual in self.labels.iter() {
            for predicted in self.labels.iter().filter(|label| *label != actual) {
                let share = self.share(actual, predicted).unwrap_or(0.0);
                if share > worst.map_or(0.0, |(_, _, share)| share) {
                    worst = Some((*actual, *predicted, share));
                }
            }
        }
        worst
    }
}

/// Number of classes above which a matrix is as wide as the page.
const WIDE: usize = 16;

/// Side of a cell with few classes, and of one with numbers, with names, and at all.
const CELL: f64 = 36.0;
const NUMBERED: f64 = 30.0;
const NAMED: f64 = 8.0;
const SMALLEST: f64 = 2.0;

/// Smallest share of a small cell with a title: titles would be most of the page's bytes.
const LEAST_TITLED: f64 = 0.02;

/// Maximum width of a matrix without its names, unless its cells would be smaller than the smallest.
const MOST_WIDE: f64 = 960.0;

fn draw(matrix: &Matrix<'_>) -> Canvas {
    let n = matrix.labels.len() as f64;
    let cell = (MOST_WIDE / n).clamp(SMALLEST, CELL);
    let names: Vec<String> = matrix.labels.iter().map(|label| short(label)).collect();
    let size = if cell < 14.0 { "tiny" } else { "" };
    let longest = names
        .iter()
        .map(|name| text_width(name))
        .fold(0.0, f64::max);
    let longest = if cell < NAMED { 0.0 } else { longest };
    let (left, top) = (longest + 12.0, longest * 0.71 + 16.0);
    // The last column's name leans out of the matrix.
    let right = (longest * 0.71 - cell / 2.0).max(0.0) + 8.0;
    let mut canvas = Canvas::new((left + n * cell + right, top + n * cell + 4.0));
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
        crate::draw::format::percent(share),
        crate::draw::format::counted(n as usize, "image")
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
    let percent = format!("{:.0}", share.unwrap_or(0.0) * 100.0);
    let half = side.1 / 2.0;
    canvas.text(&format!("middle {ink}"), (middle, y + half - 0.5), &percent);
    let below = (middle, y + half + 11.5);
    canvas.text(&format!("middle tiny {ink}"), below, &count(n));
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
    use super::*;
    use crate::tests::fixture::{LABELS, confusion};

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
}
