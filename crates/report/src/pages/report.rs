//! The report of a study.

use crate::ReportError;
use crate::page::sample::Shown;
use crate::page::section::Section;
use crate::page::tables::Study;
use crate::page::{Options, Report, report};
use crate::sections::examples::{self, Grids};
use crate::sections::{
    attribution, calibration, class_report, clusters, collection, comparison, confusion,
    embedding_evolution, forest_search, frozen_backbones, image_table, leakage, learning_curves,
    metric_learning, overview, split, umap, umap_space,
};

/// The report of `study`. `read` gives the bytes of a picture's file by its path in the collection; a picture that
/// cannot be read or decoded is replaced by words, with a warning.
///
/// # Errors
/// Tables don't fit together: a prediction is of a picture or of classes that the annotations don't know.
pub fn render(
    study: &Study,
    options: &Options,
    read: impl Fn(&str) -> std::io::Result<Vec<u8>>,
) -> Result<Report, ReportError> {
    let grids = Grids {
        per_class: options.examples_per_class,
        most: options.max_examples,
        thumbnail_px: options.thumbnail_px,
        stream: &options.stream,
        read,
    };
    let mut linked = examples::drawn(study, &grids)?;
    linked.extend(study.explanations.iter().map(|row| row.path.as_str()));
    let shown = Shown::of(study, options, &linked);
    let anchors = &shown.anchors;
    let sections = [
        overview::section(study),
        collection::section(study),
        split::section(study),
        leakage::section(study, anchors),
        learning_curves::section(study),
        confusion::section(study),
        class_report::section(study),
        examples::section(study, anchors, &grids)?,
        attribution::section(study, anchors, &grids.read),
        embedding_evolution::section(study),
        clusters::section(study),
        umap::section(study, &shown),
        umap_space::section(study, &shown),
        metric_learning::section(study, &shown),
        comparison::section(study),
        calibration::section(study),
    ];
    let sections: Vec<Section> = sections
        .into_iter()
        .chain(forest_search::section(study))
        .chain(frozen_backbones::section(study))
        .chain([image_table::section(study, anchors)?])
        .collect();
    let (title, summary) = (overview::title(study), overview::summary(study));
    Ok(report(&title, &sections, summary))
}
