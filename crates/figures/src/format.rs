//! Formats of files.

use serde::{Deserialize, Serialize};

use crate::error::FigureError;
use crate::figure::Figure;
use crate::{outlines, pdf, raster};

/// A format of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Pixels, on white.
    Png,
    /// A page of the figure's size, with text as outlines.
    Pdf,
    /// Shapes with text as outlines and without a style sheet.
    Svg,
}

impl Format {
    /// The bytes of a figure's file. `scale` is the number of pixels of a unit, of PNG.
    ///
    /// # Errors
    /// The PNG is too large, or the PDF would have to show more than shapes and text in plain colors.
    pub fn file(self, figure: &Figure, scale: f32) -> Result<Vec<u8>, FigureError> {
        match self {
            Format::Png => raster::png(&figure.tree, scale),
            Format::Pdf => pdf::pdf(figure),
            Format::Svg => Ok(outlines::svg(figure).into_bytes()),
        }
    }

    /// The extension of its files.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Pdf => "pdf",
            Format::Svg => "svg",
        }
    }
}
