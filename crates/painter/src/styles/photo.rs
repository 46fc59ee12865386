//! Photo: smooth light, depth of field, grain and darker corners; some in gray or sepia.

use crate::canvas::{Canvas, Place, circle, count, ellipse, lines, polygon, ridge};
use crate::color::{Color, WHITE};
use crate::dice::Dice;
use crate::hand::Hand;
use crate::styles::naturalism;

pub(crate) fn draw(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let scenes: [fn(&mut Canvas, &Hand, &mut Dice); 5] = [hills, lights, still, street, outdoors];
    dice.pick(&scenes)(canvas, hand, dice);
    expose(canvas, dice);
}

/// A photograph of hills.
pub(crate) fn draw_hills(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    hills(canvas, hand, dice);
    expose(canvas, dice);
}

/// A photograph of another style's drawing.
pub(crate) fn touch(canvas: &mut Canvas, _: &Hand, dice: &mut Dice) {
    blur(canvas, 1);
    expose(canvas, dice);
}

fn expose(canvas: &mut Canvas, dice: &mut Dice) {
    let exposure = Exposure {
        tone: dice.pick(&[
            Tone::Color,
            Tone::Color,
            Tone::Color,
            Tone::Gray,
            Tone::Sepia,
        ]),
        vignette: dice.between(0.25, 0.6),
        grain: dice.between(0.01, 0.035),
    };
    exposure.develop(canvas, dice);
}

/// Ridges that fade into haze.
fn hills(canvas: &mut Canvas, _: &Hand, dice: &mut Dice) {
    let hue = dice.pick(&[15.0, 35.0, 205.0, 220.0, 260.0]);
    let haze = Color::hsl(hue, 0.4, 0.8);
    let dark = Color::hsl(hue + dice.around(40.0), 0.35, 0.14);
    canvas.sky(&[Color::hsl(hue + 180.0, 0.2, 0.55), haze, haze]);
    let sun = canvas.at(dice.between(0.2, 0.8), dice.between(0.2, 0.45));
    canvas.shape(circle(sun, canvas.unit * 0.07), WHITE, 0.9);
    blur(canvas, 4);
    let layers = dice.whole(3, 5);
    for layer in 0..layers {
        let share = (layer + 1) as f32 / layers as f32;
        let top = canvas.height * (0.35 + 0.45 * share);
        let mut edge: Vec<Place> = ridge(60, canvas.unit * 0.09, dice)
            .iter()
            .enumerate()
            .map(|(i, height)| (canvas.width * i as f32 / 60.0, top + height))
            .collect();
        edge.push((canvas.width, canvas.height));
        edge.push((0.0, canvas.height));
        canvas.shape(polygon(&edge), haze.mix(dark, share), 1.0);
        blur(canvas, 1);
    }
}

/// Lamps at night, far out of focus.
fn lights(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let hue = dice.between(0.0, 360.0);
    canvas.sky(&[
        Color::hsl(hue, 0.3, 0.1),
        Color::hsl(hue + 30.0, 0.35, 0.22),
    ]);
    for pass in 0..3 {
        for _ in 0..count(9.0 * hand.density) {
            let place = canvas.at(dice.between(0.0, 1.0), dice.between(0.2, 0.9));
            let radius = canvas.unit * dice.between(0.03, 0.1);
            let color = Color::hsl(dice.pick(&[35.0, 45.0, 15.0, hue, 200.0]), 0.75, 0.65);
            canvas.shape(circle(place, radius), color, 0.4);
            canvas.line(
                circle(place, radius),
                color.lighter(0.3),
                canvas.unit * 0.008,
                0.35,
            );
        }
        if pass < 2 {
            blur(canvas, 3);
        }
    }
    blur(canvas, 1);
}

/// Fruit on a table, lit from one side.
fn still(canvas: &mut Canvas, _: &Hand, dice: &mut Dice) {
    let wall = Color::hsl(dice.between(20.0, 220.0), 0.15, dice.between(0.3, 0.6));
    let table = Color::hsl(28.0, 0.35, 0.3);
    canvas.sky(&[wall.lighter(-0.3), wall, table, table.lighter(-0.4)]);
    blur(canvas, 3);
    for _ in 0..dice.whole(2, 4) {
        let center = canvas.at(dice.between(0.2, 0.8), dice.between(0.5, 0.72));
        let radius = canvas.unit * dice.between(0.12, 0.22);
        let shadow = (center.0 + radius * 0.5, center.1 + radius * 0.85);
        canvas.shape(
            ellipse(shadow, radius * 1.2, radius * 0.3),
            table.lighter(-0.7),
            0.6,
        );
        blur(canvas, 2);
        let skin = Color::hsl(dice.pick(&[5.0, 30.0, 50.0, 90.0]), 0.65, 0.48);
        let light = (center.0 - radius * 0.7, center.1 - radius * 0.7);
        let dark = (center.0 + radius * 0.8, center.1 + radius * 0.8);
        canvas.shaded(
            circle(center, radius),
            (light, dark),
            [skin.lighter(0.45), skin.lighter(-0.7)],
            1.0,
        );
        let glint = (center.0 - radius * 0.4, center.1 - radius * 0.45);
        canvas.shape(circle(glint, radius * 0.14), WHITE, 0.6);
    }
    blur(canvas, 1);
}

