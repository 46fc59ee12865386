//! Canvas to file.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use jpeg_encoder::{ColorType, Encoder};

use crate::canvas::Canvas;
use crate::error::PaintError;

/// File format of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Jpeg,
}

impl Format {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
        }
    }
}

/// The file's bytes.
pub(crate) fn encode(canvas: &Canvas, format: Format) -> Result<Vec<u8>, PaintError> {
    let pixmap = canvas.pixmap();
    let (width, height) = (pixmap.width(), pixmap.height());
    // Every style covers its canvas, so that nothing is transparent and the colors are not scaled by alpha.
    let rgb: Vec<u8> = pixmap
        .data()
        .chunks_exact(4)
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    let mut bytes = Vec::new();
    match format {
        Format::Png => {
            PngEncoder::new_with_quality(
                &mut bytes,
                CompressionType::Default,
                FilterType::Adaptive,
            )
            .write_image(&rgb, width, height, ExtendedColorType::Rgb8)?;
        }
        Format::Jpeg => {
            let side = |side: u32| u16::try_from(side).map_err(|_| PaintError::Side);
            Encoder::new(&mut bytes, 90).encode(
                &rgb,
                side(width)?,
                side(height)?,
                ColorType::Rgb,
            )?;
        }
    }
    Ok(bytes)
}
