//! Primitives of drawings and of text, shared by all pages.

pub(crate) mod figure;
pub(crate) mod format;
pub(crate) mod marks;
pub(crate) mod overlay;
pub(crate) mod palette;
pub(crate) mod plot;
pub(crate) mod scatter;
pub(crate) mod sheet;
pub(crate) mod space;
pub(crate) mod svg;
pub(crate) mod table;
pub(crate) mod thumbnail;
pub(crate) mod trials;
