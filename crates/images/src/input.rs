//! From an image to a network's input, without augmentation.

use crate::resample::{Axis, Window, resample};
use crate::{
    Crop, Geometry, ImageError, Limits, NetworkSize, Orient, ResizedImage, Resizer, View,
    center_offset, decode, resize,
};

/// Mean of ImageNet's red, green and blue, in `[0, 1]` (torchvision's `IMAGENET1K` weights).
pub const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of ImageNet's red, green and blue, in `[0, 1]`.
pub const STD: [f32; 3] = [0.229, 0.224, 0.225];

/// Pre-processing for a network that sees `S` × `S` pixels: resize, crop, and normalization by [`MEAN`] and [`STD`]. The
/// result is `[S, S, 3]`, RGB; where the crop is larger than the image, the rest is black.
#[derive(Clone, Debug)]
pub struct Preprocess {
    geometry: Geometry,
    stored: Geometry,
    table: [[f32; 256]; 3],
}

impl Preprocess {
    /// For a network that sees the side of `geometry`, and images that are resized for it.
    pub fn new(geometry: Geometry) -> Self {
        Self::of_stored(geometry, geometry)
    }

    /// For a network that sees the side of `geometry`, and images that are stored for the side of `stored`: if that is
    /// larger, they are resized once more.
    pub fn of_stored(geometry: Geometry, stored: Geometry) -> Self {
        Self {
            geometry,
            stored,
            table: normalization(),
        }
    }

    /// The inputs of an image's file with the content `bytes`, one for each of `views`.
    ///
    /// # Errors
    /// As [`decode()`].
    pub fn file(
        &self,
        bytes: &[u8],
        limits: Limits,
        orient: Orient,
        views: &[View],
    ) -> Result<Vec<Vec<f32>>, ImageError> {
        let rgb = decode(bytes, limits, orient)?.rgb;
        let (full_width, full_height) = self.stored.resized(rgb.width, rgb.height);
        let kept = resize(&rgb, self.stored, &mut Resizer::default())?;
        let image = ResizedImage {
            width: kept.width,
            height: kept.height,
            full_width,
            full_height,
            pixels: &kept.pixels,
        };
        Ok(views.iter().map(|&view| self.image(&image, view)).collect())
    }

    /// The input of stored pixels.
    pub fn image(&self, image: &ResizedImage<'_>, view: View) -> Vec<f32> {
        let side = self.geometry.side_px() as usize;
        let mut values = vec![0.0; side * side * 3];
        self.write(image, view, &mut values);
        values
    }

    /// Writes [`Preprocess::image`] to `out`.
    ///
    /// # Panics
    /// `out` is not `S · S · 3` long.
    pub fn write(&self, image: &ResizedImage<'_>, view: View, out: &mut [f32]) {
        let side = self.geometry.side_px();
        let row_values = side as usize * 3;
        assert_eq!(
            out.len(),
            row_values * side as usize,
            "`out` holds side · side · 3 values"
        );
        let size = NetworkSize::of(image, self.stored, self.geometry);
        if self.stored.side_px() == side {
            let offset = offset(view.crop, (image.width, image.height), side);
            copy(image, offset, side, &self.table, out);
        } else {
            shrink(image, view.crop, size, out);
        }
        if view.flip {
            for line in out.chunks_exact_mut(row_values) {
                line.as_chunks_mut::<3>().0.reverse();
            }
        }
    }
}

/// Left and top of a crop in an image of this width and height.
fn offset(crop: Crop, (width, height): (u32, u32), side: u32) -> [i64; 2] {
    match crop.corner() {
        None => [center_offset(width, side), center_offset(height, side)],
        Some([right, bottom]) => {
            let rest = |whole: u32| i64::from(whole) - i64::from(side);
            [
                if right { rest(width) } else { 0 },
                if bottom { rest(height) } else { 0 },
            ]
        }
    }
}

/// Writes the crop of an image that is stored for a larger side.
fn shrink(image: &ResizedImage<'_>, crop: Crop, size: NetworkSize, out: &mut [f32]) {
    let [left, top] = offset(crop, size.whole, size.side_px);
    let [across, along] = size.scale(image);
    // What the stored image lost on this side.
    let cut = |full: u32, kept: u32| ((full - kept) / 2) as f32;
    let axis = |start: i64, step: f32, cut: f32| Axis {
        start: (start as f32 + 0.5) * step - cut - 0.5,
        step,
    };
    resample(
        image,
        Window::whole(image),
        axis(left, across, cut(image.full_width, image.width)),
        axis(top, along, cut(image.full_height, image.height)),
        size.side_px as usize,
        out,
    );
    normalize(out);
}

