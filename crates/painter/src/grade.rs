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
            tint: dice.between(0.0, 0.25),
            saturation: dice.between(0.65, 1.2),
            contrast: dice.between(0.8, 1.1),
            gamma: dice.between(0.8, 1.25),
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

    pub(crate) fn apply(self, canvas: &mut Canvas) {
        canvas.map_colors(|color| {
            let channel = |value: f32| {
                let value = 0.5 + (value - 0.5) * self.contrast;
                value.clamp(0.0, 1.0).powf(self.gamma)
            };
            let color = Color {
                red: channel(color.red),
                green: channel(color.green),
                blue: channel(color.blue),
            };
            let luma = color.luma();
            let gray = Color::hsl(0.0, 0.0, luma);
            let saturated = gray.mix(color, self.saturation);
            saturated.mix(Color::hsl(self.hue, 0.5, luma), self.tint)
        });
    }
}
