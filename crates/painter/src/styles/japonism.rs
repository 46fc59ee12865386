//! Japonism: flat colors with dark outlines, waves, a sun, a mountain, a bough; a red seal.

use std::f32::consts::{PI, TAU};

use crate::canvas::{Canvas, Place, arc, circle, count, lines, polygon, ridge, smooth};
use crate::color::{Color, WHITE};
use crate::dice::Dice;
use crate::hand::Hand;

struct Colors {
    paper: Color,
    indigo: Color,
    ink: Color,
    red: Color,
    leaf: Color,
}

type Motif = fn(&mut Canvas, &Colors, &Hand, &mut Dice);

impl Colors {
    fn new(hand: &Hand, dice: &mut Dice) -> Self {
        let hue = 42.0 + 6.0 * hand.hue;
        Self {
            paper: Color::hsl(hue, 0.42, 0.82 + 0.05 * hand.light),
            indigo: Color::hsl(212.0 + 16.0 * hand.hue, 0.48, 0.36 + dice.around(0.04)),
            ink: Color::hsl(220.0, 0.35, 0.13),
            red: Color::hsl(8.0 + 6.0 * hand.hue, 0.72, 0.48),
            leaf: Color::hsl(110.0 + 30.0 * hand.hue, 0.25, 0.4),
        }
    }
}

/// The strip with signs and the seal on another style's drawing.
pub(crate) fn touch(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let colors = Colors::new(hand, dice);
    cartouche(canvas, &colors, dice);
}

pub(crate) fn draw(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let colors = Colors::new(hand, dice);
    // The printer's shaded band at the top.
    let band = dice.pick(&[colors.indigo, colors.red, colors.leaf]);
    canvas.sky(&[
        band.mix(colors.paper, 0.35),
        colors.paper,
        colors.paper,
        colors.paper.lighter(-0.06),
    ]);
    sun(canvas, &colors, dice);
    let motifs: [Motif; 4] = [waves, mountain, bough, scales];
    Hand::choose(hand.motif, &motifs, dice)(canvas, &colors, hand, dice);
    cartouche(canvas, &colors, dice);
}

fn outline(canvas: &Canvas, hand: &Hand) -> f32 {
    canvas.unit * 0.013 * hand.stroke
}

fn sun(canvas: &mut Canvas, colors: &Colors, dice: &mut Dice) {
    let place = canvas.at(dice.between(0.3, 0.75), dice.between(0.2, 0.36));
    let color = if dice.chance(0.75) { colors.red } else { WHITE };
    let radius = canvas.unit * dice.between(0.1, 0.17);
    canvas.shape(circle(place, radius), color, 1.0);
}

/// A curve's area down to the foot of the canvas.
fn land(canvas: &Canvas, mut places: Vec<Place>) -> Option<tiny_skia::Path> {
    places.push((canvas.width, canvas.height));
    places.push((0.0, canvas.height));
    polygon(&places)
}

/// Rows of curling crests.
fn waves(canvas: &mut Canvas, colors: &Colors, hand: &Hand, dice: &mut Dice) {
    let rows = dice.whole(3, 4);
    let pen = outline(canvas, hand);
    for row in 0..rows {
        let share = row as f32 / rows as f32;
        let base = canvas.height * (0.5 + 0.42 * share);
        let size = canvas.unit * (0.13 + 0.09 * share);
        let color = colors.indigo.mix(colors.paper, 0.55 - 0.5 * share);
        let swell: Vec<Place> = (0..=40_u8)
            .map(|i| {
                let x = f32::from(i) / 40.0;
                let y = base + 0.35 * size * (x * TAU * 1.5 + share * 5.0 + hand.motif * 6.0).sin();
                (x * canvas.width, y)
            })
            .collect();
        canvas.shape(land(canvas, swell.clone()), color, 1.0);
        canvas.line(lines(&swell), colors.ink, pen, 1.0);
        let crests = dice.whole(1, 3);
        for _ in 0..crests {
            let x = dice.between(0.0, canvas.width);
            crest(
                canvas,
                colors,
                color,
                (x, base),
                size * dice.between(0.8, 1.3),
                pen,
            );
        }
    }
}

