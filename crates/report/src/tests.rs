//! The report of a small study, and of studies of other sizes.

pub(crate) mod fixture;

mod browser;
mod large;
mod page;
