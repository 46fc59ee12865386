//! Color grading: the pigments, the varnish and the light that an author's images have in common.

use crate::canvas::Canvas;
use crate::color::Color;
use crate::dice::Dice;

/// A change of all colors of an image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grade {
    /// Hue that colors are drawn to, in degrees.
    hue: f32,
    /// Share of that hue, in `[0, 1]`.
    tint: f32,
    /// Factor of the distance from gray, around 1.
    saturation: f32,
    /// Factor of the distance from middle gray, around 1.
    contrast: f32,
    /// Exponent of the channels: below 1 brightens, above 1 darkens.
    gamma: f32,
}

impl Grade {
    /// An author's grade.
    pub(crate) fn new(dice: &mut Dice) -> Self {
        Self {
            hue: dice.between(0.0, 360.0),
            tint: dice.between(0.0, 0.14),
            saturation: dice.between(0.85, 1.15),
            contrast: dice.between(0.9, 1.08),
            gamma: dice.between(0.9, 1.12),
        }
    }

    /// The grade of one image: near the author's.
    pub(crate) fn stray(self, dice: &mut Dice) -> Self {
        Self {
            hue: self.hue + dice.around(8.0),
            tint: (self.tint + dice.around(0.04)).max(0.0),
            saturation: self.saturation * (1.0 + dice.around(0.08)),
            contrast: self.contrast * (1.0 + dice.around(0.08)),
            gamma: self.gamma * (1.0 + dice.around(0.1)),
        }
    }

    /// Grades all pixels: contrast, brightness, saturation, tint.
    pub(crate) fn apply(self, canvas: &mut Canvas) {
        let curve = self.curve();
        canvas.map_colors(|[red, green, blue]| {
            let color = Color {
                red: curve[usize::from(red)],
                green: curve[usize::from(green)],
                blue: curve[usize::from(blue)],
            };
            let luma = color.luma();
            let gray = Color::hsl(0.0, 0.0, luma);
            let saturated = gray.mix(color, self.saturation);
            saturated.mix(Color::hsl(self.hue, 0.5, luma), self.tint)
        });
    }

    /// Contrast and brightness of a channel, by its value before.
    fn curve(self) -> [f32; 256] {
        std::array::from_fn(|value| {
            let value = 0.5 + (value as f32 / 255.0 - 0.5) * self.contrast;
            value.clamp(0.0, 1.0).powf(self.gamma)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::polygon;

    const NEUTRAL: Grade = Grade {
        hue: 0.0,
        tint: 0.0,
        saturation: 1.0,
        contrast: 1.0,
        gamma: 1.0,
    };

    fn graded(grade: Grade) -> Vec<u8> {
        let mut canvas = Canvas::new(4, 2).unwrap();
        canvas.ground(Color::hsl(200.0, 0.6, 0.4));
        let half = polygon(&[(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)]);
        canvas.shape(half, Color::hsl(30.0, 0.8, 0.7), 1.0);
        grade.apply(&mut canvas);
        canvas.pixmap().data().to_vec()
    }

    #[test]
    fn a_neutral_grade_changes_no_byte() {
        let mut canvas = Canvas::new(4, 2).unwrap();
        canvas.ground(Color::hsl(200.0, 0.6, 0.4));
        let half = polygon(&[(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)]);
        canvas.shape(half, Color::hsl(30.0, 0.8, 0.7), 1.0);
        assert_eq!(graded(NEUTRAL), canvas.pixmap().data());
    }

    #[test]
    fn without_saturation_all_channels_are_equal() {
        let gray = graded(Grade {
            saturation: 0.0,
            ..NEUTRAL
        });
        assert!(
            gray.chunks(4)
                .all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
        );
    }

    #[test]
    fn a_red_tint_raises_red_over_blue() {
        let plain = graded(NEUTRAL);
        let tinted = graded(Grade {
            tint: 0.5,
            ..NEUTRAL
        });
        // A blue pixel, at the right.
        let excess = |bytes: &[u8]| i32::from(bytes[12]) - i32::from(bytes[14]);
        assert!(excess(&tinted) > excess(&plain));
    }

    #[test]
    fn a_gamma_above_one_darkens() {
        let sum = |bytes: &[u8]| -> u32 { bytes.iter().copied().map(u32::from).sum() };
        let dark = graded(Grade {
            gamma: 1.3,
            ..NEUTRAL
        });
        assert!(sum(&dark) < sum(&graded(NEUTRAL)));
    }
}
