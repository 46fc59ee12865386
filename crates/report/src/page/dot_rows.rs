//! Values in rows, with their intervals, on an axis that fits them.

use crate::draw::plot::{Margins, Plot};
use crate::draw::svg::Canvas;

/// Width of the drawing, at which its text can be read on a narrow page.
const WIDTH: f64 = 420.0;
/// Height of a row.
const ROW: f64 = 22.0;
/// Height of a heading.
const HEADING: f64 = 24.0;
const MARGINS: Margins = Margins {
    left: 132.0,
    right: 18.0,
    top: 12.0,
    bottom: 38.0,
};

/// A row of the drawing.
#[derive(Default)]
pub(crate) struct DotRow {
    /// Heading above the row, where it begins a group.
    pub(crate) heading: Option<String>,
    /// Label at the left.
    pub(crate) label: String,
    /// Value, as a large dot.
    pub(crate) value: Option<f64>,
    /// Ends of its interval, as a whisker.
    pub(crate) interval: Option<(f64, f64)>,
    /// Single values behind it, such as those of folds, as small dots.
    pub(crate) single: Vec<f64>,
    /// A second value, as a ring.
    pub(crate) ring: Option<f64>,
    /// Index of the color, from 0 to 2.
    pub(crate) color: usize,
}

/// An axis below the rows.
pub(crate) struct Axis<'a> {
    /// Name.
    pub(crate) name: &'a str,
    /// Values that are possible: the axis ends there.
    pub(crate) possible: (f64, f64),
    /// A value with a line across all rows.
    pub(crate) line: Option<f64>,
}

/// Axis of a share.
pub(crate) fn share(name: &str) -> Axis<'_> {
    Axis {
        name,
        possible: (0.0, 1.0),
        line: None,
    }
}

/// Axis of a difference, with a line at 0.
pub(crate) fn difference(name: &str) -> Axis<'_> {
    Axis {
        name,
        possible: (f64::NEG_INFINITY, f64::INFINITY),
        line: Some(0.0),
    }
}

/// The drawing of `rows`.
pub(crate) fn draw(rows: &[DotRow], axis: &Axis<'_>) -> Canvas {
    let headings = rows.iter().filter(|row| row.heading.is_some()).count();
    let height = MARGINS.top + ROW * rows.len() as f64 + HEADING * headings as f64 + MARGINS.bottom;
    let mut plot = Plot::new((WIDTH, height), MARGINS, domain(rows, axis), (0.0, 1.0));
    plot.draw_x_axis(axis.name, 0.0, true);
    if let Some(value) = axis.line {
        let x = plot.x.at(value);
        let ends = [(x, MARGINS.top), (x, height - MARGINS.bottom)];
        plot.canvas.line("axis", ends[0], ends[1]);
    }
    let mut top = MARGINS.top;
    for row in rows {
        if let Some(heading) = &row.heading {
            plot.canvas
                .text("strong", (4.0, top + HEADING - 7.0), heading);
            top += HEADING;
        }
        draw_row(&mut plot, row, top + ROW / 2.0);
        top += ROW;
    }
    plot.canvas
}

/// Ends of the axis: all values with some room, within what is possible.
fn domain(rows: &[DotRow], axis: &Axis<'_>) -> (f64, f64) {
    let values = || {
        let of_rows = rows.iter().flat_map(|row| {
            let ends = row.interval.map(|(low, high)| [low, high]);
            let ends = ends.into_iter().flatten();
            let values = [row.value, row.ring].into_iter().flatten();
            ends.chain(values).chain(row.single.iter().copied())
        });
        of_rows.chain(axis.line).filter(|value| value.is_finite())
    };
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return (0.0, 1.0);
    }
    // One value alone gets an axis around it.
    let room = (0.06 * (high - low)).max(0.01);
    let (least, most) = axis.possible;
    ((low - room).max(least), (high + room).min(most))
}

fn draw_row(plot: &mut Plot, row: &DotRow, y: f64) {
    let color = row.color;
    let at_label = (MARGINS.left - 8.0, y + 4.0);
    plot.canvas.text("muted end", at_label, &row.label);
    if let Some((low, high)) = row.interval {
        let (from, to) = ((plot.x.at(low), y), (plot.x.at(high), y));
        let class = format!("whisker stroke-{color}");
        plot.canvas.line(&class, from, to);
    }
    let finite = |value: &f64| value.is_finite();
    for value in row.single.iter().copied().filter(finite) {
        let at = (plot.x.at(value), y);
        plot.canvas.circle(&format!("ring stroke-{color}"), at, 2.5);
        plot.canvas.hover(at, 6.0, &format!("{value:.3}"));
    }
    if let Some(value) = row.value.filter(finite) {
        let at = (plot.x.at(value), y);
        plot.canvas.circle(&format!("dot fill-{color}"), at, 4.5);
        plot.canvas.hover(at, 6.0, &format!("{value:.3}"));
    }
    if let Some(value) = row.ring.filter(finite) {
        let at = (plot.x.at(value), y);
        plot.canvas.circle(&format!("ring stroke-{color}"), at, 7.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f64, low: f64, high: f64) -> DotRow {
        DotRow {
            value: Some(value),
            interval: Some((low, high)),
            ..DotRow::default()
        }
    }

    #[test]
    fn the_axis_fits_the_values_and_ends_where_none_is_possible() {
        let (low, high) = domain(&[row(0.99, 0.95, 1.0)], &share("top-1"));
        assert!(low > 0.9 && low < 0.95, "{low}");
        assert!((high - 1.0).abs() < 1e-12, "{high}");
        let (low, high) = domain(&[row(0.1, 0.05, 0.15)], &difference("difference"));
        assert!(low < 0.0 && high > 0.15, "{low} {high}");
        assert_eq!(domain(&[DotRow::default()], &share("top-1")), (0.0, 1.0));
    }

    #[test]
    fn undefined_values_are_not_drawn() {
        let undefined = DotRow {
            value: Some(f64::NAN),
            ..DotRow::default()
        };
        let svg = draw(&[undefined], &share("top-1")).marks().into_string();
        assert!(!svg.contains("<circle") && !svg.contains("NaN"));
    }
}