fn copy(
    image: &ResizedImage<'_>,
    [left, top]: [i64; 2],
    side: u32,
    table: &[[f32; 256]; 3],
    out: &mut [f32],
) {
    let row_values = side as usize * 3;
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

/// From `[0, 255]` to the network's scale.
pub(crate) fn normalize(out: &mut [f32]) {
    let scale = STD.map(|std| 1.0 / (255.0 * std));
    let shift: [f32; 3] = std::array::from_fn(|channel| -MEAN[channel] / STD[channel]);
    for pixel in out.chunks_exact_mut(3) {
        for channel in 0..3 {
            pixel[channel] = pixel[channel] * scale[channel] + shift[channel];
        }
    }
}

/// A number that is known to be a valid index.
fn index(value: i64) -> usize {
    usize::try_from(value).expect("clamped to the image")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rgb;

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
        let bytes = bytes_of(&preprocess().image(&image(12, 9, &pixels), View::CENTER));
        // Left is (12 - 8) / 2 = 2; top is 0.5, which rounds to the even 0.
        assert_eq!(bytes[0], "[2, 0, 0]");
        assert_eq!(bytes[63], "[9, 7, 0]");
    }

    #[test]
    fn beyond_the_image_is_black() {
        let pixels = vec![255; 4 * 4 * 3];
        let bytes = bytes_of(&preprocess().image(&image(4, 4, &pixels), View::CENTER));
        let white = bytes.iter().filter(|pixel| *pixel == "[255, 255, 255]");
        assert_eq!(white.count(), 16);
        assert_eq!(bytes[0], "[0, 0, 0]");
    }
    #[test]
    fn corners_and_mirror_images_are_those_of_the_image() {
        let pixels = ramp(12, 9);
        let image = image(12, 9, &pixels);
        let first_and_last = |crop, flip| {
            let bytes = bytes_of(&preprocess().image(&image, View { crop, flip }));
            [bytes[0].clone(), bytes[63].clone()]
        };
        assert_eq!(
            first_and_last(Crop::TopLeft, false),
            ["[0, 0, 0]", "[7, 7, 0]"]
        );
        assert_eq!(
            first_and_last(Crop::BottomRight, false),
            ["[4, 1, 0]", "[11, 8, 0]"]
        );
        assert_eq!(
            first_and_last(Crop::TopRight, true),
            ["[11, 0, 0]", "[4, 7, 0]"]
        );
        assert_eq!(
            first_and_last(Crop::BottomLeft, true),
            ["[7, 1, 0]", "[0, 8, 0]"]
        );
    }

    #[test]
    fn an_image_stored_for_a_larger_side_is_close_to_one_resized_at_once() {
        // Rises and falls by 6 from pixel to pixel, and by some 25 from pixel to pixel of the input.
        let wave =
            |at: u32, length: u32| u8::try_from(6 * (at % (2 * length)).abs_diff(length)).unwrap();
        let pixels = (0..150_u32).flat_map(|y| {
            (0..432_u32).flat_map(move |x| [wave(x, 37), wave(y, 29), wave(x + y, 41)])
        });
        let rgb = Rgb {
            width: 432,
            height: 150,
            pixels: pixels.collect(),
        };
        let network = Geometry::new(32).unwrap();
        let input = |stored: Geometry| {
            let kept = resize(&rgb, stored, &mut Resizer::default()).unwrap();
            let (full_width, full_height) = stored.resized(rgb.width, rgb.height);
            let image = ResizedImage {
                width: kept.width,
                height: kept.height,
                full_width,
                full_height,
                pixels: &kept.pixels,
            };
            Preprocess::of_stored(network, stored).image(&image, View::CENTER)
        };
        let at_once = input(network);
        for stored in [
            Geometry::new(48).unwrap(),
            Geometry::new(64).unwrap().whole(),
        ] {
            let input = input(stored);
            let differences = { input.iter().zip(&at_once) }.map(|(a, b)| (a - b).abs());
            let mean = differences.sum::<f32>() * STD[1] * 255.0 / at_once.len() as f32;
            // A place that is off by half a pixel differs by some 12 on average.
            assert!(mean < 3.0, "{mean} of 255");
        }
    }
}
