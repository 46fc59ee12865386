//! Impressionism: light dabs of broken color, water or field under a wide sky.

use std::f32::consts::{FRAC_PI_2, PI};

use crate::canvas::{Canvas, count};
use crate::color::Color;
use crate::dice::Dice;
use crate::hand::Hand;

/// Sky above, sky at the horizon, ground at the horizon, ground in front, and the light: hue, saturation, lightness.
const HOURS: [[(f32, f32, f32); 5]; 5] = [
    // Morning on water.
    [
        (215.0, 0.45, 0.68),
        (25.0, 0.7, 0.8),
        (205.0, 0.4, 0.66),
        (215.0, 0.4, 0.48),
        (22.0, 0.95, 0.62),
    ],
    // Noon in a meadow.
    [
        (208.0, 0.6, 0.7),
        (200.0, 0.5, 0.85),
        (85.0, 0.4, 0.62),
        (95.0, 0.42, 0.45),
        (52.0, 0.9, 0.78),
    ],
    // Evening.
    [
        (265.0, 0.35, 0.62),
        (38.0, 0.85, 0.75),
        (280.0, 0.25, 0.55),
        (250.0, 0.3, 0.42),
        (45.0, 0.95, 0.7),
    ],
    // A field of flowers.
    [
        (200.0, 0.45, 0.76),
        (190.0, 0.35, 0.86),
        (75.0, 0.45, 0.6),
        (110.0, 0.32, 0.45),
        (355.0, 0.75, 0.66),
    ],
    // The edge of a wood in autumn, which a naturalist could have painted too.
    [
        (210.0, 0.25, 0.7),
        (45.0, 0.35, 0.8),
        (36.0, 0.45, 0.5),
        (80.0, 0.35, 0.32),
        (28.0, 0.65, 0.45),
    ],
];

pub(crate) fn draw(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let hour = Hand::choose(hand.ground, &[0, 1, 2, 3, 4], dice);
    let [high, low, far, near, light] = HOURS[hour].map(|(hue, saturation, lightness)| {
        Color::hsl(
            hue + 14.0 * hand.hue + dice.around(6.0),
            saturation,
            lightness + 0.04 * hand.light,
        )
    });
    let horizon = dice.between(0.32, 0.6);
    canvas.sky(&[high, low, far, near]);
    let brush = Brush {
        length: canvas.unit * dice.between(0.06, 0.085) * hand.stroke,
        width: canvas.unit * 0.022 * hand.stroke,
    };
    let dabs = count(1000.0 * hand.density);
    for i in 0..dabs {
        // From the horizon outward, so that near dabs lie over far ones.
        let share = i as f32 / dabs as f32;
        sky_dab(
            canvas,
            &brush,
            hand,
            horizon * (1.0 - share),
            (high, low, horizon),
            dice,
        );
        let y = horizon + (1.0 - horizon) * share;
        ground_dab(
            canvas,
            &brush,
            (far.mix(near, share), light, hour),
            (y, share),
            dice,
        );
        if i == dabs / 4 {
            far_trees(canvas, &brush, hand, near, horizon, dice);
        }
    }
    let sun = (dice.between(0.2, 0.8), horizon * dice.between(0.3, 0.75));
    sunlight(canvas, &brush, light, sun, horizon, dice);
    if hour == 0 || hour == 2 {
        boats(canvas, &brush, near.lighter(-0.5), horizon, dice);
    }
}

/// Another style's drawing, dissolved into dabs of its own colors.
pub(crate) fn touch(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let brush = Brush {
        length: canvas.unit * dice.between(0.06, 0.085) * hand.stroke,
        width: canvas.unit * 0.022 * hand.stroke,
    };
    for _ in 0..count(500.0 * hand.density) {
        let place = canvas.at(dice.between(0.0, 1.0), dice.between(0.0, 1.0));
        let color = canvas.color_at(place).stray(0.07, dice);
        let angle = hand.tilt + dice.around(0.4);
        canvas.dab(place, brush.length, angle, brush.width, color);
    }
}

struct Brush {
    length: f32,
    width: f32,
}

