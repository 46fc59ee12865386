//! The tables that stages write and notebooks read: one module each, with the row, its columns, their units and the
//! sort key.
//!
//! A row is a plain struct; [`Table`] adds the order of the rows, and [`Reader`] and [`Writer`] move rows in and out of
//! parquet. Two writes of the same rows give the same bytes.
//!
//! Letters of shapes: `K` classes (in the order of their codes, which is the order of their names), `D` dimensions of
//! the embedding.

mod error;
mod file;
mod table;

pub mod annotation;
pub mod arrangement;
pub mod arrangement_score;
pub mod attribute;
pub mod balance;
pub mod calibration;
pub mod choice;
pub mod class_report;
pub mod cluster;
pub mod confusion;
pub mod epoch_output;
pub mod epoch_place;
pub mod epoch_score;
pub mod explanation;
pub mod feature;
pub mod flattery;
pub mod fold;
pub mod forest_prediction;
pub mod forest_trial;
pub mod history;
pub mod leak;
pub mod map_quality;
pub mod near_duplicate;
pub mod prediction;
pub mod probe;
pub mod problem;
pub mod reliability;
pub mod score;
pub mod silhouette;
pub mod study_trial;
pub mod subset;
pub mod timing;

pub use error::TableError;
pub use file::{Batches, Reader, Writer};
pub use table::Table;
