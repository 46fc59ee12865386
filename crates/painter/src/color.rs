//! Colors by hue, saturation and lightness.

use crate::dice::Dice;

/// Red, green and blue in `[0, 1]`, as they are shown (not linear in light).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Color {
    pub(crate) red: f32,
    pub(crate) green: f32,
    pub(crate) blue: f32,
}

pub(crate) const WHITE: Color = Color {
    red: 1.0,
    green: 1.0,
    blue: 1.0,
};

pub(crate) const BLACK: Color = Color {
    red: 0.0,
    green: 0.0,
    blue: 0.0,
};

impl Color {
    /// Hue in degrees, saturation and lightness in `[0, 1]` (HSL; Foley and van Dam, 1990, 13.3).
    pub(crate) fn hsl(hue: f32, saturation: f32, lightness: f32) -> Self {
        let (saturation, lightness) = (saturation.clamp(0.0, 1.0), lightness.clamp(0.0, 1.0));
        let reach = saturation * lightness.min(1.0 - lightness);
        let channel = |offset: f32| {
            let sector = (offset + hue / 30.0).rem_euclid(12.0);
            lightness - reach * (sector - 3.0).min(9.0 - sector).clamp(-1.0, 1.0)
        };
        Self {
            red: channel(0.0),
            green: channel(8.0),
            blue: channel(4.0),
        }
    }

    /// `1 - share` of this color and `share` of the other.
    pub(crate) fn mix(self, other: Self, share: f32) -> Self {
        let mix = |a: f32, b: f32| a + (b - a) * share;
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
        }
    }

    /// Brightness, in `[0, 1]` (ITU-R BT.601).
    pub(crate) fn luma(self) -> f32 {
        0.299 * self.red + 0.587 * self.green + 0.114 * self.blue
    }

    /// Lighter by a share, or darker by a negative one.
    pub(crate) fn lighter(self, share: f32) -> Self {
        if share >= 0.0 {
            self.mix(WHITE, share)
        } else {
            self.mix(BLACK, -share)
        }
    }

    /// The same color, somewhat off in every channel.
    pub(crate) fn stray(self, spread: f32, dice: &mut Dice) -> Self {
        let all = dice.around(spread);
        let mut stray = |value: f32| (value + all + dice.around(spread / 2.0)).clamp(0.0, 1.0);
        Self {
            red: stray(self.red),
            green: stray(self.green),
            blue: stray(self.blue),
        }
    }
}
