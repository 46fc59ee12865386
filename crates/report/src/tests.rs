//! The report of a small study, and of studies of other sizes.

pub(crate) mod fixture;

mod browser;
mod files;
mod large;
mod page;
