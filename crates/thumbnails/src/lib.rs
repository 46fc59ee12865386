//! Thumbnails: small planes of luma and chroma of an image, which near-duplicates are compared by.
//!
//! A [`Thumbnail`] is made of a decoded image, [`ThumbnailsWriter`] stores it, and [`Thumbnails`] reads it back.

mod file;
mod thumbnail;

pub use file::{ThumbnailError, Thumbnails, ThumbnailsWriter};
pub use thumbnail::{CHROMA_SIDE, SIDE, Thumbnail};