/// A landscape as a naturalist would see it, a little out of focus.
fn outdoors(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    naturalism::draw(canvas, hand, dice);
    blur(canvas, 1);
}

/// Blocks of houses with lit windows along a vanishing street.
fn street(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let hue = dice.pick(&[30.0, 210.0, 230.0, 0.0]);
    let sky = Color::hsl(hue, 0.3, 0.72);
    canvas.sky(&[
        sky.lighter(-0.2),
        sky.lighter(0.3),
        Color::hsl(hue, 0.1, 0.3),
    ]);
    blur(canvas, 3);
    let vanishing = dice.between(0.3, 0.7);
    let blocks = count(5.0 * hand.density);
    for block in 0..blocks {
        let share = (block + 1) as f32 / blocks as f32;
        for side in [-1.0, 1.0] {
            let inner = vanishing + side * (0.06 + 0.3 * share);
            let outer = vanishing + side * (0.2 + 0.6 * share);
            let top = 0.5 - dice.between(0.2, 0.5) * share;
            let bottom = 0.6 + 0.35 * share;
            let wall = sky.mix(Color::hsl(hue + 10.0, 0.2, 0.16), 0.3 + 0.7 * share);
            let corners = [
                canvas.at(inner, top + 0.03),
                canvas.at(outer, top),
                canvas.at(outer, bottom + 0.05),
                canvas.at(inner, bottom),
            ];
            canvas.shaded(
                polygon(&corners),
                (corners[0], corners[1]),
                [wall.lighter(-0.25), wall.lighter(0.1)],
                1.0,
            );
            windows(canvas, (inner, outer), (top, bottom), dice);
        }
        // The farther, the softer.
        if block + 1 < blocks {
            blur(canvas, usize::from(block < blocks / 2));
        }
    }
}

fn windows(
    canvas: &mut Canvas,
    (inner, outer): (f32, f32),
    (top, bottom): (f32, f32),
    dice: &mut Dice,
) {
    for row in 0..5_u8 {
        for column in 0..3_u8 {
            if dice.chance(0.5) {
                let x = inner + (outer - inner) * (f32::from(column) + 0.5) / 3.0;
                let y = top + (bottom - top) * (f32::from(row) + 0.7) / 6.0;
                let (x, y) = canvas.at(x, y);
                let size = canvas.unit * 0.012;
                let pane = lines(&[(x, y - size), (x, y + size)]);
                canvas.line(pane, Color::hsl(45.0, 0.8, 0.7), size * 1.2, 0.8);
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Tone {
    Color,
    Gray,
    Sepia,
}

impl Tone {
    fn apply(self, [red, green, blue]: [f32; 3]) -> [f32; 3] {
        let gray = 0.3 * red + 0.59 * green + 0.11 * blue;
        match self {
            Self::Color => [red, green, blue],
            Self::Gray => [gray; 3],
            Self::Sepia => [gray * 1.07 + 10.0, gray * 0.92 + 4.0, gray * 0.72],
        }
    }
}

struct Exposure {
    tone: Tone,
    /// Darkening of the corners, in `[0, 1]`.
    vignette: f32,
    /// Standard deviation of the noise, about, as a share of white.
    grain: f32,
}

impl Exposure {
    fn develop(&self, canvas: &mut Canvas, dice: &mut Dice) {
        let (width, half) = (canvas.width, (canvas.width / 2.0, canvas.height / 2.0));
        let data = canvas.pixmap_mut().data_mut();
        for (i, pixel) in data.chunks_exact_mut(4).enumerate() {
            let (x, y) = (i as f32 % width, (i as f32 / width).floor());
            let (dx, dy) = ((x - half.0) / half.0, (y - half.1) / half.1);
            let shade = 1.0 - self.vignette * ((dx * dx + dy * dy) / 2.0).powf(1.3);
            let noise = 255.0 * dice.around(self.grain * 1.2);
            let color = self
                .tone
                .apply([pixel[0], pixel[1], pixel[2]].map(f32::from));
            for (value, color) in pixel.iter_mut().zip(color) {
                *value = byte(color * shade + noise);
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a byte"
)]
fn byte(value: f32) -> u8 {
    value.clamp(0.0, 255.0).round() as u8
}

/// Two box blurs along each axis; the edge is continued.
fn blur(canvas: &mut Canvas, radius: usize) {
    let pixmap = canvas.pixmap_mut();
    let (width, height) = (pixmap.width() as usize, pixmap.height() as usize);
    let data = pixmap.data_mut();
    for _ in 0..2 {
        for y in 0..height {
            blur_line(data, y * width * 4, 4, width, radius);
        }
        for x in 0..width {
            blur_line(data, x * 4, width * 4, height, radius);
        }
    }
}

/// Blurs `n` pixels that stand `step` bytes apart from `start`.
fn blur_line(data: &mut [u8], start: usize, step: usize, n: usize, radius: usize) {
    for channel in 0..4 {
        let line: Vec<u16> = (0..n)
            .map(|i| u16::from(data[start + i * step + channel]))
            .collect();
        for i in 0..n {
            let window = i.saturating_sub(radius)..(i + radius + 1).min(n);
            let taken = window.len();
            let sum: u16 = line[window].iter().sum();
            let mean = usize::from(sum) / taken;
            data[start + i * step + channel] = u8::try_from(mean).unwrap_or(u8::MAX);
        }
    }
}
