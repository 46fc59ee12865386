//! Thumbnails: small planes of luma and chroma of an image, which near-duplicates are compared by.

mod thumbnail;

pub use thumbnail::{CHROMA_SIDE, SIDE, Thumbnail};
