//! Errors of images and of files of pixels.

use std::path::PathBuf;

/// An image or a file of pixels cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// The first bytes are those of no image format.
    #[error("{found}{}not an image: expected JPEG, PNG, WebP, GIF, BMP or TIFF", if .found.is_empty() { "" } else { ", " })]
    NotAnImage {
        /// The kind of file; empty if it isn't known.
        found: &'static str,
    },
    /// A small text in place of an image.
    #[error("{found}: {advice}")]
    Pointer {
        /// One word for the kind.
        kind: &'static str,
        /// The kind of file, in words.
        found: &'static str,
        /// The way to the image.
        advice: &'static str,
    },
    /// An image in a format, or in a variant of one, that isn't read.
    #[error("{format} is not supported: {advice}")]
    UnsupportedFormat {
        /// Name of the format found.
        format: String,
        /// The way to make it readable.
        advice: &'static str,
    },
    /// The file is larger than an image within the limits can be.
    #[error("the file is larger than {limit} bytes, more than an image of `max_pixels` takes")]
    FileTooLarge {
        /// Bytes that are read at most.
        limit: u64,
    },
    /// The file ends before its image does.
    #[error("truncated {format}: {missing}")]
    Truncated {
        /// Name of the format.
        format: &'static str,
        /// The missing part.
        missing: &'static str,
    },
    /// The decoder fails.
    #[error("damaged {format}: {reason}")]
    Damaged {
        /// Name of the format.
        format: &'static str,
        /// The decoder's message.
        reason: String,
    },
    /// More pixels than allowed, by the header; nothing was decoded.
    #[error("{width}×{height} are {pixels} pixels, more than the limit of {limit}")]
    TooLarge {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
        /// Their product.
        pixels: u64,
        /// The limit.
        limit: u64,
    },
    /// One side is many times the other; resizing the short side would blow up the long one.
    #[error("{width}×{height}: one side is more than {limit} times the other")]
    TooElongated {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
        /// The limit.
        limit: u32,
    },
    /// An image cannot be resized.
    #[error("cannot resize {width}×{height}: {reason}")]
    Resize {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
        /// The resizer's message.
        reason: String,
    },
    /// The network's side is not in the range that geometry is exact for.
    #[error("a side of {side_px} pixels: expected 8 to 2048")]
    Side {
        /// The side asked for.
        side_px: u32,
    },
    /// A parameter of the augmentation is out of its range.
    #[error("`{name}` is {value}: expected {expected}")]
    Augmentation {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: f32,
        /// Its range in words.
        expected: &'static str,
    },
    /// A parameter of the evaluation is out of its range.
    #[error("`evaluation.{name}` is {value}: expected {expected}")]
    Evaluation {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: u32,
        /// Its range in words.
        expected: String,
    },
    /// An image of another size than the geometry makes of its original was handed to the writer.
    #[error("`{path}` is {found:?} pixels, expected {expected:?}")]
    UnexpectedSize {
        /// The path of its file.
        path: String,
        /// Width and height of the image.
        found: (u32, u32),
        /// Width and height by the geometry.
        expected: (u32, u32),
    },
    /// A file of pixels that this version didn't write, or that was damaged since.
    #[error("`{path}` is not a file of pixels: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The value found and the value expected.
        reason: String,
    },
    /// An image that the file of pixels doesn't have.
    #[error("no image {index} in `{path}`: it has {len}")]
    NoImage {
        /// The file.
        path: PathBuf,
        /// The index asked for.
        index: usize,
        /// Images in the file.
        len: usize,
    },
    /// The disk failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl ImageError {
    /// One word for the kind, as the table of problems has it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotAnImage { .. } => "not-an-image",
            Self::Pointer { kind, .. } => kind,
            Self::UnsupportedFormat { .. } => "unsupported-format",
            Self::Truncated { .. } => "truncated",
            Self::Damaged { .. } => "damaged",
            Self::TooLarge { .. } | Self::FileTooLarge { .. } => "too-large",
            Self::TooElongated { .. } => "too-elongated",
            _ => "unreadable",
        }
    }
}
