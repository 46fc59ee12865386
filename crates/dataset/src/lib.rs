//! Pictures: decoded, resized, stored as pixels, augmented.
//!
//! The way of a picture: [`decode()`] turns a file's bytes into [`Rgb`], [`Geometry`] and [`resize()`] bring it to the
//! size that training needs, [`PixelsWriter`] stores it, [`Pixels`] reads it back as a [`Picture`], and [`center()`] or
//! [`augment()`] make of it what the network sees. [`collection`] finds and groups the images of a folder. The stages
//! beside the library do that (`annotate`), decode them (`decode`), group near-duplicates (`near-duplicates`) and paint a
//! small collection of their own (`paint`).
//!
//! Pre-processing is that of torchvision's ImageNet weights: short side to `256/224` of the network's side, bilinear
//! with antialiasing, center crop, mean and standard deviation of ImageNet.

mod augment;
pub mod collection;
mod complete;
mod decode;
mod descriptor;
mod error;
mod foreign;
mod format;
mod geometry;
mod jpeg;
mod limits;
mod near_duplicates;
mod pixels;
mod registration;
mod resize;
mod rgb;
mod sample;
mod thumbnail;

pub use augment::{Augmentation, augment};
pub use decode::{Annotated, Decoded, Header, Orient, decode, decode_annotated, header};
pub use descriptor::Descriptor;
pub use error::DatasetError;
pub use format::Format;
pub use geometry::{Geometry, center_offset};
pub use limits::Limits;
pub use near_duplicates::{NearDuplicate, near_duplicates};
pub use pixels::{Picture, Pixels, PixelsWriter};
pub use resize::{Resizer, resize, scale};
pub use rgb::Rgb;
pub use sample::{MEAN, STD, center};
pub use thumbnail::Thumbnail;
