//! Figures and the report page.
//!
//! [`render()`] turns the tables of a [`Study`] into one HTML page without links to elsewhere, its figures as SVG
//! files, and a summary of a few lines. Each section of the page has a module: a function from rows to markup. The
//! same tables give the same bytes.

mod arrangement;
mod balance;
mod calibration;
mod class_report;
mod collection;
mod comparison;
mod confusion;
mod curves;
mod error;
mod evolution;
mod examples;
mod explanations;
mod figure;
mod forest_search;
mod format;
mod frozen;
mod inspected;
mod leaks;
mod map;
mod map_space;
mod overlay;
mod overview;
mod page;
mod palette;
mod pictures;
mod plot;
mod scatter;
mod searched;
mod section;
mod shown;
mod silhouettes;
mod space;
pub mod streams;
mod study;
mod svg;
mod thumbnail;
mod trials;

pub use error::ReportError;
pub use inspected::{Inspected, Near, inspected};
pub use page::{FigureFile, Options, Report, render};
pub use searched::searched;
pub use study::Study;

#[cfg(test)]
mod tests;
