//! Scatter plots: dots by group, with the groups' names at their centers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use numeric::median_high;
use tables::Subset;

use crate::draw::format::{counted, subset_name};
use crate::draw::palette::N_SERIES;
use crate::draw::svg::{Canvas, Point, short, text_width};

/// A part of a figure.
#[derive(Clone, Copy)]
pub(crate) struct Area {
    /// The upper left corner.
    pub(crate) corner: Point,
    /// Width and height.
    pub(crate) size: Point,
}

/// Coordinates on an area, with one scale for both axes.
#[derive(Clone, Copy)]
pub(crate) struct Placement {
    area: Area,
    center: Point,
    scale: f64,
}

impl Placement {
    /// The placement that has all of `points` at least `edge` from the area's edge.
    pub(crate) fn fit(area: Area, edge: f64, points: impl Iterator<Item = Point> + Clone) -> Self {
        let range = |coordinate: fn(Point) -> f64| {
            let values = points.clone().map(coordinate);
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            })
        };
        let (left, right) = range(|point| point.0);
        let (low, high) = range(|point| point.1);
        let fit = |room: f64, span: f64| (room - 2.0 * edge) / span.max(1e-9);
        Self {
            area,
            center: (f64::midpoint(left, right), f64::midpoint(low, high)),
            scale: fit(area.size.0, right - left).min(fit(area.size.1, high - low)),
        }
    }

    /// The same placement in another area of the same size.
    pub(crate) fn moved(self, corner: Point) -> Self {
        let size = self.area.size;
        Self {
            area: Area { corner, size },
            ..self
        }
    }

    /// The area of the points.
    pub(crate) fn area(self) -> Area {
        self.area
    }

    /// The point of a pair of coordinates, the second of which points up.
    pub(crate) fn at(&self, (x, y): Point) -> Point {
        let Area { corner, size } = self.area;
        (
            corner.0 + size.0 / 2.0 + (x - self.center.0) * self.scale,
            corner.1 + size.1 / 2.0 - (y - self.center.1) * self.scale,
        )
    }
}

/// Area of a name with its margins.
const ROOM: f64 = 3000.0;

/// Groups of dots, by the number that their color goes by.
pub(crate) struct Scatter {
    area: Area,
    groups: BTreeMap<u32, Group>,
}

/// Dots that share a name, by subset.
struct Group {
    name: String,
    subsets: BTreeMap<Subset, Vec<Point>>,
}

impl Scatter {
    /// Without dots; names stay inside of `area`.
    pub(crate) fn new(area: Area) -> Self {
        let groups = BTreeMap::new();
        Self { area, groups }
    }

    /// Adds a dot to group `number`, which is named by its first dot.
    pub(crate) fn add(&mut self, number: u32, name: &str, subset: Subset, at: Point) {
        let group = self.groups.entry(number).or_insert_with(|| Group {
            name: name.to_owned(),
            subsets: BTreeMap::new(),
        });
        group.subsets.entry(subset).or_default().push(at);
    }

    /// Draws all dots, training images under all others; `class` is a CSS class of all.
    pub(crate) fn draw_dots(&self, canvas: &mut Canvas, class: &str) {
        let subsets = self.groups.values().flat_map(|group| group.subsets.keys());
        let subsets: BTreeSet<Subset> = subsets.copied().collect();
        for subset in subsets {
            for (number, group) in &self.groups {
                if let Some(points) = group.subsets.get(&subset) {
                    draw_subset(canvas, class, *number, &group.name, subset, points);
                }
            }
        }
    }

