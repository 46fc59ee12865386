//! Figures and the report page.
//!
//! [`render()`] turns [`Tables`] into one HTML page without links to elsewhere, its figures as SVG files, its tables as CSV
//! files, and a summary of a few lines. The same tables give the same bytes.
//!
//! `draw` has primitives, `page` the parts shared by all pages and sections, `sections` the sections of the report, each with the
//! tables that it reads, and `pages` the pages: the report, the predictions for new images, a search. Each depends on
//! those before it alone.

mod draw;
mod error;
mod page;
mod pages;
mod sections;
pub mod streams;

pub use error::ReportError;
pub use page::options::Options;
pub use page::recipe::{Recipe, Weights, count_parameters};
pub use page::run_facts::RunFacts;
pub use page::table_file::TableFile;
pub use page::tables::Tables;
pub use page::{FigureFile, Report};
pub use pages::inputs::Inputs;
pub use pages::predictions::{Neighbor, NewImage, predictions_page};
pub use pages::report::render;
pub use pages::search::search_page;

#[cfg(test)]
mod tests;
