//! Marks of scatter plots: each group has a color and a shape, each subset a filling.

use std::fmt::Write as _;

use maud::{Markup, html};
use tables::Subset;

use crate::draw::palette::Palette;
use crate::draw::svg::{Point, number};

/// Corners of a shape of unit size, around the origin, in thousandths, `y` down; a circle has none.
type Shape = &'static [(i16, i16)];

/// Number of shapes.
const N_SHAPES: usize = 8;

/// The shapes, of about equal area: circle, square, triangle, diamond, triangle on its tip, plus, cross, star.
const SHAPES: [Shape; N_SHAPES] = [
    &[],
    &[(-900, -900), (900, -900), (900, 900), (-900, 900)],
    &[(0, -1300), (1200, 800), (-1200, 800)],
    &[(0, -1350), (1100, 0), (0, 1350), (-1100, 0)],
    &[(0, 1300), (-1200, -800), (1200, -800)],
    &[
        (-400, -1200),
        (400, -1200),
        (400, -400),
        (1200, -400),
        (1200, 400),
        (400, 400),
        (400, 1200),
        (-400, 1200),
        (-400, 400),
        (-1200, 400),
        (-1200, -400),
        (-400, -400),
    ],
    &[
        (-570, -1130),
        (0, -570),
        (570, -1130),
        (1130, -570),
        (570, 0),
        (1130, 570),
        (570, 1130),
        (0, 570),
        (-570, 1130),
        (-1130, 570),
        (-570, 0),
        (-1130, -570),
    ],
    &[
        (0, -1450),
        (380, -520),
        (1380, -450),
        (610, 200),
        (850, 1170),
        (0, 640),
        (-850, 1170),
        (-610, 200),
        (-1380, -450),
        (-380, -520),
    ],
];

/// Color and shape of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    palette: Palette,
    /// Index of the color.
    color: usize,
    /// Index in [`SHAPES`].
    shape: usize,
}

impl Style {
    /// The style of group `idx`. The first eight groups differ in shape, so that none is known by its color alone; the
    /// first 32 differ in color or shape.
    pub(crate) fn of(palette: Palette, idx: u32) -> Self {
        let idx = idx as usize;
        Self {
            palette,
            color: idx % palette.n_colors(),
            shape: (idx + idx / N_SHAPES) % N_SHAPES,
        }
    }

    /// Custom property of the color, without its leading dashes.
    pub(crate) fn property(self) -> String {
        format!("{}-{}", self.palette.name(), self.color)
    }

    /// Corners of the shape, in thousandths of its size, `x` and `y` in turn; none of a circle.
    pub(crate) fn corners(self) -> Vec<i16> {
        let corners = SHAPES[self.shape].iter();
        corners.flat_map(|&(x, y)| [x, y]).collect()
    }

    /// SVG path of a mark at each of `points`.
    pub(crate) fn path(self, size: f64, points: &[Point]) -> String {
        let mut path = String::new();
        for &(x, y) in points {
            // Rounded here, so that the steps between the corners add no error.
            let round = |value: f64| (value * 10.0).round() / 10.0;
            let corners = SHAPES[self.shape].iter().map(|&(dx, dy)| {
                let at = |from: f64, by: i16| round(from + size * f64::from(by) / 1000.0);
                (at(x, dx), at(y, dy))
            });
            push_outline(&mut path, (round(x), round(y)), round(size), corners);
        }
        path
    }

    /// CSS classes of the marks of `subset`.
    pub(crate) fn class(self, subset: Subset) -> String {
        format!("mark-{} tone-{}", filling(subset), self.property())
    }

    /// The style's mark for lists of names in the page.
    pub(crate) fn swatch(self) -> Markup {
        html! {
            svg.drawing.swatch-mark viewBox="-8 -8 16 16" aria-hidden="true" {
                path class=(self.class(Subset::Validation)) d=(self.path(5.0, &[(0.0, 0.0)])) {}
            }
        }
    }
}

/// Filling of a subset's marks: those of images that the network was fitted to are hollow, those of images that chose
/// nothing have an edge.
pub(crate) fn filling(subset: Subset) -> &'static str {
    match subset {
        Subset::Train => "hollow",
        Subset::Validation | Subset::Unseen => "filled",
        Subset::Test => "edged",
    }
}

/// Adds the outline through `corners`, or a circle where there are none.
fn push_outline(
    path: &mut String,
    (x, y): Point,
    size: f64,
    mut corners: impl Iterator<Item = Point>,
) {
    let Some(first) = corners.next() else {
        let (radius, across) = (number(size), number(2.0 * size));
        let start = number(x - size);
        let arc = format!("a{radius} {radius} 0 1 0");
        let _ = write!(
            path,
            "M{start} {}{arc} {across} 0{arc}-{across} 0z",
            number(y)
        );
        return;
    };
    let _ = write!(path, "M{} {}l", number(first.0), number(first.1));
    let mut last = first;
    let mut separator = "";
    for corner in corners {
        let step = (number(corner.0 - last.0), number(corner.1 - last.1));
        let _ = write!(path, "{separator}{} {}", step.0, step.1);
        (last, separator) = (corner, " ");
    }
    path.push('z');
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_of_eight_groups_have_one_shape() {
        for palette in [Palette::Classes, Palette::Clusters] {
            let shapes: BTreeSet<usize> = (0..8).map(|idx| Style::of(palette, idx).shape).collect();
            assert_eq!(shapes.len(), 8);
            let styles: BTreeSet<(usize, usize)> = (0..32)
                .map(|idx| Style::of(palette, idx))
                .map(|style| (style.color, style.shape))
                .collect();
            assert_eq!(styles.len(), 32);
        }
    }

    #[test]
    fn outlines_start_at_a_corner_and_return() {
        let square = Style::of(Palette::Classes, 1);
        assert_eq!(
            square.path(10.0, &[(20.0, 30.0), (0.0, 0.0)]),
            "M11 21l18 0 0 18 -18 0zM-9 -9l18 0 0 18 -18 0z"
        );
        let circle = Style::of(Palette::Classes, 0);
        assert_eq!(
            circle.path(2.0, &[(5.0, 5.0)]),
            "M3 5a2 2 0 1 0 4 0a2 2 0 1 0-4 0z"
        );
    }

    #[test]
    fn shapes_have_about_the_same_area() {
        for shape in &SHAPES[1..] {
            // Shoelace formula.
            let next = shape.iter().cycle().skip(1);
            let doubled: f64 = { shape.iter().zip(next) }
                .map(|(a, b)| f64::from(a.0) * f64::from(b.1) - f64::from(b.0) * f64::from(a.1))
                .sum();
            let area = doubled.abs() / 2e6;
            assert!((2.2..=3.5).contains(&area), "{area}: {shape:?}");
        }
    }
}
