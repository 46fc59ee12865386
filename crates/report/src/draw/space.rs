//! Points in space: a still drawing, and what `space.js` needs to make a view of it that turns.

use maud::{Markup, PreEscaped, html};
use serde::Serialize;
use tables::subset::Subset;

use crate::draw::figure::Figure;
use crate::draw::format::subset_name;
use crate::draw::scatter::{Area, Scatter};
use crate::draw::svg::{Canvas, Point};

/// The viewer: once a page, after all drawings.
pub(crate) const SCRIPT: &str = include_str!("space.js");

/// Width and height of the still drawing.
const SIZE: Point = (640.0, 480.0);

/// Where the reader stands at first: turned about the upright axis, and above the middle; in radians.
const YAW: f64 = 0.6;
const PITCH: f64 = 0.3;

/// How far the reader stands, in radii of the drawing, and how long such a radius is in the middle, as a share of the
/// height; `space.js` has the same.
const DISTANCE: f64 = 4.0;
const RADIUS: f64 = 0.46;

/// Coordinates are passed on as whole thousandths: finer than a screen, and short.
const UNIT: f64 = 1000.0;

/// A coordinate triple.
type Place = [f64; 3];

/// A picture in space.
#[derive(Clone, Debug)]
pub(crate) struct Star<'a> {
    /// Coordinates; where one is not finite, the picture isn't drawn.
    pub(crate) at: [f32; 3],
    /// What its color goes by, from 0: the class's code.
    pub(crate) number: u32,
    /// The class.
    pub(crate) name: &'a str,
    /// Its subset; training images are faint.
    pub(crate) subset: Subset,
    /// What a reader is told of it.
    pub(crate) path: &'a str,
}

/// What the points stand in, and how coordinates become places in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// A box around the points: axes and origin mean nothing.
    Box,
    /// Axes through the origin, as long as the farthest point is far: directions mean something.
    Axes,
    /// The unit sphere, onto which the points are moved along their directions.
    Sphere,
}

/// A drawing in space.
pub(crate) struct Space {
    /// The still drawing, which is shown in print, without scripts, and in the figure's file.
    pub(crate) figure: Figure,
    data: String,
}

/// What the script reads.
#[derive(Serialize)]
struct Data<'a> {
    yaw: f64,
    pitch: f64,
    /// Names by number; those between the numbers that occur are empty.
    names: Vec<&'a str>,
    /// Names of the subsets, by their place in the other list.
    subsets: Vec<&'static str>,
    /// Of `subsets`, those that are drawn faintly.
    faint: Vec<bool>,
    number: Vec<u32>,
    subset: Vec<usize>,
    path: Vec<&'a str>,
    /// Coordinates in thousandths, three a point.
    at: Vec<i32>,
    /// Lines of the ground, likewise.
    lines: Vec<Vec<i32>>,
}

