//! Confusion counts as rows of tables.

use table_class_reports::ClassReport;
use table_confusion::Confusion;
use tables::Subset;

use crate::{Collection, ConfusionCounts, MetricError};

/// The cells of a model's confusion matrix on a subset, from the counts of its predictions.
///
/// # Errors
/// A cell has more images than the table can count.
pub fn confusion_rows(
    model: &str,
    subset: Subset,
    counts: &ConfusionCounts,
    collection: &Collection,
) -> Result<Vec<Confusion>, MetricError> {
    let classes = || collection.labels().iter().enumerate();
    let cells = classes().flat_map(|actual| classes().map(move |predicted| (actual, predicted)));
    cells
        .map(|((actual, actual_label), (predicted, predicted_label))| {
            Ok(Confusion {
                model: model.to_owned(),
                subset,
                actual: actual_label.clone(),
                predicted: predicted_label.clone(),
                count: count(counts.count(actual, predicted))?,
            })
        })
        .collect()
}

/// Metrics of each class on a subset, from the counts of a model's predictions.
///
/// # Errors
/// A class has more images than the table can count.
pub fn class_report_rows(
    model: &str,
    subset: Subset,
    counts: &ConfusionCounts,
    collection: &Collection,
) -> Result<Vec<ClassReport>, MetricError> {
    let classes = collection.labels().iter().zip(counts.report());
    classes
        .map(|(label, class)| {
            Ok(ClassReport {
                model: model.to_owned(),
                subset,
                label: label.clone(),
                precision: class.precision,
                recall: class.recall,
                f1: class.f1,
                support: count(class.support)?,
            })
        })
        .collect()
}

fn count(images: u64) -> Result<u32, MetricError> {
    u32::try_from(images).map_err(|_| MetricError::TooManyImages(images))
}
