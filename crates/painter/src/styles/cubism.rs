//! Cubism: overlapping shaded facets in ochre and gray, with fragments of a still life.

use std::f32::consts::TAU;

use crate::canvas::{Canvas, Place, arc, circle, count, lines, polar, polygon};
use crate::color::Color;
use crate::dice::Dice;
use crate::hand::Hand;

/// Hue, saturation and lightness of the facets.
const PALETTES: [[(f32, f32, f32); 4]; 4] = [
    [
        (36.0, 0.45, 0.55),
        (28.0, 0.35, 0.35),
        (40.0, 0.15, 0.65),
        (30.0, 0.25, 0.25),
    ],
    [
        (40.0, 0.4, 0.62),
        (210.0, 0.12, 0.5),
        (35.0, 0.3, 0.4),
        (215.0, 0.15, 0.3),
    ],
    [
        (45.0, 0.35, 0.55),
        (80.0, 0.18, 0.42),
        (30.0, 0.4, 0.38),
        (60.0, 0.1, 0.68),
    ],
    [
        (20.0, 0.4, 0.45),
        (38.0, 0.5, 0.6),
        (200.0, 0.2, 0.42),
        (25.0, 0.15, 0.24),
    ],
];

const INK: (f32, f32, f32) = (25.0, 0.3, 0.1);

pub(crate) fn draw(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let palette = Hand::choose(hand.ground, &PALETTES, dice).map(|(hue, saturation, lightness)| {
        Color::hsl(
            hue + 8.0 * hand.hue + dice.around(4.0),
            saturation,
            lightness + 0.05 * hand.light,
        )
    });
    let ink = Color::hsl(INK.0, INK.1, INK.2);
    canvas.glow(
        canvas.at(0.5, 0.5),
        canvas.height,
        &[palette[2], palette[0], palette[1]],
    );
    let facets = count(dice.between(26.0, 44.0) * hand.density);
    for i in 0..facets {
        let share = i as f32 / facets as f32;
        facet(canvas, &palette, ink, hand, share, dice);
        if i == facets * 2 / 3 {
            still_life(canvas, &palette, ink, hand, dice);
        }
    }
    for _ in 0..count(6.0 * hand.density) {
        let from = canvas.at(dice.between(0.0, 1.0), dice.between(0.0, 1.0));
        let angle = lean(hand, dice);
        let to = polar(from, (canvas.unit * 0.5, canvas.unit * 0.5), angle);
        canvas.line(
            lines(&[from, to]),
            ink,
            canvas.unit * 0.009 * hand.stroke,
            0.8,
        );
    }
}

/// Another style's drawing, broken into planes of its own colors.
pub(crate) fn touch(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let ink = Color::hsl(INK.0, INK.1, INK.2);
    for _ in 0..count(dice.between(9.0, 14.0) * hand.density) {
        let center = canvas.at(dice.between(0.1, 0.9), dice.between(0.1, 0.9));
        let color = canvas.color_at(center).stray(0.05, dice);
        plane(canvas, (center, 0.5), color, ink, hand, dice);
    }
}

/// One of a few directions that the hand prefers: a cubist's grid.
fn lean(hand: &Hand, dice: &mut Dice) -> f32 {
    let quarter = dice.pick(&[0.0, 0.125, 0.25, 0.375, 0.5, 0.75]);
    TAU * quarter + hand.tilt + dice.around(0.15)
}

/// An angular plane, shaded from one edge; smaller and nearer to the middle the later it comes.
fn facet(
    canvas: &mut Canvas,
    palette: &[Color; 4],
    ink: Color,
    hand: &Hand,
    share: f32,
    dice: &mut Dice,
) {
    let spread = 0.55 - 0.25 * share;
    let center = canvas.at(0.5 + dice.around(spread), 0.5 + dice.around(spread));
    let color = dice.pick(palette).stray(0.05, dice);
    plane(canvas, (center, share), color, ink, hand, dice);
}

/// A facet around a center.
fn plane(
    canvas: &mut Canvas,
    (center, share): (Place, f32),
    color: Color,
    ink: Color,
    hand: &Hand,
    dice: &mut Dice,
) {
    let size = canvas.unit * dice.between(0.16, 0.42) * (1.2 - 0.6 * share);
    let turn = lean(hand, dice);
    let corners: Vec<Place> = match dice.whole(0, 2) {
        0 => vec![0.0, 0.38, 0.62],
        1 => vec![0.04, 0.21, 0.54, 0.71],
        _ => vec![0.0, 0.25, 0.5, 0.75],
    }
    .into_iter()
    .map(|corner| {
        let radius = size * dice.between(0.65, 1.15);
        polar(
            center,
            (radius, radius),
            TAU * (corner + dice.around(0.03)) + turn,
        )
    })
    .collect();
    let shade = [color.lighter(0.28), color.lighter(-0.4)];
    canvas.shaded(polygon(&corners), (corners[0], corners[2]), shade, 0.88);
    if dice.chance(0.6) {
        let edge = [corners[0], corners[1], corners[2]];
        canvas.line(lines(&edge), ink, canvas.unit * 0.011 * hand.stroke, 0.85);
    }
}

