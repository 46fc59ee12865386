//! The pages.

pub(crate) mod inputs;
pub(crate) mod predictions;
pub(crate) mod report;
pub(crate) mod search;
