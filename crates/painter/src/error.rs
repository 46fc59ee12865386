//! Errors of the painter.

/// Error: an image cannot be painted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PaintError {
    /// A side of the canvas is 0.
    #[error("a canvas without pixels")]
    NoPixels,
    /// A side is longer than a JPEG's can be.
    #[error("a side beyond JPEG's")]
    Side,
    /// The image cannot be encoded as PNG.
    #[error(transparent)]
    Png(#[from] image::ImageError),
    /// The image cannot be encoded as JPEG.
    #[error(transparent)]
    Jpeg(#[from] jpeg_encoder::EncodingError),
}