fn sky_dab(
    canvas: &mut Canvas,
    brush: &Brush,
    hand: &Hand,
    y: f32,
    (high, low, horizon): (Color, Color, f32),
    dice: &mut Dice,
) {
    let color = high.mix(low, y / horizon).stray(0.07, dice);
    let place = canvas.at(dice.between(-0.02, 1.02), y + dice.around(0.03));
    let angle = hand.tilt + dice.around(0.4);
    canvas.dab(place, brush.length, angle, brush.width * 1.2, color);
}

/// Level on water, upright in meadows; some dabs take the light's color.
fn ground_dab(
    canvas: &mut Canvas,
    brush: &Brush,
    (color, light, hour): (Color, Color, usize),
    (y, share): (f32, f32),
    dice: &mut Dice,
) {
    let meadow = hour != 0 && hour != 2;
    let lit = if meadow { 0.16 } else { 0.06 };
    let color = if dice.chance(lit) { light } else { color };
    let upright = if meadow { FRAC_PI_2 } else { 0.0 };
    let place = canvas.at(dice.between(-0.02, 1.02), y);
    let growth = 0.7 + 0.7 * share;
    canvas.dab(
        place,
        brush.length * growth * if meadow { 0.7 } else { 1.0 },
        upright + dice.around(0.35),
        brush.width * growth,
        color.stray(0.09, dice),
    );
}

fn far_trees(
    canvas: &mut Canvas,
    brush: &Brush,
    hand: &Hand,
    near: Color,
    horizon: f32,
    dice: &mut Dice,
) {
    let tree = Color::hsl(130.0 + 20.0 * hand.hue, 0.25, 0.36).mix(near, 0.3);
    let groups = dice.whole(2, 5);
    for _ in 0..groups {
        let (x, tall) = (dice.between(0.0, 1.0), dice.between(0.08, 0.26));
        for _ in 0..count(45.0 * hand.density) {
            let up = dice.between(0.0, 1.0);
            let place = canvas.at(
                x + dice.around(0.06 * (1.2 - up)),
                horizon + 0.02 - tall * up,
            );
            let angle = FRAC_PI_2 + dice.around(0.4);
            canvas.dab(
                place,
                brush.length * 0.7,
                angle,
                brush.width * 0.9,
                tree.stray(0.1, dice),
            );
        }
    }
}

fn sunlight(
    canvas: &mut Canvas,
    brush: &Brush,
    light: Color,
    (x, y): (f32, f32),
    horizon: f32,
    dice: &mut Dice,
) {
    for _ in 0..40 {
        let (angle, radius) = (dice.between(0.0, 2.0 * PI), dice.between(0.0, 0.06));
        let (cx, cy) = canvas.at(x, y);
        let place = (
            cx + radius * canvas.unit * angle.cos(),
            cy + radius * canvas.unit * angle.sin(),
        );
        // Around the center, so that the disc is round.
        canvas.dab(
            place,
            brush.length * 0.5,
            angle + FRAC_PI_2,
            brush.width,
            light.stray(0.06, dice),
        );
    }
    for _ in 0..34 {
        let down = dice.between(0.0, 1.0);
        let place = canvas.at(
            x + dice.around(0.03 + 0.05 * down),
            horizon + (1.0 - horizon) * down,
        );
        let color = light.lighter(0.2).stray(0.06, dice);
        canvas.dab(
            place,
            brush.length * 0.8,
            dice.around(0.1),
            brush.width * 0.8,
            color,
        );
    }
}

fn boats(canvas: &mut Canvas, brush: &Brush, dark: Color, horizon: f32, dice: &mut Dice) {
    for _ in 0..dice.whole(0, 3) {
        let y = dice.between(horizon + 0.05, 0.85);
        let size = 0.5 + 1.5 * (y - horizon);
        let (x, y) = canvas.at(dice.between(0.1, 0.9), y);
        for dy in [0.0, 0.35] {
            let place = (x, y + dy * brush.width * size);
            canvas.dab(
                place,
                1.6 * brush.length * size,
                0.0,
                brush.width * size,
                dark,
            );
        }
        let mast = (x, y - brush.length * size);
        canvas.dab(
            mast,
            2.0 * brush.length * size,
            FRAC_PI_2,
            brush.width * 0.5 * size,
            dark,
        );
    }
}
