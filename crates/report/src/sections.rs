//! Sections of the report.

pub(crate) mod attribution;
pub(crate) mod calibration;
pub(crate) mod class_report;
pub(crate) mod clusters;
pub(crate) mod collection;
pub(crate) mod comparison;
pub(crate) mod confusion;
pub(crate) mod embedding_evolution;
pub(crate) mod examples;
pub(crate) mod forest_search;
pub(crate) mod frozen_backbones;
pub(crate) mod image_table;
pub(crate) mod leakage;
pub(crate) mod learning_curves;
pub(crate) mod metric_learning;
pub(crate) mod overview;
pub(crate) mod split;
pub(crate) mod umap;
pub(crate) mod umap_space;
