//! From a decoded image to the pixels that are kept of it.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions};

use crate::{Geometry, ImageError, Rgb};

/// Working memory of [`resize()`] and [`scale()`]; one a thread.
#[derive(Default)]
pub struct Resizer(fast_image_resize::Resizer);

/// Weights of the pixels around a place. Both filters widen as an image shrinks, which avoids aliasing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// A triangle, in fixed point, as torchvision does it on bytes.
    Bilinear,
    /// Three lobes of a windowed sinc: sharper, for people's eyes.
    Lanczos,
}

/// Resizes the short side to the geometry's and cuts the long side to the reach of augmentation, by [`scale()`].
///
/// # Errors
/// The image has fewer bytes than its size requires.
pub fn resize(image: &Rgb, geometry: Geometry, resizer: &mut Resizer) -> Result<Rgb, ImageError> {
    let (width, height) = geometry.resized(image.width, image.height);
    let whole = scale(image, (width, height), Filter::Bilinear, resizer)?;
    Ok(cut(whole, geometry.kept(width, height)))
}

/// Scales an image to `(width, height)` pixels, whatever its aspect ratio.
///
/// # Errors
/// The image has fewer bytes than its size requires.
pub fn scale(
    image: &Rgb,
    (width, height): (u32, u32),
    filter: Filter,
    resizer: &mut Resizer,
) -> Result<Rgb, ImageError> {
    let failed = |reason: String| ImageError::Resize {
        width: image.width,
        height: image.height,
        reason,
    };
    let mut pixels = vec![0; width as usize * height as usize * 3];
    // Views of one type of pixel: the library's others would take a minute to compile.
    let source = TypedImageRef::<U8x3>::from_buffer(image.width, image.height, &image.pixels)
        .map_err(|error| failed(error.to_string()))?;
    let mut scaled = TypedImage::<U8x3>::from_buffer(width, height, &mut pixels)
        .map_err(|error| failed(error.to_string()))?;
    let filter = match filter {
        Filter::Bilinear => FilterType::Bilinear,
        Filter::Lanczos => FilterType::Lanczos3,
    };
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    resizer
        .0
        .resize_typed(&source, &mut scaled, &options)
        .map_err(|error| failed(error.to_string()))?;
    Ok(Rgb {
        width,
        height,
        pixels,
    })
}

/// The centered part of `(width, height)` pixels.
fn cut(whole: Rgb, part: (u32, u32)) -> Rgb {
    if (whole.width, whole.height) == part {
        return whole;
    }
    Rgb::center_of(&whole.pixels, (whole.width, whole.height), part)
}
