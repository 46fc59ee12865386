//! Thumbnails: the pixels that near-duplicates are compared by.

use images::{Filter, ImageError, Resizer, Rgb, scale};

/// Side of a thumbnail in pixels.
const SIDE_PX: u32 = 64;

/// The same as a length.
pub const SIDE: usize = SIDE_PX as usize;

/// Side of its planes of color.
pub const CHROMA_SIDE: usize = 16;

/// Bytes of a thumbnail: a plane of luma and two of chroma.
const BYTES: usize = SIDE * SIDE + 2 * CHROMA_SIDE * CHROMA_SIDE;

/// An image at 64 × 64 pixels, whatever its aspect ratio, as luma at full and chroma at a quarter of the resolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail(Vec<u8>);

impl Thumbnail {
    /// Number of bytes of [`Thumbnail::as_bytes`].
    pub const BYTES: usize = BYTES;

    /// Scales an image down, or up, with antialiasing.
    ///
    /// # Errors
    /// The image has fewer bytes than its size requires.
    pub fn of(image: &Rgb, resizer: &mut Resizer) -> Result<Self, ImageError> {
        let small = scale(image, (SIDE_PX, SIDE_PX), Filter::Bilinear, resizer)?;
        Ok(Self::of_rgb(&small.pixels))
    }

    /// `rgb` has `SIDE` × `SIDE` pixels.
    fn of_rgb(rgb: &[u8]) -> Self {
        let mut bytes: Vec<u8> = rgb.chunks_exact(3).map(luma).collect();
        let scale = SIDE / CHROMA_SIDE;
        for channel in [2, 0] {
            for cell in 0..CHROMA_SIDE * CHROMA_SIDE {
                let (top, left) = (cell / CHROMA_SIDE * scale, cell % CHROMA_SIDE * scale);
                let pixels = (0..scale * scale)
                    .map(|pixel| (top + pixel / scale) * SIDE + left + pixel % scale);
                let differences =
                    pixels.map(|at| i32::from(rgb[3 * at + channel]) - i32::from(bytes[at]));
                let (n, sum) = differences.fold((0, 0), |(n, sum), value| (n + 1, sum + value));
                let mean: i32 = sum / n;
                // Half of the difference, as a color channel is up to 255 above or below luma.
                bytes.push(u8::try_from((128 + mean / 2).clamp(0, 255)).unwrap_or(u8::MAX));
            }
        }
        Self(bytes)
    }

    /// A thumbnail from the bytes of another, or none if their number is not [`Thumbnail::BYTES`].
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() == BYTES).then_some(Self(bytes))
    }

    /// The planes, one after the other.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Luma `[SIDE, SIDE]`.
    pub fn luma(&self) -> &[u8] {
        &self.0[..SIDE * SIDE]
    }

    /// Blue and red minus luma, halved, around 128: `[CHROMA_SIDE, CHROMA_SIDE]` each.
    pub fn chroma(&self) -> [&[u8]; 2] {
        let (blue, red) = self.0[SIDE * SIDE..].split_at(CHROMA_SIDE * CHROMA_SIDE);
        [blue, red]
    }
}

/// The luma of ITU-R 601-2 in fixed point, as Pillow converts to `L`.
fn luma(rgb: &[u8]) -> u8 {
    let [r, g, b] = [rgb[0], rgb[1], rgb[2]].map(u32::from);
    let luma = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
    u8::try_from(luma).expect("the weights sum to 65536")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(rgb: [u8; 3]) -> Thumbnail {
        let image = Rgb {
            width: 5,
            height: 3,
            pixels: rgb.repeat(15),
        };
        Thumbnail::of(&image, &mut Resizer::default()).unwrap()
    }

    #[test]
    fn gray_has_no_chroma() {
        let thumbnail = flat([90; 3]);
        assert!(thumbnail.luma().iter().all(|&value| value == 90));
        assert!(
            thumbnail
                .chroma()
                .concat()
                .iter()
                .all(|&value| value == 128)
        );
    }

    #[test]
    fn chroma_is_half_of_the_difference_from_luma() {
        // The luma of pure blue is 29.
        let [blue, red] = flat([0, 0, 255]).chroma().map(|plane| plane[7]);
        assert_eq!((blue, red), (128 + (255 - 29) / 2, 128 - 29 / 2));
    }

    #[test]
    fn bytes_round_trip() {
        let thumbnail = flat([1, 2, 3]);
        let bytes = thumbnail.as_bytes().to_vec();
        assert_eq!(Thumbnail::from_bytes(bytes), Some(thumbnail));
        assert_eq!(Thumbnail::from_bytes(vec![0; 7]), None);
    }
}
