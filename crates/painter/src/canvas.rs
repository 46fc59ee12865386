//! Drawing operations of all styles.

use std::f32::consts::TAU;

use tiny_skia::{
    FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Paint, Path, PathBuilder, Pixmap,
    Point, RadialGradient, Shader, SpreadMode, Stroke, Transform,
};

use crate::color::Color;
use crate::dice::Dice;
use crate::error::PaintError;

/// A place on the canvas in pixels, from the upper left.
pub(crate) type Place = (f32, f32);

/// Width and height of an image: the short side 96 to 132 pixels, upright, square or lying.
pub(crate) fn size(dice: &mut Dice) -> (u32, u32) {
    let short = dice.between(96.0, 132.0).round();
    let long = (short * dice.pick(&[1.0, 1.0, 1.15, 1.25, 1.33])).round();
    if dice.chance(0.5) {
        (pixels(short), pixels(long))
    } else {
        (pixels(long), pixels(short))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rounded side of an image"
)]
fn pixels(side: f32) -> u32 {
    side as u32
}

/// A number of things, at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small number of things"
)]
pub(crate) fn count(number: f32) -> usize {
    number.max(1.0).round() as usize
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place on the canvas"
)]
fn index(side: f32) -> usize {
    side as usize
}

/// The color of an opaque pixel.
fn color_of(pixel: &[u8]) -> Color {
    Color {
        red: f32::from(pixel[0]) / 255.0,
        green: f32::from(pixel[1]) / 255.0,
        blue: f32::from(pixel[2]) / 255.0,
    }
}

/// A sheet to draw on.
pub(crate) struct Canvas {
    pixmap: Pixmap,
    /// Pixels from left to right.
    pub(crate) width: f32,
    /// Pixels from top to bottom.
    pub(crate) height: f32,
    /// The short side, the unit of sizes.
    pub(crate) unit: f32,
}

impl Canvas {
    pub(crate) fn new(width: u32, height: u32) -> Result<Self, PaintError> {
        Ok(Self {
            pixmap: Pixmap::new(width, height).ok_or(PaintError::NoPixels)?,
            width: width as f32,
            height: height as f32,
            unit: width.min(height) as f32,
        })
    }

    /// The place at shares of width and height.
    pub(crate) fn at(&self, x: f32, y: f32) -> Place {
        (x * self.width, y * self.height)
    }

    pub(crate) fn pixmap(&self) -> &Pixmap {
        &self.pixmap
    }

    pub(crate) fn pixmap_mut(&mut self) -> &mut Pixmap {
        &mut self.pixmap
    }

    /// The color at a place, or at the nearest pixel of the canvas.
    pub(crate) fn color_at(&self, (x, y): Place) -> Color {
        let column = index(x.clamp(0.0, self.width - 1.0));
        let row = index(y.clamp(0.0, self.height - 1.0));
        let start = 4 * (row * index(self.width) + column);
        color_of(&self.pixmap.data()[start..start + 4])
    }

    /// Replaces the color of every pixel.
    pub(crate) fn map_colors(&mut self, change: impl Fn([u8; 3]) -> Color) {
        for pixel in self.pixmap.data_mut().chunks_exact_mut(4) {
            let color = solid(change([pixel[0], pixel[1], pixel[2]]), 1.0).to_color_u8();
            pixel[..3].copy_from_slice(&[color.red(), color.green(), color.blue()]);
        }
    }

    /// Covers everything with a color.
    pub(crate) fn ground(&mut self, color: Color) {
        self.pixmap.fill(solid(color, 1.0));
    }

    /// Covers everything with colors from top to bottom, evenly spaced.
    pub(crate) fn sky(&mut self, colors: &[Color]) {
        let shader = linear((0.0, 0.0), (0.0, self.height), colors, 1.0);
        let whole = polygon(&[
            (0.0, 0.0),
            (self.width, 0.0),
            (self.width, self.height),
            (0.0, self.height),
        ]);
        self.fill(whole, shader);
    }

    /// Covers everything with colors from a place outward to `radius`.
    pub(crate) fn glow(&mut self, center: Place, radius: f32, colors: &[Color]) {
        let point = Point::from_xy(center.0, center.1);
        let shader = RadialGradient::new(
            point,
            0.0,
            point,
            radius.max(1.0),
            stops(colors, 1.0),
            SpreadMode::Pad,
            Transform::identity(),
        );
        let whole = polygon(&[
            (0.0, 0.0),
            (self.width, 0.0),
            (self.width, self.height),
            (0.0, self.height),
        ]);
        self.fill(whole, shader);
    }

    /// A filled shape.
    pub(crate) fn shape(&mut self, path: Option<Path>, color: Color, alpha: f32) {
        self.fill(path, Some(Shader::SolidColor(solid(color, alpha))));
    }

    /// A shape filled with a gradient between two places.
    pub(crate) fn shaded(
        &mut self,
        path: Option<Path>,
        (from, to): (Place, Place),
        colors: [Color; 2],
        alpha: f32,
    ) {
        self.fill(path, linear(from, to, &colors, alpha));
    }