/// A crest that curls to the right, with claws of foam.
fn crest(canvas: &mut Canvas, colors: &Colors, color: Color, (x, y): Place, size: f32, pen: f32) {
    let back = [
        (-1.6, 0.5),
        (-1.0, 0.1),
        (-0.5, -0.7),
        (0.1, -1.1),
        (0.8, -0.9),
        (0.95, -0.4),
    ];
    let front = [
        (0.6, -0.62),
        (0.2, -0.6),
        (-0.05, -0.1),
        (0.3, 0.4),
        (0.8, 0.6),
    ];
    let places: Vec<Place> = back
        .iter()
        .chain(&front)
        .map(|(dx, dy)| (x + dx * size, y + dy * size))
        .collect();
    canvas.shape(smooth(&places), color, 1.0);
    canvas.line(smooth(&places), colors.ink, pen, 1.0);
    for stripe in 1..3_u8 {
        let lift = f32::from(stripe) * 0.22 * size;
        let inner: Vec<Place> = places[1..4]
            .iter()
            .map(|(x, y)| (x + lift, y + lift))
            .collect();
        canvas.line(smooth(&inner), colors.paper, pen * 1.4, 1.0);
    }
    for claw in 0..5_u8 {
        let share = f32::from(claw) / 4.0;
        let center = (
            x + (0.1 + 0.85 * share) * size,
            y - (1.1 - 0.65 * share * share) * size,
        );
        canvas.shape(circle(center, size * 0.13), WHITE, 1.0);
        canvas.line(circle(center, size * 0.13), colors.ink, pen * 0.6, 1.0);
    }
}

/// A steep mountain with snow, above bands of mist and water.
fn mountain(canvas: &mut Canvas, colors: &Colors, hand: &Hand, dice: &mut Dice) {
    let (x, y) = (dice.between(0.35, 0.65), dice.between(0.25, 0.38));
    let slope = |canvas: &Canvas, dx: f32, dy: f32| canvas.at(x + dx, y + dy);
    let body = [
        slope(canvas, -0.06, 0.0),
        slope(canvas, 0.06, 0.0),
        slope(canvas, 0.18, 0.18),
        slope(canvas, 0.6, 0.5),
        slope(canvas, -0.6, 0.5),
        slope(canvas, -0.18, 0.18),
    ];
    let pen = outline(canvas, hand);
    let color = dice.pick(&[
        colors.indigo,
        colors.red.mix(colors.paper, 0.25),
        colors.leaf,
    ]);
    canvas.shape(polygon(&body), color, 1.0);
    let snow = [
        body[0],
        body[1],
        slope(canvas, 0.13, 0.12),
        slope(canvas, 0.06, 0.1),
        slope(canvas, 0.02, 0.16),
        slope(canvas, -0.04, 0.09),
        slope(canvas, -0.13, 0.12),
    ];
    canvas.shape(polygon(&snow), WHITE, 1.0);
    canvas.line(polygon(&body), colors.ink, pen, 1.0);
    let bands = dice.whole(3, 5);
    for band in 0..bands {
        let top = canvas.height * (0.66 + 0.36 * band as f32 / bands as f32);
        let heights = ridge(30, canvas.unit * 0.03, dice);
        let shore: Vec<Place> = heights
            .iter()
            .enumerate()
            .map(|(i, height)| (canvas.width * i as f32 / 30.0, top + height))
            .collect();
        let fill = [
            colors.paper.lighter(0.2),
            colors.indigo.mix(colors.paper, 0.4),
            colors.leaf,
        ][(band + usize::from(hand.ground > 0.5)) % 3];
        canvas.shape(land(canvas, shore.clone()), fill, 1.0);
        canvas.line(lines(&shore), colors.ink, pen * 0.8, 1.0);
    }
}

/// A bough across the sheet, with twigs and blossoms.
fn bough(canvas: &mut Canvas, colors: &Colors, hand: &Hand, dice: &mut Dice) {
    let left = dice.chance(0.5);
    let x = |share: f32| if left { share } else { 1.0 - share };
    let mut spine: Vec<Place> = Vec::new();
    for i in 0..=6_u8 {
        let share = f32::from(i) / 6.0;
        spine.push(canvas.at(
            x(-0.05 + 0.95 * share),
            0.95 - 0.6 * share + dice.around(0.05),
        ));
    }
    let bark = Color::hsl(25.0, 0.3, 0.2);
    canvas.line(smooth(&spine), bark, canvas.unit * 0.05 * hand.stroke, 1.0);
    let petals = dice.pick(&[colors.red.mix(WHITE, 0.6), WHITE, colors.red]);
    for &start in spine.iter().skip(1) {
        for _ in 0..count(2.0 * hand.density) {
            let angle = -PI / 2.0 + dice.around(1.0);
            let length = canvas.unit * dice.between(0.12, 0.3);
            let end = (
                start.0 + length * angle.cos(),
                start.1 + length * angle.sin(),
            );
            canvas.line(lines(&[start, end]), bark, canvas.unit * 0.016, 1.0);
            blossom(
                canvas,
                colors,
                petals,
                end,
                canvas.unit * dice.between(0.035, 0.06),
                hand,
            );
        }
    }
}

