//! Naturalism: trees, ridges and grass in the colors of the earth, drawn with fine upright strokes.

use std::f32::consts::FRAC_PI_2;

use crate::canvas::{Canvas, Place, count, lines, polygon, ridge};
use crate::color::Color;
use crate::dice::Dice;
use crate::hand::Hand;

/// Sky above, sky below, hills, foliage, grass: hue, saturation, lightness.
const SEASONS: [[(f32, f32, f32); 5]; 4] = [
    // Summer.
    [
        (208.0, 0.3, 0.68),
        (48.0, 0.3, 0.84),
        (130.0, 0.15, 0.45),
        (98.0, 0.32, 0.27),
        (75.0, 0.35, 0.34),
    ],
    // Autumn.
    [
        (205.0, 0.15, 0.7),
        (40.0, 0.35, 0.8),
        (30.0, 0.18, 0.45),
        (26.0, 0.6, 0.35),
        (36.0, 0.45, 0.34),
    ],
    // Before rain.
    [
        (215.0, 0.1, 0.52),
        (60.0, 0.1, 0.74),
        (160.0, 0.1, 0.38),
        (110.0, 0.22, 0.22),
        (60.0, 0.25, 0.3),
    ],
    // Late winter.
    [
        (210.0, 0.2, 0.72),
        (30.0, 0.25, 0.86),
        (220.0, 0.1, 0.55),
        (28.0, 0.2, 0.3),
        (42.0, 0.3, 0.42),
    ],
];

pub(crate) fn draw(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let season = Hand::choose(hand.ground, &SEASONS, dice);
    let [high, low, hills, foliage, grass] = season.map(|(hue, saturation, lightness)| {
        Color::hsl(
            hue + 9.0 * hand.hue + dice.around(4.0),
            saturation,
            lightness + 0.04 * hand.light,
        )
    });
    let horizon = dice.between(0.45, 0.62);
    canvas.sky(&[high, low, low]);
    clouds(canvas, low, horizon, dice);
    far_hills(canvas, hills, low, horizon, dice);
    meadow(canvas, grass, horizon);
    let trees = count(dice.between(3.0, 7.0) * hand.density);
    let mut places: Vec<Place> = (0..trees)
        .map(|_| (dice.between(0.02, 0.98), dice.between(horizon + 0.02, 0.86)))
        .collect();
    places.sort_by(|a, b| a.1.total_cmp(&b.1));
    for place in places {
        let size = 0.35 + 1.3 * (place.1 - horizon);
        tree(canvas, hand, foliage, place, size, dice);
    }
    blades(canvas, hand, grass, horizon, dice);
}

/// Grass and a tree before another style's drawing.
pub(crate) fn touch(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let [_, _, _, foliage, grass] =
        Hand::choose(hand.ground, &SEASONS, dice).map(|(hue, saturation, lightness)| {
            Color::hsl(hue + 9.0 * hand.hue, saturation, lightness)
        });
    let horizon = dice.between(0.6, 0.75);
    let place = (dice.between(0.1, 0.9), dice.between(0.8, 0.95));
    tree(canvas, hand, foliage, place, dice.between(0.5, 0.7), dice);
    blades(canvas, hand, grass, horizon, dice);
}

fn clouds(canvas: &mut Canvas, low: Color, horizon: f32, dice: &mut Dice) {
    for _ in 0..dice.whole(2, 6) {
        let (x, y) = (dice.between(0.0, 1.0), dice.between(0.03, horizon * 0.7));
        for _ in 0..14 {
            let place = canvas.at(x + dice.around(0.12), y + dice.around(0.02));
            let color = low.lighter(dice.between(0.1, 0.5));
            canvas.dab(place, canvas.unit * 0.14, 0.0, canvas.unit * 0.03, color);
        }
    }
}

