//! Pixels.

use std::io::Write as _;

use png::{BitDepth, ColorType, Encoder, EncodingError, PixelDimensions, Unit};
use resvg::tiny_skia::{Color, Pixmap};
use resvg::usvg::{Transform, Tree};

use crate::UNITS_PER_INCH;
use crate::error::FigureError;

/// The most pixels of a PNG: 400 MB in memory, besides the encoded file. A translucent group is drawn on a layer of its
/// own, which takes up to as much again.
const MOST_PIXELS: u64 = 100_000_000;

/// Meters in an inch.
const METERS_PER_INCH: f64 = 0.0254;

/// The figure on white as PNG, whose resolution gives it the size of the SVG. `scale` is the number of pixels of a unit.
pub(crate) fn png(tree: &Tree, scale: f32) -> Result<Vec<u8>, FigureError> {
    let mut pixels = blank(tree, scale)?;
    pixels.fill(Color::WHITE);
    let transform = Transform::from_scale(scale, scale);
    resvg::render(tree, transform, &mut pixels.as_mut());
    encode(&pixels, scale)
}

/// Encodes the pixels row by row, so that no copy of all pixels is in memory.
fn encode(pixels: &Pixmap, scale: f32) -> Result<Vec<u8>, FigureError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_pixel_dims(Some(resolution(scale)));
    let mut writer = encoder.write_header()?;
    let mut stream = writer.stream_writer()?;
    let mut row = Vec::new();
    for line in pixels.pixels().chunks_exact(pixels.width() as usize) {
        row.clear();
        row.extend(
            line.iter()
                .flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]),
        );
        stream.write_all(&row).map_err(EncodingError::from)?;
    }
    stream.finish()?;
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
    let per_inch = f64::from(scale) * f64::from(UNITS_PER_INCH);
    let per_meter = (per_inch / METERS_PER_INCH).round() as u32;
    PixelDimensions {
        xppu: per_meter,
        yppu: per_meter,
        unit: Unit::Meter,
    }
}
