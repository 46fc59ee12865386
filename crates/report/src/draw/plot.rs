//! Axes: from values to coordinates of a figure.

use crate::draw::svg::{Canvas, Point, text_width};

/// A linear scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Values at the two ends; they differ.
    domain: (f64, f64),
    /// Coordinates of the two ends.
    range: (f64, f64),
}

impl Scale {
    /// A scale of `domain`, which is widened where its ends are the same.
    pub(crate) fn new(domain: (f64, f64), range: (f64, f64)) -> Self {
        let (low, high) = domain;
        let domain = if high > low {
            domain
        } else {
            (low - 0.5, low + 0.5)
        };
        Self { domain, range }
    }

    /// The coordinate of `value`.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let share = (value - self.domain.0) / (self.domain.1 - self.domain.0);
        self.range.0 + share * (self.range.1 - self.range.0)
    }
}

/// Round numbers along a scale.
#[derive(Debug, PartialEq)]
pub(crate) struct Ticks {
    values: Vec<f64>,
    /// Digits after the point.
    digits: usize,
}

impl Ticks {
    /// About `n` multiples of 1, 2 or 5 times a power of ten between `low` and `high`, at least `least` apart.
    pub(crate) fn new((low, high): (f64, f64), n: u32, least: f64) -> Self {
        let wanted = ((high - low) / f64::from(n)).max(least);
        let steps = (-6..=9).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| (digit, power)));
        let step = |(digit, power): (f64, i32)| digit * 10_f64.powi(power);
        // Rounding must not make a step that fits look too small.
        let mut fitting = steps.filter(|&candidate| step(candidate) >= wanted * (1.0 - 1e-9));
        let (digit, power) = fitting.next().unwrap_or((5.0, 9));
        let step = step((digit, power));
        let first = (low / step - 1e-9).ceil();
        let values = (0..=64)
            .map(|i| (first + f64::from(i)) * step)
            .take_while(|value| *value <= high + step * 1e-9)
            .collect();
        Self {
            values,
            digits: usize::try_from(-power).unwrap_or(0),
        }
    }

    fn labels(&self) -> impl Iterator<Item = (f64, String)> {
        let digits = self.digits;
        self.values
            .iter()
            // Adding zero turns a negative zero into zero.
            .map(move |value| (*value, format!("{:.digits$}", value + 0.0)))
    }
}

/// Room around the data.
#[derive(Clone, Copy)]
pub(crate) struct Margins {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

/// A drawing with two scales.
pub(crate) struct Plot {
    /// The drawing.
    pub(crate) canvas: Canvas,
    /// Along the page.
    pub(crate) x: Scale,
    /// Up the page.
    pub(crate) y: Scale,
    x_domain: (f64, f64),
    y_domain: (f64, f64),
    size: Point,
    margins: Margins,
}

impl Plot {
    /// An empty plot.
    pub(crate) fn new(
        size: Point,
        margins: Margins,
        x_domain: (f64, f64),
        y_domain: (f64, f64),
    ) -> Self {
        let x_range = (margins.left, size.0 - margins.right);
        let y_range = (size.1 - margins.bottom, margins.top);
        Self {
            canvas: Canvas::new(size),
            x: Scale::new(x_domain, x_range),
            y: Scale::new(y_domain, y_range),
            x_domain,
            y_domain,
            size,
            margins,
        }
    }

    /// The point of a pair of values.
    pub(crate) fn at(&self, (x, y): (f64, f64)) -> Point {
        (self.x.at(x), self.y.at(y))
    }

    /// Numbers and lines across for the upward scale.
    pub(crate) fn draw_y_axis(&mut self) {
        let (left, right) = self.sides();
        for (value, label) in Ticks::new(self.y_domain, 5, 0.0).labels() {
            let y = self.y.at(value);
            self.canvas.line("grid", (left, y), (right, y));
            self.canvas.text("muted end", (left - 6.0, y + 3.8), &label);
        }
    }

