//! Table `images`: one row a file of the folder of images, decoded or with the fault that prevents it.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Table;

/// A file of the folder of images. Sorted by `path`.
///
/// Either `fault` and `detail` are given, or all of `width`, `height`, `orientation`, `format`, `bytes` and `content_hash`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Relative to the folder of images, with `/` between names; unique.
    pub path: String,
    /// One word for the kind of fault for which the file is no image: `truncated`, `not-an-image`, …; null of an image.
    pub fault: Option<String>,
    /// A sentence on the fault; null of an image.
    pub detail: Option<String>,
    /// Pixels from left to right, as shown.
    pub width: Option<u32>,
    /// Pixels from top to bottom, as shown.
    pub height: Option<u32>,
    /// The orientation that decoding applied, from 1 to 8 as in EXIF; 1 changes nothing.
    pub orientation: Option<u8>,
    /// `jpeg`, `png`, `webp`, `gif`, `bmp` or `tiff`, by the file's content.
    pub format: Option<String>,
    /// Size of the file in bytes.
    pub bytes: Option<u64>,
    /// BLAKE3 of the file's content, in hexadecimal digits.
    pub content_hash: Option<String>,
    /// The first damage in an image that decoding passed over, as other decoders do; null of a sound one.
    pub damage: Option<String>,
}

impl Table for Image {
    const NAME: &'static str = "images";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        self.path.cmp(&other.path)
    }
}
