//! Formats of files.

use serde::{Deserialize, Serialize};

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
