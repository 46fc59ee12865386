//! The network's view of an image, and maps of values over it.

use images::{Geometry, Limits, Orient, Resizer, center_offset, decode, resize};

use crate::ReportError;
use crate::draw::palette::Rgb;
use crate::draw::thumbnail::jpeg_uri;

/// Pixels along each side of an overlay.
pub(crate) const SIDE_PX: u32 = 168;

/// Opacity of the strongest color over the gray.
const STRENGTH: f64 = 0.75;

/// No limits: too large images are no part of the collection.
const LIMITS: Limits = Limits {
    pixels: u64::MAX,
    aspect: u32::MAX,
};

/// The center crop that the network sees: RGB `[SIDE_PX, SIDE_PX, 3]`.
pub(crate) struct Crop(Vec<u8>);

impl Crop {
    /// The crop of an image's file.
    ///
    /// # Errors
    /// The bytes are no whole image that can be read.
    pub(crate) fn of(bytes: &[u8], orient: Orient) -> Result<Self, ReportError> {
        let image = decode(bytes, LIMITS, orient)?.rgb;
        // The crop depends on proportions alone: it is the same at this size as at the network's.
        let small = resize(&image, Geometry::new(SIDE_PX)?, &mut Resizer::default())?;
        let offset = |length| usize::try_from(center_offset(length, SIDE_PX)).unwrap_or(0);
        let (left, top) = (offset(small.width), offset(small.height));
        let rows = small.pixels.chunks_exact(small.width as usize * 3);
        let pixels = rows.skip(top).take(SIDE_PX as usize);
        let pixels = pixels.flat_map(|row| &row[left * 3..(left + SIDE_PX as usize) * 3]);
        Ok(Self(pixels.copied().collect()))
    }

    /// The crop as a JPEG in a `data:` URI.
    ///
    /// # Errors
    /// The image cannot be encoded.
    pub(crate) fn plain(&self) -> Result<String, ReportError> {
        encode(&self.0)
    }

    /// The crop in gray with colors over it, as a JPEG in a `data:` URI. `color` gives a pixel's color and strength in
    /// `[0, 1]` by its row and column in `[0, 1)`.
    ///
    /// # Errors
    /// The image cannot be encoded.
    pub(crate) fn under(
        &self,
        color: impl Fn(f64, f64) -> (Rgb, f64),
    ) -> Result<String, ReportError> {
        let center = |pixel: u32| (f64::from(pixel) + 0.5) / f64::from(SIDE_PX);
        let centers = (0..SIDE_PX)
            .flat_map(|row| (0..SIDE_PX).map(move |column| (center(row), center(column))));
        let pixels: Vec<u8> = self
            .0
            .chunks_exact(3)
            .zip(centers)
            .flat_map(|(pixel, (row, column))| {
                let gray = luma([pixel[0], pixel[1], pixel[2]]);
                let (color, strength) = color(row, column);
                color.map(|channel| mix(gray, channel, strength * STRENGTH))
            })
            .collect();
        encode(&pixels)
    }
}

fn encode(pixels: &[u8]) -> Result<String, ReportError> {
    let side = u16::try_from(SIDE_PX).unwrap_or(u16::MAX);
    jpeg_uri(pixels, side, side)
}

/// Brightness by ITU-R BT.601.
fn luma(rgb: [u8; 3]) -> u8 {
    let [red, green, blue] = rgb.map(u32::from);
    u8::try_from((299 * red + 587 * green + 114 * blue + 500) / 1000).unwrap_or(u8::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between two bytes"
)]
fn mix(under: u8, over: u8, share: f64) -> u8 {
    let mixed = f64::from(under) * (1.0 - share) + f64::from(over) * share;
    mixed.round() as u8
}

/// The value of a square map in the cell at `row` and `column` in `[0, 1)`; 0 if the map has no such cell.
pub(crate) fn cell(map: &[f32], side: u32, row: f64, column: f64) -> f64 {
    let side = side as usize;
    value(map, side, index(row, side), index(column, side))
}

/// The same, interpolated between the centers of the cells.
pub(crate) fn smooth(map: &[f32], side: u32, row: f64, column: f64) -> f64 {
    let side = side as usize;
    let last = side.saturating_sub(1);
    let around = |at: f64| {
        let at = (at * side as f64 - 0.5).clamp(0.0, last as f64);
        let first = index(at / side as f64, side);
        (first, (first + 1).min(last), at - first as f64)
    };
    let (top, bottom, down) = around(row);
    let (left, right, along) = around(column);
    let across =
        |row| value(map, side, row, left) * (1.0 - along) + value(map, side, row, right) * along;
    across(top) * (1.0 - down) + across(bottom) * down
}

fn value(map: &[f32], side: usize, row: usize, column: usize) -> f64 {
    map.get(row * side + column).copied().map_or(0.0, f64::from)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a coordinate is from 0 to 1, so that its cell is a small number"
)]
fn index(at: f64, side: usize) -> usize {
    ((at * side as f64) as usize).min(side.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: [f32; 4] = [0.0, 1.0, 2.0, 3.0];

    #[test]
    fn cells_fill_their_quarters() {
        let values =
            [(0.0, 0.49), (0.0, 0.51), (0.99, 0.0), (0.5, 0.5)].map(|(r, c)| cell(&MAP, 2, r, c));
        assert_eq!(values.map(|value| value.to_string()), ["0", "1", "2", "3"]);
    }

    #[test]
    fn between_centers_a_smooth_map_is_a_mean() {
        let at = |row, column| smooth(&MAP, 2, row, column);
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}");
        near(at(0.25, 0.25), 0.0);
        near(at(0.25, 0.5), 0.5);
        near(at(0.5, 0.5), 1.5);
        // Beyond the outer centers the map is constant.
        near(at(0.99, 0.99), 3.0);
        near(smooth(&[7.0], 1, 0.1, 0.9), 7.0);
    }

    #[test]
    fn colors_lie_over_gray() {
        assert_eq!(luma([255, 255, 255]), 255);
        assert_eq!(luma([0, 255, 0]), 150);
        assert_eq!(mix(100, 200, 0.0), 100);
        assert_eq!(mix(100, 200, 0.5), 150);
    }
}