    /// A drawn line.
    pub(crate) fn line(&mut self, path: Option<Path>, color: Color, width: f32, alpha: f32) {
        let (Some(path), paint) = (path, painted(Shader::SolidColor(solid(color, alpha)))) else {
            return;
        };
        let stroke = Stroke {
            width,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        self.pixmap
            .stroke_path(&path, &paint, &stroke, Transform::identity(), None);
    }

    /// A dab of the brush around a place, in a direction.
    pub(crate) fn dab(&mut self, (x, y): Place, length: f32, angle: f32, width: f32, color: Color) {
        let (dx, dy) = (angle.cos() * length / 2.0, angle.sin() * length / 2.0);
        let path = lines(&[(x - dx, y - dy), (x + dx, y + dy)]);
        self.line(path, color, width, 0.9);
    }

    fn fill(&mut self, path: Option<Path>, shader: Option<Shader<'_>>) {
        // A path without extent and a gradient without length have nothing to show.
        if let (Some(path), Some(shader)) = (path, shader) {
            let paint = painted(shader);
            self.pixmap.fill_path(
                &path,
                &paint,
                FillRule::Winding,
                Transform::identity(),
                None,
            );
        }
    }
}

fn painted(shader: Shader<'_>) -> Paint<'_> {
    Paint {
        shader,
        anti_alias: true,
        ..Paint::default()
    }
}

fn solid(color: Color, alpha: f32) -> tiny_skia::Color {
    let unit = |value: f32| value.clamp(0.0, 1.0);
    tiny_skia::Color::from_rgba(
        unit(color.red),
        unit(color.green),
        unit(color.blue),
        unit(alpha),
    )
    .expect("all four are in [0, 1]")
}

fn stops(colors: &[Color], alpha: f32) -> Vec<GradientStop> {
    let last = (colors.len().max(2) - 1) as f32;
    colors
        .iter()
        .enumerate()
        .map(|(i, &color)| GradientStop::new(i as f32 / last, solid(color, alpha)))
        .collect()
}

fn linear(from: Place, to: Place, colors: &[Color], alpha: f32) -> Option<Shader<'static>> {
    LinearGradient::new(
        Point::from_xy(from.0, from.1),
        Point::from_xy(to.0, to.1),
        stops(colors, alpha),
        SpreadMode::Pad,
        Transform::identity(),
    )
}

/// A closed path through places.
pub(crate) fn polygon(places: &[Place]) -> Option<Path> {
    let mut builder = builder_of(places)?;
    builder.close();
    builder.finish()
}

/// An open path through places.
pub(crate) fn lines(places: &[Place]) -> Option<Path> {
    builder_of(places)?.finish()
}

fn builder_of(places: &[Place]) -> Option<PathBuilder> {
    let (first, rest) = places.split_first()?;
    let mut builder = PathBuilder::new();
    builder.move_to(first.0, first.1);
    for place in rest {
        builder.line_to(place.0, place.1);
    }
    Some(builder)
}

/// A circle.
pub(crate) fn circle(center: Place, radius: f32) -> Option<Path> {
    PathBuilder::from_circle(center.0, center.1, radius)
}

/// An ellipse with half axes along the canvas.
pub(crate) fn ellipse(center: Place, across: f32, down: f32) -> Option<Path> {
    polygon(&arc_places(center, (across, down), 0.0, TAU))
}

/// An open arc of an ellipse, from an angle to another, clockwise from the right.
pub(crate) fn arc(center: Place, radii: (f32, f32), from: f32, to: f32) -> Option<Path> {
    lines(&arc_places(center, radii, from, to))
}

/// Places along an arc.
pub(crate) fn arc_places(center: Place, radii: (f32, f32), from: f32, to: f32) -> Vec<Place> {
    const STEPS: u16 = 40;
    (0..=STEPS)
        .map(|step| {
            let angle = from + (to - from) * f32::from(step) / f32::from(STEPS);
            polar(center, radii, angle)
        })
        .collect()
}

/// The place at an angle on an ellipse.
pub(crate) fn polar(center: Place, radii: (f32, f32), angle: f32) -> Place {
    (
        center.0 + radii.0 * angle.cos(),
        center.1 + radii.1 * angle.sin(),
    )
}

/// A smooth path through places: quadratic curves between the middles of their connections.
pub(crate) fn smooth(places: &[Place]) -> Option<Path> {
    let (&first, rest) = places.split_first()?;
    let mut builder = PathBuilder::new();
    builder.move_to(first.0, first.1);
    for pair in rest.windows(2) {
        let middle = ((pair[0].0 + pair[1].0) / 2.0, (pair[0].1 + pair[1].1) / 2.0);
        builder.quad_to(pair[0].0, pair[0].1, middle.0, middle.1);
    }
    let last = rest.last()?;
    builder.line_to(last.0, last.1);
    builder.finish()
}

/// Heights of a random ridge at `n` + 1 places from left to right, around 0 and mostly within ±`spread`.
pub(crate) fn ridge(n: usize, spread: f32, dice: &mut Dice) -> Vec<f32> {
    let waves: Vec<(f32, f32, f32)> = [1.0, 2.0, 4.0, 8.0]
        .iter()
        .map(|&frequency| {
            (
                frequency * dice.between(0.7, 1.4),
                dice.between(0.0, TAU),
                spread * dice.between(0.5, 1.0) / frequency,
            )
        })
        .collect();
    (0..=n)
        .map(|i| {
            let x = i as f32 / n as f32 * TAU;
            waves
                .iter()
                .map(|(frequency, phase, size)| size * (x * frequency + phase).sin())
                .sum()
        })
        .collect()
}
