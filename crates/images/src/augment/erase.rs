//! Random erasing.

use rand::Rng;

use super::rounding::rounded;
use crate::center_offset;

/// A rectangle in a canvas, after the flip.
#[derive(Clone, Copy)]
pub(super) struct BlankRectangle {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl BlankRectangle {
    /// A rectangle of 2 to 33 % of the area of a canvas of `whole_width` and `whole_height` pixels, with a height of 0.3 to 3.3 widths (logarithmically uniform);
    /// none if ten tries don't fit, as torchvision's `RandomErasing` has it.
    pub(super) fn draw(
        (whole_width, whole_height): (u32, u32),
        rng: &mut impl Rng,
    ) -> Option<Self> {
        let area = whole_width as f32 * whole_height as f32;
        for _ in 0..10 {
            let target = area * rng.random_range(0.02..0.33_f32);
            let ratio = rng.random_range(0.3_f32.ln()..3.3_f32.ln()).exp();
            let (width, height) = (
                rounded((target / ratio).sqrt()),
                rounded((target * ratio).sqrt()),
            );
            if width < whole_width && height < whole_height {
                return Some(Self {
                    top: rng.random_range(0..=whole_height - height),
                    left: rng.random_range(0..=whole_width - width),
                    width,
                    height,
                });
            }
        }
        None
    }

    /// Blackens the part of the rectangle that lies in the center crop of the canvas.
    pub(super) fn apply(self, (whole_width, whole_height): (u32, u32), side: u32, out: &mut [f32]) {
        let span = |whole: u32, start: u32, length: u32| {
            let from = i64::from(start) - center_offset(whole, side);
            let cut =
                |value: i64| usize::try_from(value.clamp(0, i64::from(side))).unwrap_or_default();
            cut(from)..cut(from + i64::from(length))
        };
        let columns = span(whole_width, self.left, self.width);
        let rows = span(whole_height, self.top, self.height);
        let stride = side as usize * 3;
        for row in rows {
            out[row * stride..][columns.start * 3..columns.end * 3].fill(0.0);
        }
    }
}
