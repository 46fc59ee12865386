//! Images: decoded, resized, stored as pixels, augmented.
//!
//! The way of an image: [`decode()`] turns a file's bytes into [`Rgb`], [`Geometry`] and [`resize()`] bring it to the
//! size that training needs, [`PixelsWriter`] stores it, [`Pixels`] reads it back as a [`ResizedImage`], and [`Preprocess`] or
//! [`augment()`] make a network's input of it. [`Preprocess`] does all that at once for a file of its own.
//!
//! Pre-processing is that of torchvision's ImageNet weights: short side to `256/224` of the network's side, bilinear
//! with antialiasing, center crop, mean and standard deviation of ImageNet.

mod augment;
mod complete;
mod decode;
mod error;
mod evaluation;
mod foreign;
mod format;
mod geometry;
mod input;
mod jpeg;
mod limits;
mod pixels;
mod resample;
mod resize;
mod resized_image;
mod rgb;

pub use augment::{Augmentation, augment};
pub use decode::{DecodedImage, Orient, decode};
pub use error::ImageError;
pub use evaluation::{Crop, Evaluation, View};
pub use format::Format;
pub use geometry::{Geometry, NetworkSize, center_offset};
pub use input::{MEAN, Preprocess, STD};
pub use limits::Limits;
pub use pixels::{Pixels, PixelsWriter};
pub use resize::{Filter, Resizer, resize, scale};
pub use resized_image::ResizedImage;
pub use rgb::Rgb;