fn blossom(canvas: &mut Canvas, colors: &Colors, petals: Color, at: Place, size: f32, hand: &Hand) {
    let pen = outline(canvas, hand) * 0.6;
    for petal in 0..5_u8 {
        let angle = TAU * f32::from(petal) / 5.0 + hand.tilt;
        let center = (
            at.0 + size * 0.7 * angle.cos(),
            at.1 + size * 0.7 * angle.sin(),
        );
        canvas.shape(circle(center, size * 0.55), petals, 1.0);
        canvas.line(circle(center, size * 0.55), colors.ink, pen, 1.0);
    }
    canvas.shape(circle(at, size * 0.3), Color::hsl(46.0, 0.8, 0.6), 1.0);
}

/// A sea of concentric scales under the sky.
fn scales(canvas: &mut Canvas, colors: &Colors, hand: &Hand, dice: &mut Dice) {
    let radius = canvas.unit * dice.between(0.1, 0.14);
    let pen = outline(canvas, hand);
    let (mut y, mut odd) = (canvas.height * dice.between(0.55, 0.65), false);
    while y < canvas.height + radius {
        let mut x = if odd { 0.0 } else { radius };
        while x < canvas.width + radius {
            for ring in 0..3_u8 {
                let size = radius * (1.0 - 0.3 * f32::from(ring));
                let fill = if ring == 1 {
                    colors.paper.lighter(0.3)
                } else {
                    colors.indigo
                };
                canvas.shape(circle((x, y), size), fill, 1.0);
            }
            canvas.line(
                arc((x, y), (radius, radius), PI, TAU),
                colors.ink,
                pen * 0.8,
                1.0,
            );
            x += 2.0 * radius;
        }
        y += radius * 0.55;
        odd = !odd;
    }
    for _ in 0..dice.whole(2, 4) {
        let (x, y) = canvas.at(dice.between(0.1, 0.9), dice.between(0.1, 0.45));
        let span = canvas.unit * dice.between(0.06, 0.1);
        let bird = [
            (x - span, y - span * 0.4),
            (x - span * 0.4, y - span * 0.5),
            (x, y),
            (x + span * 0.4, y - span * 0.5),
            (x + span, y - span * 0.4),
        ];
        canvas.line(smooth(&bird), colors.ink, pen * 1.2, 1.0);
    }
}

/// A strip with signs and a seal, in an upper corner.
fn cartouche(canvas: &mut Canvas, colors: &Colors, dice: &mut Dice) {
    let u = canvas.unit;
    let left = if dice.chance(0.5) {
        0.05 * u
    } else {
        canvas.width - 0.16 * u
    };
    let top = 0.05 * u;
    let strip = |from: f32, to: f32| {
        polygon(&[
            (left, top + from),
            (left + 0.11 * u, top + from),
            (left + 0.11 * u, top + to),
            (left, top + to),
        ])
    };
    canvas.shape(strip(0.0, 0.34 * u), colors.paper.lighter(0.4), 1.0);
    canvas.line(strip(0.0, 0.34 * u), colors.ink, u * 0.009, 1.0);
    for sign in 0..4_u8 {
        let y = top + (0.05 + 0.08 * f32::from(sign)) * u;
        for _ in 0..3 {
            let from = (
                left + dice.between(0.025, 0.085) * u,
                y + dice.around(0.02) * u,
            );
            let to = (
                left + dice.between(0.025, 0.085) * u,
                y + dice.around(0.02) * u,
            );
            canvas.line(lines(&[from, to]), colors.ink, u * 0.011, 1.0);
        }
    }
    canvas.shape(strip(0.37 * u, 0.48 * u), colors.red, 1.0);
}
