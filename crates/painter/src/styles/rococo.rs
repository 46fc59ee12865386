//! Rococo: pastels, curls in pairs, garlands of roses around a medallion.

use std::f32::consts::{PI, TAU};

use crate::canvas::{Canvas, Place, count, ellipse, lines, polar};
use crate::color::{Color, WHITE};
use crate::dice::Dice;
use crate::hand::Hand;

/// Hue, saturation and lightness of the grounds.
const GROUNDS: [(f32, f32, f32); 6] = [
    (350.0, 0.55, 0.84),
    (195.0, 0.4, 0.82),
    (48.0, 0.55, 0.86),
    (140.0, 0.25, 0.82),
    (280.0, 0.28, 0.84),
    // Velvet, as dark as art deco's.
    (235.0, 0.35, 0.3),
];

struct Colors {
    ground: Color,
    gold: Color,
    rose: Color,
    leaf: Color,
}

impl Colors {
    fn new(hand: &Hand, dice: &mut Dice) -> Self {
        let (hue, saturation, lightness) = Hand::choose(hand.ground, &GROUNDS, dice);
        let hue = hue + 10.0 * hand.hue + dice.around(5.0);
        Self {
            ground: Color::hsl(hue, saturation, lightness),
            gold: Color::hsl(42.0 + 6.0 * hand.hue, 0.5, 0.56 + 0.06 * hand.light),
            rose: Color::hsl(348.0 + 14.0 * hand.hue + dice.around(8.0), 0.6, 0.72),
            leaf: Color::hsl(120.0 + 25.0 * hand.hue, 0.22, 0.55),
        }
    }
}

/// Curls and a garland around another style's drawing.
pub(crate) fn touch(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let colors = Colors::new(hand, dice);
    scrolls(canvas, &colors, hand, dice);
    garland(canvas, &colors, hand, dice);
}

pub(crate) fn draw(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let colors = Colors::new(hand, dice);
    canvas.glow(
        canvas.at(0.5, 0.45),
        canvas.height * 0.8,
        &[
            colors.ground.lighter(0.55),
            colors.ground,
            colors.ground.lighter(-0.12),
        ],
    );
    for _ in 0..count(40.0 * hand.density) {
        let place = canvas.at(dice.between(0.0, 1.0), dice.between(0.0, 1.0));
        let radius = canvas.unit * dice.between(0.005, 0.012);
        canvas.shape(ellipse(place, radius, radius), WHITE, 0.6);
    }
    medallion(canvas, &colors, hand, dice);
    scrolls(canvas, &colors, hand, dice);
    garland(canvas, &colors, hand, dice);
}

/// An oval with a soft scene, in a frame of pearls.
fn medallion(canvas: &mut Canvas, colors: &Colors, hand: &Hand, dice: &mut Dice) {
    let center = canvas.at(0.5, 0.46);
    let (across, down) = (
        canvas.width * dice.between(0.2, 0.28),
        canvas.height * dice.between(0.2, 0.28),
    );
    let inside = Color::hsl(200.0 + 30.0 * hand.hue, 0.35, 0.78);
    canvas.shaded(
        ellipse(center, across, down),
        ((center.0, center.1 - down), (center.0, center.1 + down)),
        [inside.lighter(0.3), colors.leaf.lighter(0.2)],
        1.0,
    );
    for _ in 0..count(16.0 * hand.density) {
        let (angle, share) = (dice.between(0.0, TAU), dice.between(0.0, 0.7));
        let place = polar(center, (across * share, down * share), angle);
        let size = canvas.unit * dice.between(0.03, 0.07);
        let color = dice.pick(&[WHITE, colors.rose, colors.leaf, inside]);
        canvas.shape(ellipse(place, size, size * 0.7), color, 0.45);
    }
    let rim = ellipse(center, across, down);
    canvas.line(rim, colors.gold, canvas.unit * 0.03 * hand.stroke, 1.0);
    let pearls = 24;
    for pearl in 0..pearls {
        let angle = TAU * pearl as f32 / pearls as f32;
        let radii = (across + canvas.unit * 0.035, down + canvas.unit * 0.035);
        let radius = canvas.unit * 0.013;
        canvas.shape(
            ellipse(polar(center, radii, angle), radius, radius),
            WHITE,
            0.95,
        );
    }
}