type Motif = fn(&mut Canvas, &[Color; 4], Color, &Hand, &mut Dice);

fn still_life(canvas: &mut Canvas, palette: &[Color; 4], ink: Color, hand: &Hand, dice: &mut Dice) {
    let motifs: [Motif; 3] = [guitar, bottle, head];
    Hand::choose(hand.motif, &motifs, dice)(canvas, palette, ink, hand, dice);
}

/// Half a belly, a sound hole and strings.
fn guitar(canvas: &mut Canvas, palette: &[Color; 4], ink: Color, hand: &Hand, dice: &mut Dice) {
    let center = canvas.at(0.5 + dice.around(0.08), 0.55);
    let (r, pen) = (canvas.unit * 0.22, canvas.unit * 0.02 * hand.stroke);
    let turn = lean(hand, dice);
    canvas.line(arc(center, (r, r), turn, turn + 2.6), ink, pen, 1.0);
    let upper = polar(center, (r * 1.4, r * 1.4), turn - 0.8);
    canvas.line(
        arc(upper, (r * 0.7, r * 0.7), turn - 0.6, turn + 1.9),
        ink,
        pen,
        1.0,
    );
    canvas.shape(circle(center, r * 0.36), palette[3].lighter(-0.5), 1.0);
    for string in 0..4 {
        let offset = (string as f32 - 1.5) * r * 0.13;
        let from = (center.0 + offset, center.1 + r);
        let to = (upper.0 + offset, upper.1 - r * 1.6);
        canvas.line(lines(&[from, to]), palette[2].lighter(0.5), pen * 0.3, 0.9);
    }
}

/// The outline of a bottle and the rim of a glass.
fn bottle(canvas: &mut Canvas, palette: &[Color; 4], ink: Color, hand: &Hand, dice: &mut Dice) {
    let (x, y) = canvas.at(0.45 + dice.around(0.1), 0.3);
    let (u, pen) = (canvas.unit, canvas.unit * 0.02 * hand.stroke);
    let outline = [
        (x - 0.04 * u, y - 0.12 * u),
        (x - 0.04 * u, y + 0.08 * u),
        (x - 0.11 * u, y + 0.18 * u),
        (x - 0.11 * u, y + 0.55 * u),
        (x + 0.11 * u, y + 0.55 * u),
        (x + 0.11 * u, y + 0.18 * u),
        (x + 0.04 * u, y + 0.08 * u),
        (x + 0.04 * u, y - 0.12 * u),
    ];
    let shade = [palette[1].lighter(-0.2), palette[2].lighter(0.2)];
    canvas.shaded(polygon(&outline), (outline[3], outline[4]), shade, 0.8);
    canvas.line(lines(&outline), ink, pen, 1.0);
    let rim = (x + 0.28 * u, y + 0.3 * u);
    canvas.line(arc(rim, (0.1 * u, 0.04 * u), 0.0, TAU), ink, pen * 0.7, 1.0);
    let stem = [
        (rim.0 - 0.1 * u, rim.1),
        (rim.0, rim.1 + 0.25 * u),
        (rim.0 + 0.1 * u, rim.1),
    ];
    canvas.line(lines(&stem), ink, pen * 0.7, 1.0);
}

/// A profile and two eyes on either side of it.
fn head(canvas: &mut Canvas, palette: &[Color; 4], ink: Color, hand: &Hand, dice: &mut Dice) {
    let (x, y) = canvas.at(0.5 + dice.around(0.06), 0.25);
    let (u, pen) = (canvas.unit, canvas.unit * 0.02 * hand.stroke);
    let profile = [
        (x, y),
        (x + 0.02 * u, y + 0.14 * u),
        (x + 0.13 * u, y + 0.3 * u),
        (x + 0.02 * u, y + 0.33 * u),
        (x + 0.06 * u, y + 0.42 * u),
        (x, y + 0.56 * u),
    ];
    canvas.line(lines(&profile), ink, pen, 1.0);
    for (dx, dy) in [(-0.12, 0.15), (0.15, 0.12)] {
        let eye = (x + dx * u, y + dy * u);
        let almond = [
            (eye.0 - 0.08 * u, eye.1),
            (eye.0, eye.1 - 0.045 * u),
            (eye.0 + 0.08 * u, eye.1),
            (eye.0, eye.1 + 0.045 * u),
        ];
        canvas.shape(polygon(&almond), palette[2].lighter(0.5), 1.0);
        canvas.line(polygon(&almond), ink, pen * 0.6, 1.0);
        canvas.shape(circle(eye, 0.028 * u), ink, 1.0);
    }
}
