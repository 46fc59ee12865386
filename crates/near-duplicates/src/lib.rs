//! Near-duplicates: images that are copies of each other up to size, compression, brightness or a slight crop.
//!
//! [`Descriptor`]s name candidates, [`Thumbnail`](thumbnails::Thumbnail)s confirm them, and [`near_duplicates()`] groups
//! confirmed pairs.

mod descriptor;
mod groups;
mod hashes;
mod plane;
mod registration;

pub use descriptor::Descriptor;
pub use groups::{NearDuplicate, near_duplicates};
