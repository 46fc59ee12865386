//! Cartoon: a face in flat saturated colors with thick black outlines.

use std::f32::consts::{PI, TAU};

use crate::canvas::{Canvas, Place, arc, circle, ellipse, lines, polar, polygon};
use crate::color::{BLACK, Color, WHITE};
use crate::dice::Dice;
use crate::hand::Hand;

struct Face {
    center: Place,
    /// Half width and half height.
    radii: (f32, f32),
    skin: Color,
    extra: Color,
    pen: f32,
}

pub(crate) fn draw(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let hue = dice.between(0.0, 360.0);
    let ground = Color::hsl(hue, 0.75, 0.62);
    background(canvas, ground, dice);
    let skin_hue = dice.pick(&[28.0, 35.0, 48.0, 110.0, 205.0, 330.0]);
    let face = Face {
        center: canvas.at(0.5 + dice.around(0.06), dice.between(0.52, 0.6)),
        radii: (
            canvas.unit * dice.between(0.25, 0.34),
            canvas.unit * dice.between(0.27, 0.35),
        ),
        skin: Color::hsl(skin_hue, 0.85, dice.between(0.62, 0.76)),
        extra: Color::hsl(hue + dice.pick(&[120.0, 180.0, 240.0]), 0.8, 0.5),
        pen: canvas.unit * dice.between(0.026, 0.042) * hand.stroke.clamp(0.85, 1.2),
    };
    body(canvas, &face);
    let tops: [fn(&mut Canvas, &Face, &mut Dice); 4] = [ears, hat, hair, antennae];
    dice.pick(&tops)(canvas, &face, dice);
    head(canvas, &face, dice);
    eyes(canvas, &face, dice);
    nose(canvas, &face, dice);
    mouth(canvas, &face, dice);
}

/// A panel's border and a speech bubble on another style's drawing.
pub(crate) fn touch(canvas: &mut Canvas, hand: &Hand, dice: &mut Dice) {
    let pen = canvas.unit * dice.between(0.026, 0.042) * hand.stroke.clamp(0.85, 1.2);
    let (left, top) = (dice.between(0.28, 0.72), dice.between(0.16, 0.26));
    let center = canvas.at(left, top);
    let radii = (canvas.unit * dice.between(0.18, 0.26), canvas.unit * 0.13);
    let tail = polygon(&[
        polar(center, radii, 0.3 * PI),
        polar(center, (radii.0 * 2.0, radii.1 * 2.0), 0.45 * PI),
        polar(center, radii, 0.55 * PI),
    ]);
    inked(canvas, tail, WHITE, pen);
    inked(canvas, ellipse(center, radii.0, radii.1), WHITE, pen);
    let border = polygon(&[
        canvas.at(0.0, 0.0),
        canvas.at(1.0, 0.0),
        canvas.at(1.0, 1.0),
        canvas.at(0.0, 1.0),
    ]);
    canvas.line(border, BLACK, pen * 2.5, 1.0);
}

/// A shape with its outline.
fn inked(canvas: &mut Canvas, path: Option<tiny_skia::Path>, color: Color, pen: f32) {
    canvas.shape(path.clone(), color, 1.0);
    canvas.line(path, BLACK, pen, 1.0);
}

/// Plain, with rays, or with dots.
fn background(canvas: &mut Canvas, ground: Color, dice: &mut Dice) {
    canvas.ground(ground);
    let second = ground.lighter(dice.pick(&[-0.15, 0.3]));
    match dice.whole(0, 2) {
        0 => {
            let (center, reach) = (canvas.at(0.5, 0.55), canvas.height * 1.5);
            for ray in 0..9_u8 {
                let angle = TAU * f32::from(ray) / 9.0;
                let edge = |angle: f32| polar(center, (reach, reach), angle);
                let wedge = polygon(&[center, edge(angle), edge(angle + TAU / 18.0)]);
                canvas.shape(wedge, second, 1.0);
            }
        }
        1 => {
            for row in 0..9_u8 {
                for column in 0..9_u8 {
                    let shift = f32::from(row % 2) * 0.06;
                    let place = canvas.at(f32::from(column) / 8.0 + shift, f32::from(row) / 8.0);
                    canvas.shape(circle(place, canvas.unit * 0.03), second, 1.0);
                }
            }
        }
        _ => {}
    }
}

fn body(canvas: &mut Canvas, face: &Face) {
    let place = (face.center.0, canvas.height * 1.08);
    let path = ellipse(place, face.radii.0 * 1.15, canvas.height * 0.25);
    inked(canvas, path, face.extra, face.pen);
}

fn head(canvas: &mut Canvas, face: &Face, dice: &mut Dice) {
    let (x, y) = face.center;
    let (across, down) = face.radii;
    let path = if dice.chance(0.25) {
        // A head with corners.
        polygon(&[
            (x - across, y - down * 0.9),
            (x + across, y - down * 0.9),
            (x + across * 0.85, y + down),
            (x - across * 0.85, y + down),
        ])
    } else {
        ellipse(face.center, across, down)
    };
    inked(canvas, path, face.skin, face.pen);
}

