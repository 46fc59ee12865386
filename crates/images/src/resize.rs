//! From a decoded image to the pixels that are kept of it.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions};

use crate::{Geometry, ImageError, Rgb};

/// Working memory of [`resize()`] and [`scale()`]; one a thread.
#[derive(Default)]
pub struct Resizer(fast_image_resize::Resizer);

/// Resizes the short side to the geometry's and cuts the long side to the reach of augmentation, by [`scale()`].
///
/// # Errors
/// The image has fewer bytes than its size requires.
pub fn resize(image: &Rgb, geometry: Geometry, resizer: &mut Resizer) -> Result<Rgb, ImageError> {
    let (width, height) = geometry.resized(image.width, image.height);
    let whole = scale(image, (width, height), resizer)?;
    Ok(cut(whole, geometry.kept(width, height)))
}

/// Scales an image to `(width, height)` pixels, whatever its aspect ratio.
///
/// Bilinear with antialiasing (the filter widens with the scale), in fixed point, as torchvision does it on bytes.
///
/// # Errors
/// The image has fewer bytes than its size requires.
pub fn scale(
    image: &Rgb,
    (width, height): (u32, u32),
    resizer: &mut Resizer,
) -> Result<Rgb, ImageError> {
    let failed = |reason: String| ImageError::Resize {
        width: image.width,
        height: image.height,
        reason,
    };
    let source = ImageRef::new(image.width, image.height, &image.pixels, PixelType::U8x3)
        .map_err(|error| failed(error.to_string()))?;
    let mut scaled = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    resizer
        .0
        .resize(&source, &mut scaled, &options)
        .map_err(|error| failed(error.to_string()))?;
    Ok(Rgb {
        width,
        height,
        pixels: scaled.into_vec(),
    })
}

/// The centered part of `(width, height)` pixels.
fn cut(whole: Rgb, (width, height): (u32, u32)) -> Rgb {
    if (whole.width, whole.height) == (width, height) {
        return whole;
    }
    let left = ((whole.width - width) / 2) as usize;
    let top = ((whole.height - height) / 2) as usize;
    let stride = whole.width as usize * 3;
    let row = width as usize * 3;
    let pixels = whole
        .pixels
        .chunks_exact(stride)
        .skip(top)
        .take(height as usize)
        .flat_map(|line| &line[left * 3..left * 3 + row])
        .copied()
        .collect();
    Rgb {
        width,
        height,
        pixels,
    }
}