    /// The upward scale's name with its unit, along the left edge.
    pub(crate) fn name_y_axis(&mut self, name: &str) {
        let middle = f64::midpoint(self.margins.top, self.size.1 - self.margins.bottom);
        self.canvas
            .turned_text("muted middle", (10.0, middle), -90.0, name);
    }

    /// Numbers below and the scale's name; ticks at least `least` apart, upright lines where `lines`.
    pub(crate) fn draw_x_axis(&mut self, name: &str, least: f64, lines: bool) {
        let bottom = self.size.1 - self.margins.bottom;
        let (left, right) = self.sides();
        for (value, label) in Ticks::new(self.x_domain, 8, least).labels() {
            let x = self.x.at(value);
            if lines {
                self.canvas.line("grid", (x, self.margins.top), (x, bottom));
            }
            self.canvas.text("muted middle", (x, bottom + 15.0), &label);
        }
        self.canvas.line("axis", (left, bottom), (right, bottom));
        self.canvas.text(
            "muted middle",
            (f64::midpoint(left, right), bottom + 31.0),
            name,
        );
    }

    /// As [`Plot::draw_x_axis`], with `ticks` of values and names.
    pub(crate) fn draw_named_x_axis(&mut self, name: &str, ticks: &[(f64, String)]) {
        let bottom = self.size.1 - self.margins.bottom;
        let (left, right) = self.sides();
        for (value, label) in ticks {
            let x = self.x.at(*value);
            self.canvas.text("muted middle", (x, bottom + 15.0), label);
        }
        self.canvas.line("axis", (left, bottom), (right, bottom));
        self.canvas.text(
            "muted middle",
            (f64::midpoint(left, right), bottom + 31.0),
            name,
        );
    }

    /// A dashed upright line at `x`, named at its upper end.
    pub(crate) fn mark_x(&mut self, x: f64, name: &str) {
        let x = self.x.at(x);
        let (top, bottom) = (self.margins.top, self.size.1 - self.margins.bottom);
        self.canvas.line("mark", (x, top), (x, bottom));
        // Strong letters are wider.
        let half = 0.6 * text_width(name);
        let center = x.clamp(half, (self.size.0 - half).max(half));
        self.canvas.text("middle strong", (center, top - 6.0), name);
    }

    /// A dotted line across at `y`, named at its left end.
    pub(crate) fn mark_y(&mut self, y: f64, name: &str) {
        let y = self.y.at(y);
        let (left, right) = self.sides();
        self.canvas.line("chance", (left, y), (right, y));
        self.canvas
            .text("muted small halo", (left + 4.0, y - 4.0), name);
    }

    /// A line of names with a short stroke of each one's class before it.
    pub(crate) fn draw_legend(&mut self, entries: &[(&str, &str)]) {
        let mut x = self.margins.left;
        for (class, name) in entries {
            self.canvas.line(class, (x, 10.0), (x + 16.0, 10.0));
            self.canvas.text("", (x + 21.0, 14.0), name);
            x += 21.0 + text_width(name) + 14.0;
        }
    }

    fn sides(&self) -> (f64, f64) {
        (self.margins.left, self.size.0 - self.margins.right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(domain: (f64, f64), n: u32, least: f64) -> Vec<String> {
        let ticks = Ticks::new(domain, n, least);
        ticks.labels().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            labels((0.0, 1.0), 5, 0.0),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(labels((2.0, 11.0), 8, 1.0), ["2", "4", "6", "8", "10"]);
        assert_eq!(labels((0.0, 3.0), 8, 1.0), ["0", "1", "2", "3"]);
        assert_eq!(labels((-0.1, 0.11), 4, 0.0), ["-0.1", "0.0", "0.1"]);
    }

    #[test]
    fn a_scale_of_one_value_has_it_in_the_middle() {
        let middle = Scale::new((3.0, 3.0), (0.0, 10.0)).at(3.0);
        assert!((middle - 5.0).abs() < 1e-12);
    }
}
