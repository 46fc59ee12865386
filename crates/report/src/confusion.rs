//! Confusion matrices.

use std::collections::BTreeMap;

use maud::html;

use crate::figure::{Figure, row};
use crate::format::{count, part};
use crate::section::Section;
use crate::study::Study;
use crate::svg::{Canvas, text_width};

/// Which matrices are shown, in this order.
const SHOWN: [(&str, &str); 4] = [
    ("network", "test"),
    ("forest", "test"),
    ("network", "val"),
    ("network", "train"),
];

/// The section.
pub(crate) fn section(study: &Study) -> Section {
    let figures: Vec<Figure> = SHOWN
        .iter()
        .filter_map(|(model, part)| figure(study, model, part))
        .collect();
    let body = html! {
        p {
            "A row is a true class, a column what the model said; a row's shares sum to 100 %. The diagonal is what "
            "was right. A dark cell off the diagonal is a habit: one class taken for another."
        }
        (row(&figures))
    };
    Section {
        id: "confusion",
        title: "What is taken for what",
        body,
        figures,
    }
}

/// A matrix of counts `[K, K]`, true class by said class.
pub(crate) struct Matrix<'a> {
    /// The classes, sorted.
    pub(crate) labels: Vec<&'a str>,
    counts: BTreeMap<(&'a str, &'a str), u32>,
}

impl<'a> Matrix<'a> {
    /// The matrix of a model on a part; none where it wasn't scored there.
    pub(crate) fn of(study: &'a Study, model: &str, part: &str) -> Option<Self> {
        let rows = study.confusion.iter();
        let counts: BTreeMap<(&str, &str), u32> = rows
            .filter(|row| (row.model.as_str(), row.part.as_str()) == (model, part))
            .map(|row| ((row.actual.as_str(), row.predicted.as_str()), row.count))
            .collect();
        let mut labels: Vec<&str> = counts.keys().flat_map(|(a, b)| [*a, *b]).collect();
        labels.sort_unstable();
        labels.dedup();
        (!labels.is_empty()).then_some(Self { labels, counts })
    }

    /// Pictures of class `actual` that were said to be `predicted`.
    pub(crate) fn count(&self, actual: &str, predicted: &str) -> u32 {
        self.counts.get(&(actual, predicted)).copied().unwrap_or(0)
    }

    /// The same as a share of the class's pictures; none where it has none.
    pub(crate) fn share(&self, actual: &str, predicted: &str) -> Option<f64> {
        let labels = self.labels.iter();
        let all: u32 = labels.map(|label| self.count(actual, label)).sum();
        (all > 0).then(|| f64::from(self.count(actual, predicted)) / f64::from(all))
    }

    /// The pair of different classes with the largest share.
    fn worst(&self) -> Option<(&'a str, &'a str, f64)> {
        let mut worst = None;
        for actual in &self.labels {
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

fn figure(study: &Study, model: &str, name: &str) -> Option<Figure> {
    let matrix = Matrix::of(study, model, name)?;
    let worst = match matrix.worst() {
        None => "Nothing was taken for anything else.".to_owned(),
        Some((actual, predicted, share)) => format!(
            "Most often, {actual} was taken for {predicted} ({}).",
            crate::format::percent(share)
        ),
    };
    Some(Figure {
        name: format!("confusion-{model}-{name}"),
        title: format!("{} on {} pictures", capital(model), part(name)),
        caption: format!("Percent of the true class; in small figures, pictures. {worst}"),
        canvas: draw(&matrix),
    })
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

/// Side of a cell.
const CELL: f64 = 36.0;

fn draw(matrix: &Matrix<'_>) -> Canvas {
    let n = matrix.labels.len() as f64;
    let longest = matrix.labels.iter().map(|label| text_width(label));
    let longest = longest.fold(0.0, f64::max);
    let (left, top) = (longest + 12.0, longest * 0.71 + 16.0);
    // The last column's name leans out of the matrix.
    let right = (longest * 0.71 - CELL / 2.0).max(0.0) + 8.0;
    let mut canvas = Canvas::new((left + n * CELL + right, top + n * CELL + 4.0));
    for (idx, label) in matrix.labels.iter().enumerate() {
        let middle = (idx as f64 + 0.5) * CELL;
        canvas.text("end", (left - 8.0, top + middle + 4.0), label);
        canvas.turned_text("", (left + middle + 2.0, top - 6.0), -45.0, label);
    }
    for (row, actual) in matrix.labels.iter().enumerate() {
        for (column, predicted) in matrix.labels.iter().enumerate() {
            let corner = (left + column as f64 * CELL, top + row as f64 * CELL);
            draw_cell(&mut canvas, matrix, (actual, predicted), corner);
        }
    }
    canvas
}

fn draw_cell(
    canvas: &mut Canvas,
    matrix: &Matrix<'_>,
    (actual, predicted): (&str, &str),
    corner: (f64, f64),
) {
    let (x, y) = corner;
    let side = (CELL - 1.0, CELL - 1.0);
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
    canvas.text(&format!("middle {ink}"), (middle, y + 17.0), &percent);
    canvas.text(&format!("middle tiny {ink}"), (middle, y + 29.0), &count(n));
}

/// The color of the numbers that can be read on a cell: the darker the cell in light, or the lighter in dark, the less can
/// the text's own.
fn ink(share: f64) -> &'static str {
    match share {
        share if share > 0.85 => "on-mark",
        share if share > 0.62 => "on-half",
        _ => "",
    }
}
