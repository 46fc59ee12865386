//! Art deco: gold on dark, fans, scales, towers and chevrons, mirrored about the middle.

use std::f32::consts::PI;

use crate::canvas::{Canvas, Place, arc, arc_places, circle, lines, polygon};
use crate::color::Color;
use crate::dice::Dice;
use crate::hand::Hand;

/// Hue, saturation and lightness of the grounds.
const GROUNDS: [(f32, f32, f32); 6] = [
    (225.0, 0.5, 0.14),
    (165.0, 0.55, 0.12),
    (345.0, 0.5, 0.15),
    (240.0, 0.08, 0.08),
    (190.0, 0.6, 0.16),
    // Ivory.
    (44.0, 0.35, 0.78),
];

struct Colors {
    ground: Color,
    gold: Color,
    cream: Color,
    accent: Color,
}

type Motif = fn(&mut Canvas, &Colors, &Hand, &mut Dice);

impl Colors {
    fn new(hand: &Hand, dice: &mut Dice) -> Self {
        let (hue, saturation, lightness) = Hand::choose(hand.ground, &GROUNDS, dice);
        let hue = hue + 12.0 * hand.hue + dice.around(5.0);
        Self {
            ground: Color::hsl(hue, saturation, lightness),
            gold: Color::hsl(
                43.0 + 6.0 * hand.hue,
                0.6,
                0.56 + 0.06 * hand.light + dice.around(0.03),
            ),
            cream: Color::hsl(42.0, 0.5, 0.84),
            accent: Color::hsl(hue + dice.pick(&[0.0, 25.0, 180.0]), 0.45, 0.36),
        }
    }
}

/// The frame around another style's drawing.
pub(crate) fn touch(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let colors = Colors::new(hand, dice);
    frame(canvas, &colors, hand);
}

pub(crate) fn draw(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let colors = Colors::new(hand, dice);
    canvas.ground(colors.ground);
    let motifs: [Motif; 4] = [fan, scales, towers, chevrons];
    Hand::choose(hand.motif, &motifs, dice)(canvas, &colors, hand, dice);
    frame(canvas, &colors, hand);
}

/// Rays from the foot of the image, crossed by arcs.
fn fan(canvas: &mut Canvas, colors: &Colors, hand: &Hand, dice: &mut Dice) {
    let foot = canvas.at(0.5, dice.between(0.86, 1.0));
    let reach = canvas.height * 1.4;
    let rays = dice.whole(5, 10) * 2 + 1;
    for ray in (0..rays).step_by(2) {
        let angle = |i: usize| PI + PI * i as f32 / rays as f32;
        let edge = |angle: f32| (foot.0 + reach * angle.cos(), foot.1 + reach * angle.sin());
        let wedge = polygon(&[foot, edge(angle(ray)), edge(angle(ray + 1))]);
        let color = if ray % 4 == 0 {
            colors.gold
        } else {
            colors.accent
        };
        canvas.shaded(
            wedge,
            (foot, (foot.0, foot.1 - canvas.height)),
            [color, color.lighter(-0.45)],
            1.0,
        );
    }
    let arcs = dice.whole(2, 4);
    for i in 0..arcs {
        let radius = canvas.unit * (0.3 + 0.22 * i as f32);
        let width = canvas.unit * 0.05 * hand.stroke;
        let ring = |radius: f32| arc(foot, (radius, radius), PI, 2.0 * PI);
        canvas.line(ring(radius), colors.ground, width, 1.0);
        canvas.line(ring(radius), colors.cream, width * 0.3, 1.0);
    }
    canvas.shape(circle(foot, canvas.unit * 0.16), colors.cream, 1.0);
    canvas.shape(circle(foot, canvas.unit * 0.12), colors.ground, 1.0);
    canvas.shape(circle(foot, canvas.unit * 0.07), colors.gold, 1.0);
}

/// Rows of scales, each with arcs inside.
fn scales(canvas: &mut Canvas, colors: &Colors, hand: &Hand, dice: &mut Dice) {
    let columns = dice.whole(3, 5) as f32;
    let radius = canvas.width / columns / 2.0;
    let rings = dice.whole(3, 4);
    let mut top = -radius;
    let mut odd = false;
    while top < canvas.height + radius {
        let mut x = if odd { 0.0 } else { radius };
        while x < canvas.width + radius {
            for ring in 0..rings {
                let size = radius * (1.0 - ring as f32 / rings as f32);
                let fill = if ring % 2 == 0 {
                    colors.ground
                } else {
                    colors.accent
                };
                canvas.shape(circle((x, top), size), fill, 1.0);
                let width = canvas.unit * 0.013 * hand.stroke;
                canvas.line(circle((x, top), size), colors.gold, width, 1.0);
            }
            x += 2.0 * radius;
        }
        top += radius;
        odd = !odd;
    }
}

