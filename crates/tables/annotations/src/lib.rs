//! Table `annotations`: one row per image.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use tables::Subset;
use tables::Table;

/// An image of the collection. Sorted by `path`; the row's number is the image's index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// Relative to the folder of images, with `/` between names; unique.
    pub path: String,
    /// The class: the name of the folder or of the table of labels, in lower case and Unicode's NFC.
    pub label: String,
    /// The author; null in classes without authors, and where no author is known.
    pub author: Option<String>,
    /// Title, from the file's name.
    pub title: String,
    /// Index of the class in the sorted list of labels, from 0.
    pub class_index: u32,
    /// Subset in the split that the collection comes with; null where it has none.
    pub split: Option<Subset>,
    /// Pixels from left to right, as shown.
    pub width: u32,
    /// Pixels from top to bottom, as shown.
    pub height: u32,
    /// The orientation that decoding applies, from 1 to 8 as in EXIF; 1 changes nothing.
    pub orientation: u8,
    /// `jpeg`, `png`, `webp`, `gif`, `bmp` or `tiff`, by the file's content.
    pub format: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// BLAKE3 of the file's content, in hexadecimal digits.
    pub content_hash: String,
}

impl Table for Annotation {
    const NAME: &'static str = "annotations";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> Ordering {
        self.path.cmp(&other.path)
    }
}
