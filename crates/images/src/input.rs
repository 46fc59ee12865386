//! From an image to a network's input, without augmentation.

use crate::{
    Geometry, ImageError, Limits, Orient, ResizedImage, Resizer, center_offset, decode, resize,
};

/// Mean of ImageNet's red, green and blue, in `[0, 1]` (torchvision's `IMAGENET1K` weights).
pub const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of ImageNet's red, green and blue, in `[0, 1]`.
pub const STD: [f32; 3] = [0.229, 0.224, 0.225];

/// Pre-processing for a network that sees `S` × `S` pixels: resize, center crop, and normalization by [`MEAN`] and
/// [`STD`]. The result is `[S, S, 3]`, RGB; where the crop is larger than the image, the rest is black.
#[derive(Clone, Debug)]
pub struct Preprocess {
    geometry: Geometry,
    table: [[f32; 256]; 3],
}

impl Preprocess {
    /// For a network that sees the side of `geometry`.
    pub fn new(geometry: Geometry) -> Self {
        Self {
            geometry,
            table: normalization(),
        }
    }

    /// The input of an image's file with the content `bytes`.
    ///
    /// # Errors
    /// As [`decode()`].
    pub fn file(
        &self,
        bytes: &[u8],
        limits: Limits,
        orient: Orient,
    ) -> Result<Vec<f32>, ImageError> {
        let rgb = decode(bytes, limits, orient)?.rgb;
        let (full_width, full_height) = self.geometry.resized(rgb.width, rgb.height);
        let kept = resize(&rgb, self.geometry, &mut Resizer::default())?;
        Ok(self.image(&ResizedImage {
            width: kept.width,
            height: kept.height,
            full_width,
            full_height,
            pixels: &kept.pixels,
        }))
    }

    /// The input of stored pixels, resized by the same geometry.
    pub fn image(&self, image: &ResizedImage<'_>) -> Vec<f32> {
        let side = self.geometry.side_px() as usize;
        let mut values = vec![0.0; side * side * 3];
        self.write(image, &mut values);
        values
    }

    /// Writes [`Preprocess::image`] to `out`.
    ///
    /// # Panics
    /// `out` is not `S · S · 3` long.
    pub fn write(&self, image: &ResizedImage<'_>, out: &mut [f32]) {
        center(image, self.geometry.side_px(), &self.table, out);
    }
}

fn center(image: &ResizedImage<'_>, side: u32, table: &[[f32; 256]; 3], out: &mut [f32]) {
    let row_values = side as usize * 3;
    assert_eq!(
        out.len(),
        row_values * side as usize,
        "`out` holds side · side · 3 values"
    );
    let left = center_offset(image.width, side);
    let top = center_offset(image.height, side);
    // The columns of the crop that lie in the image.
    let from = (-left).clamp(0, i64::from(side));
    let to = (i64::from(image.width) - left).clamp(from, i64::from(side));
    let span = index(from) * 3..index(to) * 3;
    for (y, line) in out.chunks_exact_mut(row_values).enumerate() {
        fill_black(line, table);
        let row = top + y as i64;
        if !(0..i64::from(image.height)).contains(&row) {
            continue;
        }
        let start = (index(row) * image.width as usize + index(from + left)) * 3;
        let source = &image.pixels[start..start + span.len()];
        for (target, pixel) in line[span.clone()]
            .chunks_exact_mut(3)
            .zip(source.chunks_exact(3))
        {
            for channel in 0..3 {
                target[channel] = table[channel][usize::from(pixel[channel])];
            }
        }
    }
}

fn fill_black(line: &mut [f32], table: &[[f32; 256]; 3]) {
    for target in line.chunks_exact_mut(3) {
        for channel in 0..3 {
            target[channel] = table[channel][0];
        }
    }
}

/// `(byte / 255 - mean) / std` for every byte and channel.
fn normalization() -> [[f32; 256]; 3] {
    std::array::from_fn(|channel| {
        std::array::from_fn(|byte| (byte as f32 / 255.0 - MEAN[channel]) / STD[channel])
    })
}

/// A number that is known to be a valid index.
fn index(value: i64) -> usize {
    usize::try_from(value).expect("clamped to the image")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For a network that sees 8 × 8 pixels.
    fn preprocess() -> Preprocess {
        Preprocess::new(Geometry::new(8).unwrap())
    }

    /// An image whose red is the column and whose green is the row.
    fn ramp(width: u8, height: u8) -> Vec<u8> {
        (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [x, y, 0]))
            .collect()
    }

    fn image(width: u32, height: u32, pixels: &[u8]) -> ResizedImage<'_> {
        ResizedImage {
            width,
            height,
            full_width: width,
            full_height: height,
            pixels,
        }
    }

    /// The pixels' bytes, written out.
    fn bytes_of(out: &[f32]) -> Vec<String> {
        let byte = |value: f32, channel: usize| (value * STD[channel] + MEAN[channel]) * 255.0;
        out.chunks_exact(3)
            .map(|p| {
                let bytes = [byte(p[0], 0), byte(p[1], 1), byte(p[2], 2)];
                format!("{:.0?}", bytes.map(f32::abs))
            })
            .collect()
    }

    #[test]
    fn the_crop_is_centered() {
        let pixels = ramp(12, 9);
        let bytes = bytes_of(&preprocess().image(&image(12, 9, &pixels)));
        // Left is (12 - 8) / 2 = 2; top is 0.5, which rounds to the even 0.
        assert_eq!(bytes[0], "[2, 0, 0]");
        assert_eq!(bytes[63], "[9, 7, 0]");
    }

    #[test]
    fn beyond_the_image_is_black() {
        let pixels = vec![255; 4 * 4 * 3];
        let bytes = bytes_of(&preprocess().image(&image(4, 4, &pixels)));
        let white = bytes.iter().filter(|pixel| *pixel == "[255, 255, 255]");
        assert_eq!(white.count(), 16);
        assert_eq!(bytes[0], "[0, 0, 0]");
    }
}
