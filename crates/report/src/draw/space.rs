//! Scatter plots in three dimensions: a static figure, and data for `space.js`, which makes it interactive.

use maud::{Markup, PreEscaped, html};
use serde::Serialize;
use tables::Subset;

use crate::draw::figure::Figure;
use crate::draw::format::subset_name;
use crate::draw::marks::{Style, filling};
use crate::draw::palette::Palette;
use crate::draw::scatter::Scatter;
use crate::draw::svg::{Canvas, Point};

/// The viewer: once a page, after all drawings.
pub(crate) const SCRIPT: &str = include_str!("space.js");

/// Width and height of the static figure without its legend.
const SIZE: Point = (640.0, 480.0);

/// Initial camera angles, in radians: about the vertical axis, and above the center.
const YAW: f64 = 0.6;
const PITCH: f64 = 0.3;

/// Distance of the camera in radii of the points, and projected length of a radius at the center as a share of the
/// height; `space.js` has the same.
const DISTANCE: f64 = 4.0;
const RADIUS: f64 = 0.46;

/// Coordinates are passed on as whole thousandths: finer than a screen, and short.
const UNIT: f64 = 1000.0;

/// A coordinate triple.
type Vector = [f64; 3];

/// An image as a point.
#[derive(Clone, Debug)]
pub(crate) struct Marker<'a> {
    /// Coordinates; the image is drawn if all are finite.
    pub(crate) at: [f32; 3],
    /// Index of its color and shape, from 0: that of the class.
    pub(crate) number: u32,
    /// The class.
    pub(crate) name: &'a str,
    /// Its subset, by which the mark is filled.
    pub(crate) subset: Subset,
    /// Path of the image, for the tooltip.
    pub(crate) path: &'a str,
}

/// Frame around the points, with its transform of their coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A box around the points, for coordinates without meaningful axes and origin.
    Box,
    /// Axes through the origin, as long as the largest norm, for meaningful directions.
    Axes,
    /// The unit sphere, onto which the points are projected.
    Sphere,
}

/// A scatter plot in three dimensions.
pub(crate) struct Space {
    /// The static figure, for print, pages without scripts, and the file.
    pub(crate) figure: Figure,
    data: String,
}

/// Data of the script.
#[derive(Serialize)]
struct Data<'a> {
    yaw: f64,
    pitch: f64,
    /// Names by number; those between the numbers that occur are empty.
    names: Vec<&'a str>,
    /// Names of the subsets, by index.
    subsets: Vec<&'static str>,
    /// Filling of the marks of each of `subsets`: `hollow`, `filled` or `edged`.
    fillings: Vec<&'static str>,
    /// Custom property of each name's color.
    colors: Vec<String>,
    /// Corners of each name's shape, in thousandths of its size; none of a circle.
    shapes: Vec<Vec<i16>>,
    number: Vec<u32>,
    subset: Vec<usize>,
    path: Vec<&'a str>,
    /// Coordinates in thousandths, three a point.
    at: Vec<i32>,
    /// Lines of the frame, likewise.
    lines: Vec<Vec<i32>>,
}

