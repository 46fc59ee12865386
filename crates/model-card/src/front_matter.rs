//! The front matter that the Hugging Face hub reads: YAML between two lines of dashes.
//!
//! The keys are those of its model cards' documentation, with `model-index` as Papers with Code defined it. Texts are
//! written as JSON, which is YAML too, so that a name may have any character.

use serde_json::json;
use tables::Subset;

use crate::data::count_classes;
use crate::markdown::count;
use crate::{Data, Scores};

/// Metrics of the index: name in the tables, type on the hub, and name.
const METRICS: [(&str, &str, &str); 3] = [
    ("accuracy", "accuracy", "Accuracy"),
    ("f1_macro", "f1", "Macro F1"),
    ("top1", "accuracy", "Class-weighted top-1 accuracy"),
];

/// The front matter of the model called `title`.
pub(crate) fn front_matter(
    title: &str,
    architecture: &str,
    data: &Data,
    scores: &Scores,
) -> String {
    let mut text = format!(
        "---\n\
         license: other\n\
         license_name: undecided\n\
         library_name: onnx\n\
         pipeline_tag: image-classification\n\
         tags:\n- image-classification\n- onnx\n- {}\n",
        architecture
    );
    let results: Vec<String> = [Subset::Validation, Subset::Test]
        .into_iter()
        .filter_map(|subset| results(data, scores, subset))
        .collect();
    if !results.is_empty() {
        let name = json!(title);
        text += &format!(
            "model-index:\n- name: {name}\n  results:\n{}",
            results.concat()
        );
    }
    text + "---\n"
}

/// Results on a subset; none without scores.
fn results(data: &Data, scores: &Scores, subset: Subset) -> Option<String> {
    let metrics: String = { METRICS.iter() }
        .filter_map(|(metric, kind, name)| {
            let row = scores.of(subset, metric)?;
            let value = row.value;
            Some(format!(
                "    - type: {kind}\n      name: {name}\n      value: {value:.4}\n"
            ))
        })
        .collect();
    if metrics.is_empty() {
        return None;
    }
    let (split, of) = match subset {
        Subset::Test => ("test", "test images, by the exported network"),
        _ => ("validation", "cross-validated, by the recipe"),
    };
    let dataset = json!(format!(
        "{} of {}: {of}",
        count(data.images(), "image"),
        count_classes(data.classes.len())
    ));
    Some(format!(
        "  - task:\n      type: image-classification\n    dataset:\n      type: imagefolder\n      name: {dataset}\n      \
         split: {split}\n    metrics:\n{metrics}"
    ))
}
