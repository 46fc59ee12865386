//! Figures and the report page.
//!
//! [`render()`] turns the tables of a [`Study`] into one HTML page without links to elsewhere, its figures as SVG
//! files, and a summary of a few lines. Each section of the page has a module: a function from rows to markup. The
//! same tables give the same bytes.

mod draw;
mod error;
mod page;
mod pages;
mod sections;
pub mod streams;

pub use error::ReportError;
pub use page::tables::Study;
pub use page::{FigureFile, Options, Report};
pub use pages::predictions::{Inspected, Near, inspected};
pub use pages::report::render;
pub use pages::search::searched;

#[cfg(test)]
mod tests;
