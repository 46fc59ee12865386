//! Small thumbnails of many images as one JPEG: each by itself would need tables that are longer than its pixels.

use std::collections::BTreeMap;

use images::{Filter, Pixels, ResizedImage, Resizer, scale};

use crate::ReportError;
use crate::draw::thumbnail::encoded;

/// Pixels along each side of a tile: a multiple of the 16 pixels that share a block of color, so that no tile runs into
/// another. The style sheet shows it at 40.
const TILE_PX: u32 = 48;

/// Tiles from left to right.
pub(crate) const COLUMNS: usize = 32;

/// Quality of the JPEG: lower than that of larger thumbnails.
const QUALITY: u8 = 60;

/// Bytes of a line of a tile's RGB pixels.
const TILE_LINE_BYTES: usize = TILE_PX as usize * 3;

/// Bytes of a row of tiles.
const ROW_BYTES: usize = COLUMNS * TILE_LINE_BYTES * TILE_PX as usize;

/// Bounds of a sheet.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Number of tiles: more would hardly fit into `bytes`, and are not read.
    tiles: usize,
    /// Length of the `data:` URI.
    bytes: u32,
}

/// Bounds of the page's sheet.
const BOUNDS: Bounds = Bounds {
    tiles: 3000,
    bytes: 1_500_000,
};

/// Square thumbnails of images.
#[derive(Debug)]
pub(crate) struct Sheet<'a> {
    /// A JPEG as a `data:` URI; none without tiles.
    pub(crate) uri: Option<String>,
    /// Images without a tile, by reason.
    pub(crate) missing: Vec<Missing>,
    tiles: BTreeMap<&'a str, usize>,
}

/// Number of images without a tile, and the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The file of pixels lacks them.
    NotDecoded { images: usize },
    /// The sheet has the maximum number of tiles.
    TooMany { images: usize, max_tiles: usize },
    /// A sheet with tiles of all would be longer than `max_bytes`.
    TooLong { images: usize, max_bytes: u32 },
}

