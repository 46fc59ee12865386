//! Scatter plots: marks by group and subset, with a legend below.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use tables::Subset;

use crate::draw::format::{count, counted, subset_name};
use crate::draw::marks::{Style, filling};
use crate::draw::palette::Palette;
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
        let (horizontal, vertical) = ranges(points);
        let fit = |room: f64, (low, high): (f64, f64)| (room - 2.0 * edge) / (high - low).max(1e-9);
        Self {
            area,
            center: (
                f64::midpoint(horizontal.0, horizontal.1),
                f64::midpoint(vertical.0, vertical.1),
            ),
            scale: fit(area.size.0, horizontal).min(fit(area.size.1, vertical)),
        }
    }

    /// As [`Placement::fit`], in an area from the figure's corner as wide as `width` and as high as the points need, from
    /// half to the whole of the width.
    pub(crate) fn fit_width(
        width: f64,
        edge: f64,
        points: impl Iterator<Item = Point> + Clone,
    ) -> Self {
        let (horizontal, vertical) = ranges(points.clone());
        let span = |(low, high): (f64, f64)| (high - low).max(1e-9);
        let inner = (width - 2.0 * edge) * span(vertical) / span(horizontal);
        // Without points the ratio is not a number.
        let height = (inner + 2.0 * edge).max(0.5 * width).min(width);
        let area = Area {
            corner: (0.0, 0.0),
            size: (width, height),
        };
        Self::fit(area, edge, points)
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

/// Lowest and highest of both coordinates; infinite without points.
fn ranges(points: impl Iterator<Item = Point>) -> ((f64, f64), (f64, f64)) {
    let empty = (f64::INFINITY, f64::NEG_INFINITY);
    let with = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
    points.fold((empty, empty), |(x, y), point| {
        (with(x, point.0), with(y, point.1))
    })
}

/// Groups in a legend, at most: of more, the largest are named.
pub(crate) const MOST_NAMED: usize = 24;

/// Height of a row of a legend.
const LINE: f64 = 19.0;

/// Groups of marks, by the number that their color and shape go by.
pub(crate) struct Scatter {
    palette: Palette,
    groups: BTreeMap<u32, Group>,
}

/// Marks that share a name, by subset.
struct Group {
    name: String,
    subsets: BTreeMap<Subset, Vec<Point>>,
}

/// Names below a scatter plot, in rows.
pub(crate) struct Legend {
    items: Vec<Item>,
    n_rows: usize,
}

/// A name in a legend.
struct Item {
    /// Style and subset of the mark; none of a text alone.
    mark: Option<(Style, Subset)>,
    text: String,
    row: usize,
    left: f64,
}

impl Scatter {
    /// Without marks.
    pub(crate) fn new(palette: Palette) -> Self {
        let groups = BTreeMap::new();
        Self { palette, groups }
    }

    /// Adds a mark to group `number`, which is named by its first mark.
    pub(crate) fn add(&mut self, number: u32, name: &str, subset: Subset, at: Point) {
        let group = self.groups.entry(number).or_insert_with(|| Group {
            name: name.to_owned(),
            subsets: BTreeMap::new(),
        });
        group.subsets.entry(subset).or_default().push(at);
    }

    /// Draws all marks, training images under all others.
    pub(crate) fn draw(&self, canvas: &mut Canvas) {
        let n: usize = self.groups.values().map(Group::n_points).sum();
        for subset in self.subsets() {
            let size = size(n, subset);
            for (number, group) in &self.groups {
                if let Some(points) = group.subsets.get(&subset) {
                    let style = Style::of(self.palette, *number);
                    let (name, subset_name) = (&group.name, subset_name(subset));
                    let images = counted(points.len(), "image");
                    canvas.path(
                        &style.class(subset),
                        &style.path(size, points),
                        &format!("{name}, {subset_name}: {images}"),
                    );
                }
            }
        }
    }

    fn subsets(&self) -> BTreeSet<Subset> {
        let subsets = self.groups.values().flat_map(|group| group.subsets.keys());
        subsets.copied().collect()
    }

    /// The names of all groups, or of the largest of many, and the fillings of the subsets, in rows of `width`.
    pub(crate) fn legend(&self, width: f64) -> Legend {
        let mut largest: Vec<(u32, &Group)> = self.groups.iter().map(|(n, g)| (*n, g)).collect();
        // The sort is stable: of equals the lower number comes first.
        largest.sort_by_key(|(_, group)| Reverse(group.n_points()));
        let n_left_out = largest.len().saturating_sub(MOST_NAMED);
        largest.truncate(MOST_NAMED);
        largest.sort_by_key(|(number, _)| *number);
        let mut legend = Legend {
            items: Vec::new(),
            n_rows: 0,
        };
        let groups = largest.into_iter().map(|(number, group)| {
            let style = Style::of(self.palette, number);
            (Some((style, Subset::Validation)), short(&group.name))
        });
        let more = (n_left_out > 0).then(|| (None, format!("and {} more", count(n_left_out))));
        legend.push_row(width, groups.chain(more));
        let key = Style::of(Palette::Key, 0);
        let subsets = self.subsets().into_iter();
        let subsets = subsets.map(|subset| (Some((key, subset)), subset_name(subset).to_owned()));
        legend.push_row(width, subsets);
        legend
    }
}

impl Legend {
    /// Adds items from the left of a new row on, in further rows where they are wider than `width`.
    fn push_row(
        &mut self,
        width: f64,
        items: impl Iterator<Item = (Option<(Style, Subset)>, String)>,
    ) {
        let (mut row, mut left) = (self.n_rows, 0.0);
        for (mark, text) in items {
            let mark_width = if mark.is_some() { 18.0 } else { 0.0 };
            let item_width = mark_width + text_width(&text);
            if left > 0.0 && left + item_width > width {
                (row, left) = (row + 1, 0.0);
            }
            self.items.push(Item {
                mark,
                text,
                row,
                left,
            });
            self.n_rows = row + 1;
            left += item_width + 14.0;
        }
    }

    /// Height of all rows, with some room above.
    pub(crate) fn height(&self) -> f64 {
        LINE * self.n_rows as f64 + 8.0
    }

    /// Draws the names below `top`.
    pub(crate) fn draw(&self, canvas: &mut Canvas, top: f64) {
        for item in &self.items {
            let middle = top + 8.0 + LINE * (item.row as f64 + 0.5);
            let mut left = item.left;
            if let Some((style, subset)) = item.mark {
                let path = style.path(4.5, &[(left + 7.0, middle)]);
                canvas.path(&style.class(subset), &path, &item.text);
                left += 18.0;
            }
            canvas.text("", (left, middle + 4.0), &item.text);
        }
    }
}

/// Size of the marks of `subset` among `n`: large where there is room.
fn size(n: usize, subset: Subset) -> f64 {
    let size = match n {
        0..=150 => 4.6,
        151..=600 => 4.0,
        601..=2000 => 3.0,
        _ => 2.2,
    };
    match filling(subset) {
        "hollow" => 0.75 * size,
        _ => size,
    }
}

impl Group {
    fn n_points(&self) -> usize {
        self.subsets.values().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area {
        corner: (0.0, 0.0),
        size: (100.0, 60.0),
    };

    fn svg(draw: impl FnOnce(&mut Canvas)) -> String {
        let mut canvas = Canvas::new(AREA.size);
        draw(&mut canvas);
        canvas.marks().into_string()
    }

    #[test]
    fn the_largest_of_many_groups_are_named() {
        let mut scatter = Scatter::new(Palette::Classes);
        for number in 0..26 {
            let n = if number < 2 { 1 } else { 2 };
            (0..n).for_each(|_| {
                scatter.add(number, &format!("g{number}"), Subset::Train, (5.0, 2.0));
            });
        }
        let legend = scatter.legend(100.0);
        let svg = svg(|canvas| legend.draw(canvas, 0.0));
        assert!(svg.contains(">g2</text>") && svg.contains(">g25</text>"));
        assert!(!svg.contains(">g1</text>") && svg.contains(">and 2 more</text>"));
    }

    #[test]
    fn a_legend_wraps_and_does_not_overlap() {
        let mut scatter = Scatter::new(Palette::Classes);
        for (number, name) in [(0, "one"), (1, "a longer name"), (2, "three")] {
            scatter.add(number, name, Subset::Validation, (5.0, 2.0));
        }
        let legend = scatter.legend(100.0);
        // Two rows for three names, and one for the subset.
        let rows: Vec<usize> = legend.items.iter().map(|item| item.row).collect();
        assert_eq!(rows, [0, 1, 2, 3]);
        assert!((legend.height() - 4.0 * LINE - 8.0).abs() < 1e-9);
        let wide = scatter.legend(1000.0);
        let rows: Vec<usize> = wide.items.iter().map(|item| item.row).collect();
        assert_eq!(rows, [0, 0, 0, 1]);
        assert!(wide.items[1].left > 18.0 + text_width("one"));
    }

    #[test]
    fn a_placement_keeps_the_edge_and_one_scale() {
        let points = [(0.0, 0.0), (4.0, 1.0)].into_iter();
        let placement = Placement::fit(AREA, 10.0, points.clone());
        assert_eq!(placement.at((0.0, 0.5)), (10.0, 30.0));
        assert_eq!(placement.at((4.0, 1.0)), (90.0, 20.0));
        assert_eq!(placement.moved((5.0, 7.0)).at((0.0, 0.5)), (15.0, 37.0));
        // As high as the points need, but not flat.
        let heights = [(4.0, 3.0), (4.0, 1.0), (1.0, 4.0)].map(|corner| {
            let points = [(0.0, 0.0), corner].into_iter();
            Placement::fit_width(100.0, 10.0, points).area().size.1
        });
        assert_eq!(
            heights.map(|height| height.to_string()),
            ["80", "50", "100"]
        );
        let empty = Placement::fit_width(100.0, 10.0, std::iter::empty());
        assert!((50.0..=100.0).contains(&empty.area().size.1));
    }

    #[test]
    fn subsets_differ_in_filling() {
        let mut scatter = Scatter::new(Palette::Classes);
        scatter.add(0, "one", Subset::Train, (50.0, 20.0));
        scatter.add(9, "two", Subset::Test, (52.0, 21.0));
        let svg = svg(|canvas| scatter.draw(canvas));
        assert!(svg.contains("mark-hollow tone-series-0"), "{svg}");
        assert!(svg.contains("mark-edged tone-series-1"), "{svg}");
        assert!(svg.contains("<title>two, test: 1 image</title>"), "{svg}");
    }
}