fn ears(canvas: &mut Canvas, face: &Face, dice: &mut Dice) {
    let (across, down) = face.radii;
    let pointed = dice.chance(0.5);
    for side in [-1.0, 1.0] {
        let (x, y) = (
            face.center.0 + side * across * 0.72,
            face.center.1 - down * 0.75,
        );
        let ear = if pointed {
            polygon(&[
                (x - side * across * 0.45, y),
                (x + side * across * 0.3, y - down * 0.75),
                (x + side * across * 0.35, y + down * 0.4),
            ])
        } else {
            circle((x, y), across * 0.42)
        };
        inked(canvas, ear, face.skin.lighter(-0.12), face.pen);
    }
}

fn hat(canvas: &mut Canvas, face: &Face, _: &mut Dice) {
    let (x, y) = face.center;
    let (across, down) = face.radii;
    let crown = polygon(&[
        (x - across * 0.7, y - down * 0.6),
        (x - across * 0.6, y - down * 1.5),
        (x + across * 0.6, y - down * 1.5),
        (x + across * 0.7, y - down * 0.6),
    ]);
    inked(canvas, crown, face.extra, face.pen);
    let brim = ellipse((x, y - down * 0.85), across * 1.2, down * 0.16);
    inked(canvas, brim, face.extra.lighter(-0.2), face.pen);
}

fn hair(canvas: &mut Canvas, face: &Face, dice: &mut Dice) {
    let (across, down) = face.radii;
    let spikes = dice.whole(5, 8);
    let mut places = Vec::new();
    for i in 0..=2 * spikes {
        let angle = PI * (1.05 + 0.9 * i as f32 / (2 * spikes) as f32);
        let reach = if i % 2 == 0 { 0.95 } else { 1.45 };
        places.push(polar(face.center, (across * reach, down * reach), angle));
    }
    inked(canvas, polygon(&places), face.extra.lighter(-0.1), face.pen);
}

fn antennae(canvas: &mut Canvas, face: &Face, _: &mut Dice) {
    let (x, y) = face.center;
    let (across, down) = face.radii;
    for side in [-1.0, 1.0] {
        let tip = (x + side * across * 0.65, y - down * 1.5);
        let line = lines(&[(x + side * across * 0.3, y - down * 0.8), tip]);
        canvas.line(line, BLACK, face.pen, 1.0);
        inked(canvas, circle(tip, across * 0.18), face.extra, face.pen);
    }
}

fn eyes(canvas: &mut Canvas, face: &Face, dice: &mut Dice) {
    let (across, down) = face.radii;
    let size = across * dice.between(0.24, 0.36);
    let look = (dice.around(size * 0.25), dice.around(size * 0.25));
    for side in [-1.0, 1.0] {
        let place = (
            face.center.0 + side * across * 0.4,
            face.center.1 - down * 0.2,
        );
        inked(
            canvas,
            ellipse(place, size, size * 1.15),
            WHITE,
            face.pen * 0.8,
        );
        let pupil = (place.0 + look.0, place.1 + look.1);
        canvas.shape(circle(pupil, size * 0.45), BLACK, 1.0);
        canvas.shape(
            circle((pupil.0 + size * 0.15, pupil.1 - size * 0.15), size * 0.13),
            WHITE,
            1.0,
        );
    }
}

fn nose(canvas: &mut Canvas, face: &Face, dice: &mut Dice) {
    let (across, down) = face.radii;
    let place = (face.center.0, face.center.1 + down * 0.2);
    let size = across * dice.between(0.1, 0.22);
    let color = dice.pick(&[
        face.extra,
        face.skin.lighter(-0.2),
        Color::hsl(0.0, 0.85, 0.55),
    ]);
    inked(
        canvas,
        ellipse(place, size * 1.2, size),
        color,
        face.pen * 0.7,
    );
}

fn mouth(canvas: &mut Canvas, face: &Face, dice: &mut Dice) {
    let (across, down) = face.radii;
    let place = (face.center.0, face.center.1 + down * 0.42);
    let radii = (
        across * dice.between(0.35, 0.55),
        down * dice.between(0.2, 0.35),
    );
    if dice.chance(0.5) {
        // Open, with a tongue.
        let mut smile = crate::canvas::arc_places(place, radii, 0.0, PI);
        smile.push((place.0 - radii.0, place.1));
        inked(
            canvas,
            polygon(&smile),
            Color::hsl(350.0, 0.7, 0.3),
            face.pen * 0.8,
        );
        let tongue = (place.0, place.1 + radii.1 * 0.65);
        canvas.shape(
            ellipse(tongue, radii.0 * 0.45, radii.1 * 0.25),
            Color::hsl(355.0, 0.85, 0.65),
            1.0,
        );
    } else {
        canvas.line(arc(place, radii, 0.15, PI - 0.15), BLACK, face.pen, 1.0);
    }
}