/// A stepped tower between lower ones, before rays.
fn towers(canvas: &mut Canvas, colors: &Colors, hand: &Hand, dice: &mut Dice) {
    let summit = canvas.at(0.5, 0.35);
    let rays = dice.whole(10, 16);
    for ray in 0..rays {
        let angle = 2.0 * PI * ray as f32 / rays as f32 + 0.1;
        let end = (
            summit.0 + canvas.height * angle.cos(),
            summit.1 + canvas.height * angle.sin(),
        );
        canvas.line(
            lines(&[summit, end]),
            colors.accent,
            canvas.unit * 0.03,
            1.0,
        );
    }
    let spread = dice.between(0.2, 0.27);
    for side in [-1.0, 1.0] {
        tower(canvas, colors, hand, (0.5 + side * spread, 0.45), 0.11, 3);
    }
    let steps = dice.whole(4, 5);
    tower(
        canvas,
        colors,
        hand,
        (0.5, dice.between(0.1, 0.2)),
        0.17,
        steps,
    );
}

/// A tower of `steps` around a middle, from a top to the foot of the canvas; places and width as shares.
fn tower(
    canvas: &mut Canvas,
    colors: &Colors,
    hand: &Hand,
    (middle, top): Place,
    half: f32,
    steps: usize,
) {
    for step in 0..steps {
        let share = (step + 1) as f32 / steps as f32;
        let y = top + (1.0 - top) * 0.55 * step as f32 / steps as f32;
        let (left, upper) = canvas.at(middle - half * share, y);
        let (right, lower) = canvas.at(middle + half * share, 1.0);
        let block = || polygon(&[(left, upper), (right, upper), (right, lower), (left, lower)]);
        canvas.shape(block(), colors.ground.lighter(0.06), 1.0);
        canvas.line(block(), colors.gold, canvas.unit * 0.014 * hand.stroke, 1.0);
    }
    let stripes = 3;
    for stripe in 0..stripes {
        let x = middle + half * 0.5 * (stripe as f32 - 1.0);
        let ends = [canvas.at(x, top + (1.0 - top) * 0.45), canvas.at(x, 1.0)];
        canvas.line(lines(&ends), colors.cream, canvas.unit * 0.018, 1.0);
    }
    let spire = [canvas.at(middle, top - 0.09), canvas.at(middle, top)];
    canvas.line(lines(&spire), colors.gold, canvas.unit * 0.02, 1.0);
}

/// Nested angles, all pointing the same way.
fn chevrons(canvas: &mut Canvas, colors: &Colors, hand: &Hand, dice: &mut Dice) {
    let palette = [
        colors.gold,
        colors.ground,
        colors.accent,
        colors.ground,
        colors.cream,
    ];
    let band = canvas.unit * 0.085 * hand.stroke;
    let rise = dice.between(0.35, 0.6) * canvas.width;
    let down = dice.chance(0.5);
    let mut y = -rise;
    let mut i = 0;
    while y < canvas.height + rise {
        let tip = if down { y + rise } else { y - rise };
        let angle = [(0.0, y), (canvas.width / 2.0, tip), (canvas.width, y)];
        canvas.line(lines(&angle), palette[i % palette.len()], band, 1.0);
        y += band;
        i += 1;
    }
    let center = canvas.at(0.5, 0.5);
    for (size, color) in [
        (0.2, colors.ground),
        (0.17, colors.gold),
        (0.13, colors.ground),
    ] {
        canvas.shape(circle(center, canvas.unit * size), color, 1.0);
    }
    let star = arc_places(
        center,
        (canvas.unit * 0.1, canvas.unit * 0.1),
        0.0,
        2.0 * PI,
    );
    for place in star.iter().step_by(5) {
        canvas.line(
            lines(&[center, *place]),
            colors.cream,
            canvas.unit * 0.012,
            1.0,
        );
    }
}

/// A double line around, with notched corners.
fn frame(canvas: &mut Canvas, colors: &Colors, hand: &Hand) {
    for (inset, width, color) in [
        (0.012, 0.05, colors.ground),
        (0.02, 0.018 * hand.stroke, colors.gold),
        (0.055, 0.009, colors.gold),
    ] {
        let d = inset * canvas.unit;
        let notch = canvas.unit * 0.07;
        let (right, bottom) = (canvas.width - d, canvas.height - d);
        let path = polygon(&[
            (d + notch, d),
            (right - notch, d),
            (right, d + notch),
            (right, bottom - notch),
            (right - notch, bottom),
            (d + notch, bottom),
            (d, bottom - notch),
            (d, d + notch),
        ]);
        canvas.line(path, color, width * canvas.unit, 1.0);
    }
}