impl Space {
    /// Draws `markers`; `name`, `title` and `caption` are the figure's.
    pub(crate) fn draw(
        name: &str,
        title: &str,
        caption: &str,
        frame: Frame,
        markers: &[Marker<'_>],
    ) -> Self {
        let markers: Vec<&Marker<'_>> = markers
            .iter()
            .filter(|marker| marker.at.iter().all(|v| v.is_finite()))
            .collect();
        let (points, lines) = frame.transform(&markers);
        Self {
            figure: Figure {
                name: name.to_owned(),
                title: title.to_owned(),
                caption: caption.to_owned(),
                canvas: static_figure(&markers, &points, &lines),
            },
            data: data(&markers, &points, &lines),
        }
    }

    /// The figure in the page, which the script makes interactive.
    pub(crate) fn markup(&self) -> Markup {
        html! {
            figure.space id={ "figure-" (self.figure.name) } {
                (self.figure.drawing())
                script type="application/json" { (PreEscaped(&self.data)) }
                (self.figure.legend())
            }
        }
    }
}

impl Frame {
    /// The transformed points, at most 1 from the center, and the lines of the frame.
    fn transform(self, markers: &[&Marker<'_>]) -> (Vec<Vector>, Vec<Vec<Vector>>) {
        let points: Vec<Vector> = markers
            .iter()
            .map(|marker| marker.at.map(f64::from))
            .collect();
        match self {
            Self::Box => {
                let (low, high) = bounds(&points);
                let middle = [0, 1, 2].map(|axis| f64::midpoint(low[axis], high[axis]));
                let moved: Vec<Vector> = points.iter().map(|&point| minus(point, middle)).collect();
                let scale = 1.0 / farthest(&moved);
                let half = minus(high, middle).map(|v| v * scale);
                (scaled(&moved, scale), edges(half))
            }
            Self::Axes => {
                let scale = 1.0 / farthest(&points);
                (scaled(&points, scale), axes())
            }
            Self::Sphere => (points.into_iter().map(unit).collect(), sphere()),
        }
    }
}

fn bounds(points: &[Vector]) -> (Vector, Vector) {
    let Some(&first) = points.first() else {
        return ([0.0; 3], [0.0; 3]);
    };
    let least = |a: Vector, b: &Vector| [0, 1, 2].map(|axis| a[axis].min(b[axis]));
    let most = |a: Vector, b: &Vector| [0, 1, 2].map(|axis| a[axis].max(b[axis]));
    (
        points.iter().fold(first, least),
        points.iter().fold(first, most),
    )
}

fn minus(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn norm(point: Vector) -> f64 {
    point.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// The largest norm, for a scale: never 0.
fn farthest(points: &[Vector]) -> f64 {
    let largest = points.iter().copied().map(norm).fold(0.0, f64::max);
    if largest > 0.0 { largest } else { 1.0 }
}

fn scaled(points: &[Vector], scale: f64) -> Vec<Vector> {
    points
        .iter()
        .map(|point| point.map(|v| v * scale))
        .collect()
}

/// The direction of a point; the origin has none and stays.
fn unit(point: Vector) -> Vector {
    let norm = norm(point);
    if norm > 0.0 {
        point.map(|v| v / norm)
    } else {
        point
    }
}

/// The twelve edges of a box around the origin: from each corner of an even number of minuses along the three axes.
fn edges(half: Vector) -> Vec<Vec<Vector>> {
    let corners = [
        [1.0, 1.0, 1.0],
        [1.0, -1.0, -1.0],
        [-1.0, 1.0, -1.0],
        [-1.0, -1.0, 1.0],
    ];
    let corner = |signs: Vector| [0, 1, 2].map(|axis| signs[axis] * half[axis]);
    corners
        .into_iter()
        .flat_map(|signs| {
            [0, 1, 2].map(|axis| {
                let mut other = signs;
                other[axis] = -other[axis];
                vec![corner(signs), corner(other)]
            })
        })
        .collect()
}

fn axes() -> Vec<Vec<Vector>> {
    let along = |axis: usize| {
        let mut end = [0.0; 3];
        end[axis] = 1.0;
        vec![end.map(|v: f64| 0.0 - v), end]
    };
    [0, 1, 2].map(along).to_vec()
}

/// Six meridians, all the way round, and five parallels.
fn sphere() -> Vec<Vec<Vector>> {
    use std::f64::consts::PI;
    let circle = |of: &dyn Fn(f64) -> Vector| {
        let steps = (0..=48).map(|i| of(f64::from(i) * PI / 24.0));
        steps.collect::<Vec<Vector>>()
    };
    let meridians = (0..6).map(|i| {
        let (sin, cos) = (f64::from(i) * PI / 6.0).sin_cos();
        circle(&|t| [t.cos() * cos, t.cos() * sin, t.sin()])
    });
    let parallels = (-2..=2).map(|i| {
        let (height, radius) = (f64::from(i) * PI / 6.0).sin_cos();
        circle(&|t| [radius * t.cos(), radius * t.sin(), height])
    });
    meridians.chain(parallels).collect()
}

/// Projection onto the figure from the initial camera.
fn project([x, y, z]: Vector) -> Point {
    let (yaw, pitch) = (YAW.sin_cos(), PITCH.sin_cos());
    let across = x * yaw.1 - y * yaw.0;
    let away = x * yaw.0 + y * yaw.1;
    let up = z * pitch.1 + away * pitch.0;
    let depth = away * pitch.1 - z * pitch.0;
    let scale = RADIUS * SIZE.1 * DISTANCE / (DISTANCE + depth);
    (SIZE.0 / 2.0 + across * scale, SIZE.1 / 2.0 - up * scale)
}

fn static_figure(markers: &[&Marker<'_>], points: &[Vector], lines: &[Vec<Vector>]) -> Canvas {
    let mut scatter = Scatter::new(Palette::Classes);
    for (marker, &place) in markers.iter().zip(points) {
        scatter.add(marker.number, marker.name, marker.subset, project(place));
    }
    let legend = scatter.legend(SIZE.0);
    let mut canvas = Canvas::new((SIZE.0, SIZE.1 + legend.height()));
    for line in lines {
        let points: Vec<Point> = line.iter().copied().map(project).collect();
        canvas.polyline("ground", &points);
    }
    scatter.draw(&mut canvas);
    legend.draw(&mut canvas, SIZE.1);
    canvas
}

fn data(markers: &[&Marker<'_>], points: &[Vector], lines: &[Vec<Vector>]) -> String {
    let mut subsets: Vec<Subset> = markers.iter().map(|marker| marker.subset).collect();
    subsets.sort_unstable();
    subsets.dedup();
    let n_names = markers
        .iter()
        .map(|marker| marker.number + 1)
        .max()
        .unwrap_or(0);
    let mut names = vec![""; n_names as usize];
    for marker in markers {
        names[marker.number as usize] = marker.name;
    }
    let styles = || (0..n_names).map(|idx| Style::of(Palette::Classes, idx));
    let place = |subset: Subset| subsets.binary_search(&subset).unwrap_or_default();
    let data = Data {
        yaw: YAW,
        pitch: PITCH,
        names,
        fillings: subsets.iter().copied().map(filling).collect(),
        colors: styles().map(Style::property).collect(),
        shapes: styles().map(Style::corners).collect(),
        number: markers.iter().map(|marker| marker.number).collect(),
        subset: markers.iter().map(|marker| place(marker.subset)).collect(),
        path: markers.iter().map(|marker| marker.path).collect(),
        at: points.iter().flatten().copied().map(whole).collect(),
        lines: lines
            .iter()
            .map(|line| line.iter().flatten().copied().map(whole).collect())
            .collect(),
        subsets: subsets.iter().copied().map(subset_name).collect(),
    };
    let json = serde_json::to_string(&data).expect("numbers and texts can be written");
    // No name can end the script element.
    json.replace('<', "\\u003c")
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "coordinates are at most 1, and boxes little larger"
)]
fn whole(v: f64) -> i32 {
    (v * UNIT).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(at: [f32; 3]) -> Marker<'static> {
        Marker {
            at,
            number: 1,
            name: "</script>",
            subset: Subset::Train,
            path: "1/<b>.png",
        }
    }

    fn transform(frame: Frame, points: &[[f32; 3]]) -> (Vec<Vector>, Vec<Vec<Vector>>) {
        let markers: Vec<Marker<'_>> = points.iter().map(|&at| marker(at)).collect();
        frame.transform(&markers.iter().collect::<Vec<_>>())
    }

    #[test]
    fn points_fill_their_frame() {
        let found = [[0.0, 0.0, 0.0], [4.0, 0.0, 0.0]];
        let (points, lines) = transform(Frame::Box, &found);
        assert_eq!(points, [[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]);
        assert_eq!(lines.len(), 12);
        let (points, lines) = transform(Frame::Axes, &found);
        assert_eq!(points, [[0.0; 3], [1.0, 0.0, 0.0]]);
        assert_eq!(lines.len(), 3);
        let (points, lines) = transform(Frame::Sphere, &[[0.0, 3.0, 4.0], [0.0; 3]]);
        assert_eq!(points, [[0.0, 0.6, 0.8], [0.0; 3]]);
        assert!(
            lines
                .iter()
                .flatten()
                .all(|&point| (norm(point) - 1.0).abs() < 1e-12)
        );
    }

    #[test]
    fn few_or_equal_points_have_a_figure() {
        for points in [&[][..], &[[2.0; 3]; 3], &[[f32::NAN; 3]]] {
            for frame in [Frame::Box, Frame::Axes, Frame::Sphere] {
                let (transformed, _) = transform(frame, &points[..points.len().min(3)]);
                let finite = transformed.iter().flatten().all(|v| v.is_finite());
                assert!(finite || points[0][0].is_nan());
            }
        }
        let space = Space::draw("a", "A", "", Frame::Box, &[marker([f32::NAN, 0.0, 0.0])]);
        assert!(space.data.contains("\"number\":[]"));
    }

    #[test]
    fn the_center_is_projected_to_the_center_and_up_is_up() {
        assert_eq!(project([0.0; 3]), (320.0, 240.0));
        assert!(project([0.0, 0.0, 1.0]).1 < 240.0);
        // Objects farther away are smaller.
        let wide = |away: f64| {
            let back = [away * YAW.sin(), away * YAW.cos(), 0.0];
            (project([back[0] + YAW.cos(), back[1] - YAW.sin(), 0.0]).0 - 320.0).abs()
        };
        assert!(wide(1.0) < wide(0.0) && wide(0.0) < wide(-1.0));
    }

    #[test]
    fn names_cannot_leave_the_data() {
        let markup = Space::draw("a", "A", "", Frame::Axes, &[marker([1.0; 3])]).markup();
        let html = markup.into_string();
        assert_eq!(html.matches("</script>").count(), 1);
        assert!(html.contains(r"1/\u003cb>.png"));
    }
}