impl<'a> Sheet<'a> {
    /// Center squares of the images at `paths`, as far as `pixels` has them: the first ones, in rows, if not all fit.
    ///
    /// # Errors
    /// The file of pixels cannot be read.
    pub(crate) fn of(paths: &[&'a str], pixels: &Pixels) -> Result<Self, ReportError> {
        Self::within(BOUNDS, paths, pixels)
    }

    fn within(bounds: Bounds, paths: &[&'a str], pixels: &Pixels) -> Result<Self, ReportError> {
        let decoded = paths.iter();
        let decoded: Vec<(&str, usize)> = decoded
            .filter_map(|&path| Some((path, pixels.position(path)?)))
            .collect();
        let drawn = &decoded[..decoded.len().min(bounds.tiles)];
        let (uri, n_rows) = match encode_rows(&draw(drawn, pixels)?, bounds.bytes)? {
            Some((uri, n_rows)) => (Some(uri), n_rows),
            None => (None, 0),
        };
        let n_tiles = drawn.len().min(n_rows * COLUMNS);
        let images = decoded.len() - n_tiles;
        let not_decoded = Missing::NotDecoded {
            images: paths.len() - decoded.len(),
        };
        let too_many = Missing::TooMany {
            images,
            max_tiles: bounds.tiles,
        };
        let too_long = Missing::TooLong {
            images,
            max_bytes: bounds.bytes,
        };
        let missing = [
            (decoded.len() < paths.len()).then_some(not_decoded),
            (n_tiles == drawn.len() && images > 0).then_some(too_many),
            (n_tiles < drawn.len()).then_some(too_long),
        ];
        let tiles = drawn[..n_tiles].iter().zip(0..);
        Ok(Self {
            uri,
            missing: missing.into_iter().flatten().collect(),
            tiles: tiles.map(|(&(path, _), number)| (path, number)).collect(),
        })
    }

    /// Number of an image's tile, by rows from the top left; none where the sheet has none of it.
    pub(crate) fn tile(&self, path: &str) -> Option<usize> {
        self.tiles.get(path).copied()
    }
}

/// Tiles of the images at these positions in `pixels`, in rows: RGB `[rows · TILE_PX, COLUMNS · TILE_PX, 3]`.
fn draw(images: &[(&str, usize)], pixels: &Pixels) -> Result<Vec<u8>, ReportError> {
    let mut sheet = vec![0; images.len().div_ceil(COLUMNS) * ROW_BYTES];
    let mut buffer = Vec::new();
    let mut resizer = Resizer::default();
    for (number, &(_, position)) in images.iter().enumerate() {
        let tile = tile(&pixels.read(position, &mut buffer)?, &mut resizer)?;
        let corner = number / COLUMNS * ROW_BYTES + number % COLUMNS * TILE_LINE_BYTES;
        for (row, line) in tile.chunks_exact(TILE_LINE_BYTES).enumerate() {
            let start = corner + row * COLUMNS * TILE_LINE_BYTES;
            sheet[start..start + line.len()].copy_from_slice(line);
        }
    }
    Ok(sheet)
}

/// The first rows of tiles as a `data:` URI of at most `max_bytes`, with their number; none if the first row is longer.
fn encode_rows(sheet: &[u8], max_bytes: u32) -> Result<Option<(String, usize)>, ReportError> {
    let max_bytes = max_bytes as usize;
    let side = TILE_PX as usize;
    let mut n_rows = sheet.len() / ROW_BYTES;
    while n_rows > 0 {
        let sides = [COLUMNS * side, n_rows * side];
        let sides = sides.map(|side| u16::try_from(side).unwrap_or(u16::MAX));
        let uri = encoded(&sheet[..n_rows * ROW_BYTES], sides, QUALITY)?;
        if uri.len() <= max_bytes {
            return Ok(Some((uri, n_rows)));
        }
        // The length is about proportional to the rows; the quotient is at least one row fewer.
        n_rows = n_rows * max_bytes / uri.len();
    }
    Ok(None)
}

/// The center square of an image, RGB `[TILE_PX, TILE_PX, 3]`.
fn tile(image: &ResizedImage<'_>, resizer: &mut Resizer) -> Result<Vec<u8>, ReportError> {
    let square = image.center_square();
    let tile = scale(&square, (TILE_PX, TILE_PX), Filter::Lanczos, resizer)?;
    Ok(tile.pixels)
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use images::{Limits, Orient};

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
        let sheet = Sheet::of(&paths, &pixels).unwrap();
        assert_eq!(sheet.missing, [Missing::NotDecoded { images: 1 }]);
        assert_eq!(
            (sheet.tile("00.png"), sheet.tile("unknown.png")),
            (None, None)
        );
        let uri = sheet.uri.as_ref().unwrap();
        let jpeg = uri.strip_prefix("data:image/jpeg;base64,").unwrap();
        let jpeg = STANDARD.decode(jpeg).unwrap();
        let limits = Limits {
            pixels: 1_000_000,
            aspect: 100,
        };
        let image = images::decode(&jpeg, limits, Orient::AsStored).unwrap().rgb;
        assert_eq!((image.width, image.height), (1536, 96));
        for (number, name) in names.iter().enumerate().skip(1) {
            let tile = sheet.tile(name).unwrap();
            assert_eq!(tile, number - 1);
            let pixels = |tiles: usize| u32::try_from(tiles).unwrap() * TILE_PX;
            let [x, y] = [tile % COLUMNS, tile / COLUMNS].map(pixels);
            // All the way to the corners.
            for [right, down] in [[1, 1], [46, 1], [24, 24], [46, 46]] {
                let at = ((y + down) * image.width + x + right) as usize * 3;
                let found = &image.pixels[at..at + 3];
                let off = found.iter().zip(color(number)).map(|(a, b)| a.abs_diff(b));
                assert!(off.max() < Some(12), "{name}: {found:?}");
            }
        }
    }

    #[test]
    fn the_first_images_have_tiles_where_not_all_fit() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..70).map(|number| format!("{number:02}.png")).collect();
        let colored = names.iter().enumerate();
        let pixels = pixels(
            folder.path(),
            colored.map(|(number, name)| (name.as_str(), color(number))),
        );
        let paths: Vec<&str> = names.iter().map(String::as_str).collect();
        let within = |tiles, bytes| {
            let sheet = Sheet::within(Bounds { tiles, bytes }, &paths, &pixels).unwrap();
            let n_tiles = sheet.tiles.len();
            assert!({ paths.iter().zip(0..) }.all(|(path, number)| {
                sheet.tile(path) == (number < n_tiles).then_some(number)
            }));
            let length = sheet.uri.map(|uri| u32::try_from(uri.len()).unwrap());
            (n_tiles, length, sheet.missing)
        };
        let (n_tiles, length, missing) = within(70, 100_000);
        assert_eq!((n_tiles, missing), (70, vec![]));
        let length = length.unwrap();
        assert_eq!(within(70, length), (70, Some(length), vec![]));
        // Whole rows of 32 tiles.
        let (n_tiles, shorter, missing) = within(70, length - 1);
        assert_eq!(n_tiles % COLUMNS, 0);
        assert!(n_tiles > 0 && shorter < Some(length));
        let max_bytes = length - 1;
        let images = 70 - n_tiles;
        assert_eq!(missing, [Missing::TooLong { images, max_bytes }]);
        let (n_tiles, _, missing) = within(50, length);
        let (images, max_tiles) = (20, 50);
        assert_eq!(n_tiles, 50);
        assert_eq!(missing, [Missing::TooMany { images, max_tiles }]);
        let (images, max_bytes) = (70, 10);
        let too_long = Missing::TooLong { images, max_bytes };
        assert_eq!(within(50, 10), (0, None, vec![too_long]));
    }

    #[test]
    fn without_images_there_are_no_tiles_and_none_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let pixels = pixels(folder.path(), []);
        let sheet = Sheet::of(&[], &pixels).unwrap();
        assert_eq!((sheet.uri, sheet.missing), (None, vec![]));
    }
}
