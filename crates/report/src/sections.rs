//! Sections of the report.
//!
//! A section is a struct of the tables that it reads, declared by `reads!`, with an implementation of
//! [`Section`](crate::page::section::Section). Adding one to [`SECTIONS`] adds its tables to the inputs of the stage.

mod attribution;
mod calibration;
mod class_report;
mod clusters;
mod collection;
mod comparison;
mod confusion;
mod cross_validation;
mod embedding_evolution;
mod examples;
mod forest_search;
mod frozen_backbones;
mod image_table;
mod leakage;
mod learning_curves;
mod metric_learning;
mod near_duplicates;
mod overview;
mod recipe;
mod split;
mod umap;
mod umap_space;

use crate::page::section::Entry;

pub(crate) use attribution::{grad_cam, overlays};
pub(crate) use overview::Overview;
pub(crate) use umap::draw_umap;

/// Sections of the report, in their order. The table of images is the last, as it has tiles of images that no other
/// section shows.
pub(crate) const SECTIONS: &[Entry] = &[
    Entry::of::<Overview>(),
    Entry::of::<cross_validation::CrossValidationSection>(),
    Entry::of::<collection::Collection>(),
    Entry::of::<near_duplicates::NearDuplicates>(),
    Entry::of::<split::Split>(),
    Entry::of::<leakage::Leakage>(),
    Entry::of::<learning_curves::LearningCurves>(),
    Entry::of::<confusion::ConfusionMatrices>(),
    Entry::of::<class_report::ClassificationReport>(),
    Entry::of::<examples::Examples>(),
    Entry::of::<attribution::Attributions>(),
    Entry::of::<embedding_evolution::EmbeddingEvolution>(),
    Entry::of::<clusters::Clusters>(),
    Entry::of::<umap::Umap>(),
    Entry::of::<umap_space::UmapInSpace>(),
    Entry::of::<metric_learning::MetricLearning>(),
    Entry::of::<comparison::ModelComparison>(),
    Entry::of::<calibration::Calibrations>(),
    Entry::of::<forest_search::ForestSearch>(),
    Entry::of::<frozen_backbones::FrozenBackbones>(),
    Entry::of::<recipe::RecipeSection>(),
    Entry::of::<image_table::ImageTable>(),
];
