//! Preprocessing that the network expects, spelled out for programs that have none of this workspace's code.

use serde::{Deserialize, Serialize};

/// Steps from a decoded file to the network's input, in this order. A field of text has a single value: another one is
/// an error when the configuration is read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Order of the channels; gray, palettes and CMYK become it, and 16 bits become 8.
    pub color: Color,
    /// What is behind transparent places.
    pub transparency: Transparency,
    /// The side that is resized to `resize_px`; the other one keeps the ratio, rounded down.
    pub resize: Resize,
    /// Filter of the resizing.
    pub interpolation: Interpolation,
    /// Whether the filter widens where the image shrinks, as Pillow's and torchvision's does.
    pub antialias: bool,
    /// Resized values are rounded to bytes.
    pub rounding: Rounding,
    /// The part of `side_px` × `side_px` that is left: its corner is half the rest, rounded half to even.
    pub crop: Crop,
    /// Factor of the bytes, before `mean` is subtracted and the result divided by `std`.
    pub rescale: f64,
    /// Order of the input's dimensions: image, channel, row, column.
    pub layout: Layout,
}

impl Default for Preprocessing {
    /// The one that this workspace has.
    fn default() -> Self {
        Self {
            color: Color::Rgb,
            transparency: Transparency::White,
            resize: Resize::ShortSide,
            interpolation: Interpolation::Bilinear,
            antialias: true,
            rounding: Rounding::Bytes,
            crop: Crop::Center,
            rescale: 1.0 / 255.0,
            layout: Layout::Nchw,
        }
    }
}

/// Order of the channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Color {
    /// Red, green, blue.
    #[serde(rename = "RGB")]
    Rgb,
}

/// What is behind transparent places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transparency {
    /// White.
    #[serde(rename = "on white")]
    White,
}

/// The side that is resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resize {
    /// The shorter one.
    #[serde(rename = "short side")]
    ShortSide,
}

/// Filter of the resizing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Interpolation {
    /// A triangle of two pixels.
    #[serde(rename = "bilinear")]
    Bilinear,
}

/// Precision of resized values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rounding {
    /// Whole numbers from 0 to 255.
    #[serde(rename = "bytes")]
    Bytes,
}

/// The part that is left of a resized image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Crop {
    /// The middle.
    #[serde(rename = "center")]
    Center,
}

/// Order of the input's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// Image, channel, row, column.
    #[serde(rename = "NCHW")]
    Nchw,
}