    /// Writes each group's name at its center, the medians of its coordinates; a name that would lie on another moves
    /// down. `size` is the font's, relative to the figures' usual one. Of more groups than the area has room for, the
    /// largest are named.
    pub(crate) fn draw_names(&self, canvas: &mut Canvas, class: &str, size: f64) {
        let line = 13.5 * size;
        let mut largest: Vec<&Group> = self.groups.values().collect();
        // The sort is stable: of equals the lower number comes first.
        largest.sort_by_key(|group| Reverse(group.n_points()));
        largest.truncate(self.n_names());
        let mut names: Vec<(Point, String)> = largest
            .into_iter()
            .map(|group| (group.center(), short(&group.name)))
            .collect();
        names.sort_by(|(a, _), (b, _)| a.1.total_cmp(&b.1).then(a.0.total_cmp(&b.0)));
        let mut placed: Vec<(Point, f64)> = Vec::new();
        for ((x, mut y), name) in names {
            let half = text_width(&name) * 0.55 * size + 3.0;
            let x = self.inside(x, half);
            // Each round moves below at least one placed name, so there are no more rounds than names.
            while let Some((other, _)) = placed.iter().find(|(other, other_half)| {
                (other.0 - x).abs() < half + other_half && (other.1 - y).abs() < line - 1e-6
            }) {
                y = other.1 + line;
            }
            placed.push(((x, y), half));
            let class = format!("middle strong halo {class}");
            canvas.text(&class, (x, y + 4.0 * size), &name);
        }
    }

    /// Names that the area has room for.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small count, rounded down"
    )]
    fn n_names(&self) -> usize {
        let (width, height) = self.area.size;
        (width * height / ROOM) as usize
    }

    /// Center of a name of half width `half` near `x` that keeps the name inside of the area.
    fn inside(&self, x: f64, half: f64) -> f64 {
        let Area { corner, size } = self.area;
        let low = corner.0 + half;
        x.clamp(low, (corner.0 + size.0 - half).max(low))
    }
}

impl Group {
    fn n_points(&self) -> usize {
        self.subsets.values().map(Vec::len).sum()
    }

    fn center(&self) -> Point {
        let median = |coordinate: fn(&Point) -> f64| {
            let values: Vec<f64> = self.subsets.values().flatten().map(coordinate).collect();
            median_high(&values, f64::total_cmp).unwrap_or(0.0)
        };
        (median(|point| point.0), median(|point| point.1))
    }
}

fn draw_subset(
    canvas: &mut Canvas,
    class: &str,
    number: u32,
    name: &str,
    subset: Subset,
    points: &[Point],
) {
    let number = number as usize;
    // Dots of repeated colors are square.
    let shape = if (number / N_SERIES).is_multiple_of(2) {
        ""
    } else {
        " square"
    };
    let class = format!(
        "points {class} subset-{subset} stroke-{}{shape}",
        number % N_SERIES
    );
    let title = format!(
        "{name}, {}: {}",
        subset_name(subset),
        counted(points.len(), "image")
    );
    canvas.dots(&class, points, &title);
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area {
        corner: (0.0, 0.0),
        size: (100.0, 60.0),
    };

    #[test]
    fn the_largest_groups_are_named() {
        // Room for two names, and three groups.
        let mut scatter = Scatter::new(AREA);
        for (number, n) in [(0, 1), (1, 3), (2, 2)] {
            (0..n)
                .for_each(|_| scatter.add(number, &format!("of {n}"), Subset::Train, (50.0, 20.0)));
        }
        let mut canvas = Canvas::new(AREA.size);
        scatter.draw_names(&mut canvas, "", 1.0);
        let svg = canvas.marks().into_string();
        assert!(svg.contains("of 3") && svg.contains("of 2") && !svg.contains("of 1"));
    }

    #[test]
    fn a_placement_keeps_the_edge_and_one_scale() {
        let placement = Placement::fit(AREA, 10.0, [(0.0, 0.0), (4.0, 1.0)].into_iter());
        assert_eq!(placement.at((0.0, 0.5)), (10.0, 30.0));
        assert_eq!(placement.at((4.0, 1.0)), (90.0, 20.0));
        assert_eq!(placement.moved((5.0, 7.0)).at((0.0, 0.5)), (15.0, 37.0));
    }

    #[test]
    fn names_do_not_lie_on_each_other() {
        let mut scatter = Scatter::new(AREA);
        scatter.add(0, "one", Subset::Train, (50.0, 20.0));
        scatter.add(9, "two", Subset::Unseen, (52.0, 21.0));
        let mut canvas = Canvas::new(AREA.size);
        scatter.draw_dots(&mut canvas, "");
        scatter.draw_names(&mut canvas, "", 1.0);
        let svg = canvas.marks().into_string();
        assert!(
            svg.contains("y=\"24\">one<") && svg.contains("y=\"37.5\">two<"),
            "{svg}"
        );
        assert!(svg.contains("subset-unseen stroke-1 square"), "{svg}");
    }
}