fn far_hills(canvas: &mut Canvas, hills: Color, low: Color, horizon: f32, dice: &mut Dice) {
    for layer in 0..3_u8 {
        let share = f32::from(layer) / 2.0;
        let top = canvas.height * (horizon - 0.1 + 0.08 * share);
        let mut edge: Vec<Place> = ridge(48, canvas.unit * 0.06, dice)
            .iter()
            .enumerate()
            .map(|(i, height)| (canvas.width * i as f32 / 48.0, top + height))
            .collect();
        edge.push((canvas.width, canvas.height));
        edge.push((0.0, canvas.height));
        let color = low.mix(hills, 0.45 + 0.55 * share);
        canvas.shape(polygon(&edge), color, 1.0);
    }
}

fn meadow(canvas: &mut Canvas, grass: Color, horizon: f32) {
    let (top, bottom) = (canvas.at(0.0, horizon), canvas.at(1.0, 1.0));
    let area = polygon(&[top, (bottom.0, top.1), bottom, (top.0, bottom.1)]);
    let shade = [grass.lighter(0.25), grass.lighter(-0.35)];
    canvas.shaded(area, (top, (top.0, bottom.1)), shade, 1.0);
}

/// A trunk of fine strokes, boughs, and leaves that hang.
fn tree(
    canvas: &mut Canvas,
    hand: &Hand,
    foliage: Color,
    (x, y): Place,
    size: f32,
    dice: &mut Dice,
) {
    let foot = canvas.at(x, y);
    let tall = canvas.unit * size * dice.between(0.75, 1.05);
    let thick = tall * 0.06 * hand.stroke;
    let bark = Color::hsl(28.0 + 8.0 * hand.hue, 0.25, 0.2);
    for _ in 0..9 {
        let dx = dice.around(thick * 0.5);
        let top = (foot.0 + dx * 0.4, foot.1 - tall * dice.between(0.6, 0.85));
        let shade = bark.stray(0.06, dice);
        canvas.line(
            lines(&[(foot.0 + dx, foot.1), top]),
            shade,
            thick * 0.25,
            1.0,
        );
    }
    for _ in 0..6 {
        let from = (foot.0, foot.1 - tall * dice.between(0.4, 0.75));
        let to = (
            from.0 + dice.around(tall * 0.25),
            from.1 - tall * dice.between(0.1, 0.25),
        );
        canvas.line(lines(&[from, to]), bark, thick * 0.2, 1.0);
    }
    let wide = tall * dice.between(0.16, 0.28);
    for _ in 0..count(150.0 * hand.density) {
        let up = dice.between(0.0, 1.0);
        let belly = (up * (1.0 - up)).sqrt() * 2.0;
        let place = (
            foot.0 + dice.around(wide * belly),
            foot.1 - tall * (0.38 + 0.66 * up),
        );
        // Light falls from above and from the left.
        let lit = 0.35 * (up - 0.4) - 0.2 * (place.0 - foot.0) / wide.max(1.0);
        let color = foliage.lighter(lit.clamp(-0.4, 0.4)).stray(0.05, dice);
        let angle = FRAC_PI_2 + 0.3 * hand.tilt + dice.around(0.2);
        canvas.dab(
            place,
            tall * 0.07,
            angle,
            canvas.unit * 0.011 * hand.stroke,
            color,
        );
    }
}

/// Grass, blade by blade, longer in front.
fn blades(canvas: &mut Canvas, hand: &Hand, grass: Color, horizon: f32, dice: &mut Dice) {
    let n = count(650.0 * hand.density);
    for i in 0..n {
        let share = i as f32 / n as f32;
        let place = canvas.at(
            dice.between(0.0, 1.0),
            horizon + 0.03 + (1.0 - horizon) * share,
        );
        let color = grass.lighter(dice.between(-0.4, 0.35) - 0.15 * share);
        let length = canvas.unit * (0.015 + 0.075 * share);
        let angle = FRAC_PI_2 + 0.3 * hand.tilt + dice.around(0.18);
        canvas.dab(
            place,
            length,
            angle,
            canvas.unit * 0.008 * hand.stroke,
            color,
        );
    }
}
