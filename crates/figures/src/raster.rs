//! Pixels.

use png::{BitDepth, ColorType, Encoder, PixelDimensions, Unit};
use resvg::tiny_skia::{Color, Pixmap};
use resvg::usvg::{Transform, Tree};

use crate::error::FigureError;

/// The most pixels of a PNG: 400 MB in memory.
const MOST_PIXELS: u64 = 100_000_000;

/// Units of a figure in a meter: 96 in an inch.
const UNITS_PER_METER: f64 = 96.0 / 0.0254;

/// The figure on white as PNG, whose resolution gives it the size of the SVG. `scale` is the number of pixels of a unit.
pub(crate) fn png(tree: &Tree, scale: f32) -> Result<Vec<u8>, FigureError> {
    let mut pixels = blank(tree, scale)?;
    pixels.fill(Color::WHITE);
    let transform = Transform::from_scale(scale, scale);
    resvg::render(tree, transform, &mut pixels.as_mut());
    let (width, height) = (pixels.width(), pixels.height());
    let colors = pixels.pixels().iter();
    let colors: Vec<u8> = colors
        .flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_pixel_dims(Some(resolution(scale)));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&colors)?;
    writer.finish()?;
    Ok(bytes)
}

/// Transparent pixels of the figure's size.
fn blank(tree: &Tree, scale: f32) -> Result<Pixmap, FigureError> {
    let size = tree.size();
    let too_large = || FigureError::TooLarge {
        width: size.width(),
        height: size.height(),
        scale,
        most: MOST_PIXELS,
    };
    let scaled = size.to_int_size().scale_by(scale).ok_or_else(too_large)?;
    if u64::from(scaled.width()) * u64::from(scaled.height()) > MOST_PIXELS {
        return Err(too_large());
    }
    Pixmap::new(scaled.width(), scaled.height()).ok_or_else(too_large)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a scale at which a figure has few enough pixels is far below a million"
)]
fn resolution(scale: f32) -> PixelDimensions {
    let per_meter = (f64::from(scale) * UNITS_PER_METER).round() as u32;
    PixelDimensions {
        xppu: per_meter,
        yppu: per_meter,
        unit: Unit::Meter,
    }
}
