//! Errors.

use resvg::usvg;

/// Failure to read a figure, or to write it in a format.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// The text is no XML.
    #[error("expected SVG, found no XML: {0}")]
    Xml(#[from] usvg::roxmltree::Error),
    /// The XML is no SVG.
    #[error("cannot read the SVG: {0}")]
    Svg(#[from] usvg::Error),
    /// The PNG has too many pixels.
    #[error(
        "a PNG of {width}×{height} units at scale {scale} is too large, expected at most {most} pixels: choose a smaller scale"
    )]
    TooLarge {
        /// Units from left to right.
        width: f32,
        /// Units from top to bottom.
        height: f32,
        /// Pixels of a unit.
        scale: f32,
        /// The most pixels.
        most: u64,
    },
    /// The PNG cannot be encoded.
    #[error("cannot encode the PNG: {0}")]
    Png(#[from] png::EncodingError),
    /// The drawing has a part that the PDF writer doesn't support.
    #[error("cannot write PDF: found {0}, expected shapes and text in plain colors")]
    Unsupported(&'static str),
    /// The content of the PDF cannot be compressed.
    #[error("cannot compress the PDF: {0}")]
    Compress(#[from] std::io::Error),
}
