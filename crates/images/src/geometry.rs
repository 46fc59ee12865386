//! Sizes and offsets of torchvision's resize and center crop.

use crate::{ImageError, ResizedImage};

/// Sizes of resized images for a network of a given side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    side_px: u32,
    whole: bool,
}

impl Geometry {
    /// For a network that sees `side_px` × `side_px`.
    ///
    /// # Errors
    /// The side is not in 8 to 2048.
    pub fn new(side_px: u32) -> Result<Self, ImageError> {
        if (8..=2048).contains(&side_px) {
            Ok(Self {
                side_px,
                whole: false,
            })
        } else {
            Err(ImageError::Side { side_px })
        }
    }

    /// The same without a cut of the long side, for crops that don't lie in the center.
    #[must_use]
    pub fn whole(self) -> Self {
        Self {
            whole: true,
            ..self
        }
    }

    /// Side of the network's input.
    pub fn side_px(self) -> u32 {
        self.side_px
    }

    /// Short side of a resized image: `256/224` of the side, rounded half up.
    pub fn resize_px(self) -> u32 {
        (self.side_px * 256 + 112) / 224
    }

    /// Width and height after the resize: the short side becomes [`Geometry::resize_px`], and the long side keeps the
    /// ratio, rounded down.
    pub fn resized(self, width: u32, height: u32) -> (u32, u32) {
        let short = self.resize_px();
        let long = |long: u32, of: u32| {
            let exact = u64::from(short) * u64::from(long) / u64::from(of.max(1));
            u32::try_from(exact).unwrap_or(u32::MAX)
        };
        if width <= height {
            (short, long(height, width))
        } else {
            (long(width, height), short)
        }
    }

    /// Width and height that are kept of a resized image: all that a rotation of any angle about its center can
    /// bring into the center crop; all of it for [`Geometry::whole`].
    ///
    /// The crop's corner is `side/√2` from the center, so a long side is cut to `⌈side·√2⌉ + 4`, where 4 covers
    /// the neighbors that sampling reads, and then up to three pixels more so that the cut is a multiple of
    /// four: the offset of [`center_offset`], which rounds half to even, is then the same in the cut image as in the
    /// whole one.
    pub fn kept(self, width: u32, height: u32) -> (u32, u32) {
        // √2 as a ratio of integers, from above: exact to a part in 10^9.
        let diagonal = (u64::from(self.side_px) * 1_414_213_563).div_ceil(1_000_000_000);
        let reach = u32::try_from(diagonal)
            .unwrap_or(u32::MAX)
            .saturating_add(4);
        let cut = |whole: u32| {
            if whole > reach && !self.whole {
                reach + (whole - reach) % 4
            } else {
                whole
            }
        };
        (cut(width), cut(height))
    }
}

/// The size of a network's input, and of a stored image at the scale of that input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkSize {
    /// Side of the input.
    pub side_px: u32,
    /// Width and height of the whole resized image, whose center crop is the input.
    pub whole: (u32, u32),
}

impl NetworkSize {
    /// For a network that sees the side of `network`, and an image that is stored for `stored`: the image's own size if
    /// both are equal, else that of another resize.
    pub fn of(image: &ResizedImage<'_>, stored: Geometry, network: Geometry) -> Self {
        let (width, height) = (image.full_width, image.full_height);
        Self {
            side_px: network.side_px,
            whole: if stored.side_px == network.side_px {
                (width, height)
            } else {
                network.resized(width, height)
            },
        }
    }

    /// Pixels of the stored image for one of the input, across and along.
    pub(crate) fn scale(self, image: &ResizedImage<'_>) -> [f32; 2] {
        [
            image.full_width as f32 / self.whole.0 as f32,
            image.full_height as f32 / self.whole.1 as f32,
        ]
    }
}

/// Offset of a centered crop of `crop` pixels in `whole`: half the rest, rounded half to even as Python's `round` does
/// in torchvision's `center_crop`. Negative where the crop is larger.
pub fn center_offset(whole: u32, crop: u32) -> i64 {
    let rest = i64::from(whole) - i64::from(crop);
    let half = rest.div_euclid(2);
    half + i64::from(rest.rem_euclid(2) == 1 && half.rem_euclid(2) == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_torchvision() {
        let geometry = Geometry::new(224).unwrap();
        assert_eq!(geometry.resize_px(), 256);
        // int(256 * 500 / 333) = 384
        assert_eq!(geometry.resized(333, 500), (256, 384));
        assert_eq!(geometry.resized(500, 333), (384, 256));
        assert_eq!(geometry.resized(100, 100), (256, 256));
        assert_eq!(Geometry::new(64).unwrap().resize_px(), 73);
    }

    #[test]
    fn offsets_round_half_to_even() {
        assert_eq!(center_offset(256, 224), 16);
        assert_eq!(center_offset(257, 224), 16); // 16.5
        assert_eq!(center_offset(259, 224), 18); // 17.5
        assert_eq!(center_offset(223, 224), 0); // -0.5
        assert_eq!(center_offset(221, 224), -2); // -1.5
    }

    #[test]
    fn the_cut_keeps_center_and_offset() {
        for side in [64, 65, 224] {
            let geometry = Geometry::new(side).unwrap();
            for whole in side..side + 700 {
                let (kept, _) = geometry.kept(whole, 10);
                assert!(kept >= whole.min(side * 1414 / 1000 + 5));
                let cut = (whole - kept) / 2;
                assert_eq!((whole - kept) % 4, 0);
                assert_eq!(
                    center_offset(whole, side),
                    center_offset(kept, side) + i64::from(cut)
                );
            }
        }
    }

    #[test]
    fn nothing_is_cut_of_a_whole_image() {
        let geometry = Geometry::new(224).unwrap();
        assert_eq!(geometry.kept(256, 900), (256, 321 + (900 - 321) % 4));
        assert_eq!(geometry.whole().kept(256, 900), (256, 900));
    }

    #[test]
    fn odd_sides_are_refused() {
        let message = Geometry::new(4).unwrap_err().to_string();
        assert_eq!(message, "a side of 4 pixels: expected 8 to 2048");
    }
}