/// Curls in the corners, mirrored left and right, and by a symmetric hand also above and below.
fn scrolls(canvas: &mut Canvas, colors: &Colors, hand: &Hand, dice: &mut Dice) {
    let curls = count(dice.between(3.0, 5.0) * hand.density);
    for _ in 0..curls {
        let (x, y) = (dice.between(0.06, 0.34), dice.between(0.06, 0.94));
        let size = canvas.unit * dice.between(0.08, 0.15);
        let turns = dice.between(1.2, 2.0);
        let start = dice.between(0.0, TAU);
        let mirrored_down = hand.symmetry > 0.4;
        for side in [1.0, -1.0] {
            let x = if side > 0.0 { x } else { 1.0 - x };
            scroll(
                canvas,
                colors,
                hand,
                canvas.at(x, y),
                (size * side, size),
                start,
                turns,
            );
            if mirrored_down {
                let place = canvas.at(x, 1.0 - y);
                scroll(
                    canvas,
                    colors,
                    hand,
                    place,
                    (size * side, -size),
                    start,
                    turns,
                );
            }
        }
    }
}

/// A C-scroll: a spiral that opens and ends in a second, smaller curl.
fn scroll(
    canvas: &mut Canvas,
    colors: &Colors,
    hand: &Hand,
    center: Place,
    (across, down): Place,
    start: f32,
    turns: f32,
) {
    let spiral = |center: Place, scale: f32, direction: f32, start: f32| -> Vec<Place> {
        (0..=48_u8)
            .map(|i| {
                let share = f32::from(i) / 48.0;
                let radius = scale * (0.12 + 0.88 * share);
                let angle = start + direction * TAU * turns * share;
                polar(center, (across * radius, down * radius), angle)
            })
            .collect()
    };
    let first = spiral(center, 1.0, 1.0, start);
    let end = *first.last().unwrap_or(&center);
    let away = start + TAU * turns;
    let second = polar(end, (across * 0.5, down * 0.5), away);
    let second = spiral(second, 0.5, -1.0, away + PI + TAU * turns);
    let pen = canvas.unit * 0.022 * hand.stroke;
    for curl in [&first, &second] {
        canvas.line(lines(curl), colors.gold.lighter(-0.25), pen * 1.5, 0.6);
        canvas.line(lines(curl), colors.gold, pen, 1.0);
        canvas.line(lines(curl), WHITE, pen * 0.35, 0.85);
    }
}

/// Roses and leaves along a hanging curve, or around the medallion.
fn garland(canvas: &mut Canvas, colors: &Colors, hand: &Hand, dice: &mut Dice) {
    let roses = count(9.0 * hand.density);
    let around = hand.motif > 0.5;
    let sag = dice.between(0.1, 0.2);
    for i in 0..=roses {
        let share = i as f32 / roses as f32;
        let place = if around {
            let radii = (canvas.width * 0.33, canvas.height * 0.35);
            polar(canvas.at(0.5, 0.47), radii, PI * share)
        } else {
            canvas.at(0.06 + 0.88 * share, 0.76 + sag * (PI * share).sin())
        };
        for _ in 0..3 {
            let angle = dice.between(0.0, TAU);
            let size = canvas.unit * 0.05;
            let leaf = polar(place, (size, size), angle);
            canvas.dab(
                leaf,
                size,
                angle,
                canvas.unit * 0.022,
                colors.leaf.stray(0.06, dice),
            );
        }
        rose(
            canvas,
            colors,
            place,
            canvas.unit * dice.between(0.035, 0.06),
            dice,
        );
    }
}

fn rose(canvas: &mut Canvas, colors: &Colors, place: Place, size: f32, dice: &mut Dice) {
    let color = colors.rose.stray(0.05, dice);
    for (share, tone) in [(1.0, -0.08), (0.72, 0.18), (0.45, -0.1), (0.22, 0.3)] {
        let radius = size * share;
        let shifted = (
            place.0 + dice.around(size * 0.1),
            place.1 + dice.around(size * 0.1),
        );
        canvas.shape(
            ellipse(shifted, radius, radius * 0.9),
            color.lighter(tone),
            1.0,
        );
    }
}
