//! Small thumbnails of many images as one JPEG: each by itself would need tables that are longer than its pixels.

use std::collections::BTreeMap;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use images::{Pixels, ResizedImage};

use crate::ReportError;
use crate::draw::thumbnail::encoded;

/// Pixels along each side of a tile: a multiple of the 16 pixels that share a block of color, so that no tile runs into
/// another. The style sheet shows it at 40.
const TILE_PX: u32 = 48;

/// Tiles from left to right, as in `filter.js` and the style sheet.
const COLUMNS: usize = 32;

/// Quality of the JPEG: lower than that of larger thumbnails.
const QUALITY: u8 = 60;

/// Bytes of a pixel.
const CHANNELS: usize = 3;

/// Bounds of a sheet.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Number of tiles: more would hardly fit into `bytes`, and are not read.
    tiles: usize,
    /// Length of the `data:` URI.
    bytes: usize,
}

/// Bounds of the page's sheet.
const BOUNDS: Bounds = Bounds {
    tiles: 3000,
    bytes: 1_500_000,
};

/// Square thumbnails of images.
#[derive(Debug)]
pub(crate) struct Sheet<'a> {
    /// A JPEG as a `data:` URI.
    pub(crate) uri: String,
    tiles: BTreeMap<&'a str, usize>,
}

impl<'a> Sheet<'a> {
    /// Center squares of the images at `paths`, as far as `pixels` has them; none where there are no images, or where they
    /// take more than 1.5 MB.
    ///
    /// # Errors
    /// The file of pixels cannot be read.
    pub(crate) fn of(paths: &[&'a str], pixels: &Pixels) -> Result<Option<Self>, ReportError> {
        Self::within(BOUNDS, paths, pixels)
    }

    fn within(
        bounds: Bounds,
        paths: &[&'a str],
        pixels: &Pixels,
    ) -> Result<Option<Self>, ReportError> {
        let known = paths.iter();
        let known: Vec<(&str, usize)> = known
            .filter_map(|&path| Some((path, pixels.position(path)?)))
            .collect();
        if known.is_empty() || known.len() > bounds.tiles {
            return Ok(None);
        }
        let side = TILE_PX as usize;
        let (width, height) = (COLUMNS * side, known.len().div_ceil(COLUMNS) * side);
        let mut sheet = vec![0; width * height * CHANNELS];
        let mut buffer = Vec::new();
        for (number, &(_, position)) in known.iter().enumerate() {
            let tile = tile(&pixels.read(position, &mut buffer)?)?;
            let corner = (number / COLUMNS * side * width + number % COLUMNS * side) * CHANNELS;
            for (row, line) in tile.chunks_exact(side * CHANNELS).enumerate() {
                let start = corner + row * width * CHANNELS;
                sheet[start..start + line.len()].copy_from_slice(line);
            }
        }
        let sides = [width, height].map(|side| u16::try_from(side).unwrap_or(u16::MAX));
        let uri = encoded(&sheet, sides, QUALITY)?;
        let tiles = known.into_iter().zip(0..);
        Ok((uri.len() <= bounds.bytes).then(|| Self {
            tiles: tiles.map(|((path, _), number)| (path, number)).collect(),
            uri,
        }))
    }

    /// Number of an image's tile, by rows from the top left; none where the sheet has none of it.
    pub(crate) fn tile(&self, path: &str) -> Option<usize> {
        self.tiles.get(path).copied()
    }
}

/// The center square of an image, RGB `[TILE_PX, TILE_PX, 3]`.
fn tile(image: &ResizedImage<'_>) -> Result<Vec<u8>, ReportError> {
    let failed = |reason: String| ReportError::Resize {
        width: image.width,
        height: image.height,
        reason,
    };
    let source = ImageRef::new(image.width, image.height, image.pixels, PixelType::U8x3);
    let source = source.map_err(|error| failed(error.to_string()))?;
    let side = image.width.min(image.height);
    let offset = |length: u32| f64::from((length - side) / 2);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(
            offset(image.width),
            offset(image.height),
            side.into(),
            side.into(),
        );
    let mut small = Image::new(TILE_PX, TILE_PX, PixelType::U8x3);
    Resizer::new()
        .resize(&source, &mut small, &options)
        .map_err(|error| failed(error.to_string()))?;
    Ok(small.into_vec())
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;
    use crate::tests::fixture::pixels;

    /// A color for each image.
    fn color(number: usize) -> [u8; 3] {
        let channel = |value: usize| u8::try_from(value % 256).unwrap();
        [channel(number * 40), 200, channel(number * 90)]
    }

    #[test]
    fn a_tile_has_the_image_of_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..40).map(|number| format!("{number:02}.png")).collect();
        let colored = names.iter().enumerate();
        let pixels = pixels(
            folder.path(),
            colored.map(|(number, name)| (name.as_str(), color(number))),
        );
        let mut paths: Vec<&str> = names.iter().skip(1).map(String::as_str).collect();
        paths.insert(5, "unknown.png");
        let sheet = Sheet::of(&paths, &pixels).unwrap().unwrap();
        assert_eq!(
            (sheet.tile("00.png"), sheet.tile("unknown.png")),
            (None, None)
        );
        let jpeg = sheet.uri.strip_prefix("data:image/jpeg;base64,").unwrap();
        let jpeg = STANDARD.decode(jpeg).unwrap();
        let image = image::load_from_memory(&jpeg).unwrap().to_rgb8();
        assert_eq!(image.dimensions(), (1536, 96));
        for (number, name) in names.iter().enumerate().skip(1) {
            let tile = sheet.tile(name).unwrap();
            assert_eq!(tile, number - 1);
            let pixels = |tiles: usize| u32::try_from(tiles).unwrap() * TILE_PX;
            let [x, y] = [tile % COLUMNS, tile / COLUMNS].map(pixels);
            // All the way to the corners.
            for [right, down] in [[1, 1], [46, 1], [24, 24], [46, 46]] {
                let found = image.get_pixel(x + right, y + down).0;
                let off = found.iter().zip(color(number)).map(|(a, b)| a.abs_diff(b));
                assert!(off.max() < Some(12), "{name}: {found:?}");
            }
        }
    }

    #[test]
    fn a_sheet_beyond_its_bounds_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let pixels = pixels(folder.path(), [("a.png", [1; 3]), ("b.png", [2; 3])]);
        let within = |tiles, bytes| {
            let sheet = Sheet::within(Bounds { tiles, bytes }, &["a.png", "b.png"], &pixels);
            sheet.unwrap().map(|sheet| sheet.uri.len())
        };
        let length = within(2, 100_000).unwrap();
        assert_eq!(within(2, length), Some(length));
        assert_eq!(within(2, length - 1), None);
        assert_eq!(within(1, length), None);
        assert!(Sheet::of(&[], &pixels).unwrap().is_none());
    }
}
