//! Figures of the report for papers and slides: its SVG files as PNG, PDF and SVG with text as outlines.
//!
//! Text is set in the font of this crate and in no other, so that a figure looks the same on each machine, and the same
//! file has the same bytes.

mod error;
mod figure;
mod font;
mod format;
mod outlines;
mod pdf;
mod raster;

pub use error::FigureError;
pub use figure::Figure;
pub use format::Format;

/// Units of a figure in an inch, after CSS.
pub const UNITS_PER_INCH: f32 = 96.0;