impl Space {
    /// Draws `stars`; `name`, `title` and `caption` are the figure's.
    pub(crate) fn draw(
        name: &str,
        title: &str,
        caption: &str,
        ground: Ground,
        stars: &[Star<'_>],
    ) -> Self {
        let stars: Vec<&Star<'_>> = stars
            .iter()
            .filter(|star| star.at.iter().all(|v| v.is_finite()))
            .collect();
        let (places, lines) = ground.arrange(&stars);
        Self {
            figure: Figure {
                name: name.to_owned(),
                title: title.to_owned(),
                caption: caption.to_owned(),
                canvas: still(&stars, &places, &lines),
            },
            data: data(&stars, &places, &lines),
        }
    }

    /// The figure in the page, which the script makes turn.
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

impl Ground {
    /// The points' places, no farther than 1 from the middle, and the ground's lines.
    fn arrange(self, stars: &[&Star<'_>]) -> (Vec<Place>, Vec<Vec<Place>>) {
        let points: Vec<Place> = stars.iter().map(|star| star.at.map(f64::from)).collect();
        match self {
            Self::Box => {
                let (low, high) = bounds(&points);
                let middle = [0, 1, 2].map(|axis| f64::midpoint(low[axis], high[axis]));
                let moved: Vec<Place> = points.iter().map(|&point| minus(point, middle)).collect();
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

fn bounds(points: &[Place]) -> (Place, Place) {
    let Some(&first) = points.first() else {
        return ([0.0; 3], [0.0; 3]);
    };
    let least = |a: Place, b: &Place| [0, 1, 2].map(|axis| a[axis].min(b[axis]));
    let most = |a: Place, b: &Place| [0, 1, 2].map(|axis| a[axis].max(b[axis]));
    (
        points.iter().fold(first, least),
        points.iter().fold(first, most),
    )
}

fn minus(a: Place, b: Place) -> Place {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn norm(point: Place) -> f64 {
    point.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// The largest norm, for a scale: never 0.
fn farthest(points: &[Place]) -> f64 {
    let largest = points.iter().copied().map(norm).fold(0.0, f64::max);
    if largest > 0.0 { largest } else { 1.0 }
}

fn scaled(points: &[Place], scale: f64) -> Vec<Place> {
    points
        .iter()
        .map(|point| point.map(|v| v * scale))
        .collect()
}

/// The direction of a point; the origin has none and stays.
fn unit(point: Place) -> Place {
    let norm = norm(point);
    if norm > 0.0 {
        point.map(|v| v / norm)
    } else {
        point
    }
}

/// The twelve edges of a box around the origin: from each corner of an even number of minuses along the three axes.
fn edges(half: Place) -> Vec<Vec<Place>> {
    let corners = [
        [1.0, 1.0, 1.0],
        [1.0, -1.0, -1.0],
        [-1.0, 1.0, -1.0],
        [-1.0, -1.0, 1.0],
    ];
    let corner = |signs: Place| [0, 1, 2].map(|axis| signs[axis] * half[axis]);
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

fn axes() -> Vec<Vec<Place>> {
    let along = |axis: usize| {
        let mut end = [0.0; 3];
        end[axis] = 1.0;
        vec![end.map(|v: f64| 0.0 - v), end]
    };
    [0, 1, 2].map(along).to_vec()
}

/// Six meridians, all the way round, and five parallels.
fn sphere() -> Vec<Vec<Place>> {
    use std::f64::consts::PI;
    let circle = |of: &dyn Fn(f64) -> Place| {
        let steps = (0..=48).map(|i| of(f64::from(i) * PI / 24.0));
        steps.collect::<Vec<Place>>()
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

/// The place on the drawing, as from where the reader stands at first.
fn project([x, y, z]: Place) -> Point {
    let (yaw, pitch) = (YAW.sin_cos(), PITCH.sin_cos());
    let across = x * yaw.1 - y * yaw.0;
    let away = x * yaw.0 + y * yaw.1;
    let up = z * pitch.1 + away * pitch.0;
    let depth = away * pitch.1 - z * pitch.0;
    let scale = RADIUS * SIZE.1 * DISTANCE / (DISTANCE + depth);
    (SIZE.0 / 2.0 + across * scale, SIZE.1 / 2.0 - up * scale)
}

fn still(stars: &[&Star<'_>], places: &[Place], lines: &[Vec<Place>]) -> Canvas {
    let mut canvas = Canvas::new(SIZE);
    for line in lines {
        let points: Vec<Point> = line.iter().copied().map(project).collect();
        canvas.polyline("ground", &points);
    }
    let mut scatter = Scatter::new(Area {
        corner: (0.0, 0.0),
        size: SIZE,
    });
    for (star, &place) in stars.iter().zip(places) {
        scatter.add(star.number, star.name, star.subset, project(place));
    }
    scatter.draw_dots(&mut canvas, "");
    scatter.draw_names(&mut canvas, "name", 13.0 / 11.0);
    canvas
}

fn data(stars: &[&Star<'_>], places: &[Place], lines: &[Vec<Place>]) -> String {
    let mut subsets: Vec<Subset> = stars.iter().map(|star| star.subset).collect();
    subsets.sort_unstable();
    subsets.dedup();
    let n_names = stars.iter().map(|star| star.number + 1).max().unwrap_or(0);
    let mut names = vec![""; n_names as usize];
    for star in stars {
        names[star.number as usize] = star.name;
    }
    let place = |subset: Subset| subsets.binary_search(&subset).unwrap_or_default();
    let data = Data {
        yaw: YAW,
        pitch: PITCH,
        names,
        faint: subsets
            .iter()
            .map(|subset| *subset == Subset::Train)
            .collect(),
        number: stars.iter().map(|star| star.number).collect(),
        subset: stars.iter().map(|star| place(star.subset)).collect(),
        path: stars.iter().map(|star| star.path).collect(),
        at: places.iter().flatten().copied().map(whole).collect(),
        lines: lines
            .iter()
            .map(|line| line.iter().flatten().copied().map(whole).collect())
            .collect(),
        subsets: subsets.iter().copied().map(subset_name).collect(),
    };
    let json = serde_json::to_string(&data).expect("numbers and texts can be written");
    // So that no name ends the element that the text stands in.
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

    fn star(at: [f32; 3]) -> Star<'static> {
        Star {
            at,
            number: 1,
            name: "</script>",
            subset: Subset::Train,
            path: "1/<b>.png",
        }
    }

    fn arrange(ground: Ground, points: &[[f32; 3]]) -> (Vec<Place>, Vec<Vec<Place>>) {
        let stars: Vec<Star<'_>> = points.iter().map(|&at| star(at)).collect();
        ground.arrange(&stars.iter().collect::<Vec<_>>())
    }

    #[test]
    fn places_fill_their_ground() {
        let points = [[0.0, 0.0, 0.0], [4.0, 0.0, 0.0]];
        let (places, lines) = arrange(Ground::Box, &points);
        assert_eq!(places, [[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]);
        assert_eq!(lines.len(), 12);
        let (places, lines) = arrange(Ground::Axes, &points);
        assert_eq!(places, [[0.0; 3], [1.0, 0.0, 0.0]]);
        assert_eq!(lines.len(), 3);
        let (places, lines) = arrange(Ground::Sphere, &[[0.0, 3.0, 4.0], [0.0; 3]]);
        assert_eq!(places, [[0.0, 0.6, 0.8], [0.0; 3]]);
        assert!(
            lines
                .iter()
                .flatten()
                .all(|&place| (norm(place) - 1.0).abs() < 1e-12)
        );
    }

    #[test]
    fn few_or_equal_points_have_a_drawing() {
        for points in [&[][..], &[[2.0; 3]; 3], &[[f32::NAN; 3]]] {
            for ground in [Ground::Box, Ground::Axes, Ground::Sphere] {
                let (places, _) = arrange(ground, &points[..points.len().min(3)]);
                let finite = places.iter().flatten().all(|v| v.is_finite());
                assert!(finite || points[0][0].is_nan());
            }
        }
        let space = Space::draw("a", "A", "", Ground::Box, &[star([f32::NAN, 0.0, 0.0])]);
        assert!(space.data.contains("\"number\":[]"));
    }

    #[test]
    fn the_middle_is_drawn_in_the_middle_and_up_is_up() {
        assert_eq!(project([0.0; 3]), (320.0, 240.0));
        assert!(project([0.0, 0.0, 1.0]).1 < 240.0);
        // What is farther away is smaller.
        let wide = |away: f64| {
            let back = [away * YAW.sin(), away * YAW.cos(), 0.0];
            (project([back[0] + YAW.cos(), back[1] - YAW.sin(), 0.0]).0 - 320.0).abs()
        };
        assert!(wide(1.0) < wide(0.0) && wide(0.0) < wide(-1.0));
    }

    #[test]
    fn names_cannot_leave_the_data() {
        let markup = Space::draw("a", "A", "", Ground::Axes, &[star([1.0; 3])]).markup();
        let html = markup.into_string();
        assert_eq!(html.matches("</script>").count(), 1);
        assert!(html.contains(r"1/\u003cb>.png"));
    }
}
