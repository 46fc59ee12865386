//! Stage `metric-learning-scores` as the runner starts it, on points that a reader can check by hand.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::process::Command;

use approx::assert_abs_diff_eq;
use serde_json::json;
use table_io::{Reader, Writer};
use table_metric_embeddings::MetricEmbedding;
use table_metric_learning_scores::MetricLearningScore;
use tables::Subset;

fn row(number: usize, label: &str, learned: bool, embedding: [f32; 3]) -> MetricEmbedding {
    MetricEmbedding {
        epoch: 0,
        path: format!("{number}.jpg"),
        label: label.to_owned(),
        subset: Subset::Validation,
        learned,
        embedding: embedding.to_vec(),
    }
}

/// Two classes along two axes, and a third that is held out.
fn scores() -> Vec<MetricLearningScore> {
    scores_of(vec![vec![
        row(0, "a", true, [1.0, 0.0, 0.0]),
        row(1, "a", true, [2.0, 0.0, 0.0]),
        row(2, "b", true, [0.0, 1.0, 0.0]),
        row(3, "b", true, [0.0, 3.0, 0.0]),
        row(4, "c", false, [0.0, 0.0, 1.0]),
        row(5, "c", false, [0.0, 0.0, 2.0]),
    ]])
}

fn scores_of(epochs: Vec<Vec<MetricEmbedding>>) -> Vec<MetricLearningScore> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut writer = Writer::create(&path("metric_embeddings"));
    for rows in epochs {
        writer.append(rows).unwrap();
    }
    writer.finish().unwrap();
    let job = json!({
        "stage": "metric-learning-scores", "params": { "seed": 1, "sample": 6 }, "scratch": path("scratch"),
        "in": { "metric_embeddings": path("metric_embeddings") }, "out": { "metric_learning_scores": path("scores") },
    });
    fs_err::write(path("job.json"), job.to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_metric-learning-scores"))
        .arg(path("job.json"))
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    Reader::new(&path("scores")).read().unwrap()
}

#[test]
fn raw_and_normalized_embeddings_are_scored() {
    let scores = scores();
    let value = |classes: &str, embedding: &str, metric: &str| {
        let mut rows = scores.iter();
        let row = rows.find(|row| {
            [&row.classes, &row.embedding, &row.metric].map(String::as_str)
                == [classes, embedding, metric]
        });
        row.unwrap().value
    };
    let learned = |embedding, metric| value("learned", embedding, metric).unwrap();
    // Normalized, both classes are points.
    assert_abs_diff_eq!(learned("normalized", "silhouette"), 1.0, epsilon = 1e-6);
    assert_abs_diff_eq!(learned("normalized", "davies_bouldin"), 0.0, epsilon = 1e-6);
    assert_abs_diff_eq!(learned("normalized", "map_at_r"), 1.0);
    // Of raw embeddings, the nearer image of `b` lies at 2 from its own class and at √2 from the other.
    assert_abs_diff_eq!(learned("raw", "recall_at_1"), 0.75);
    // Distances to the centers are 1/2 and 1, and √(1.5² + 2²) = 2.5 between them.
    assert_abs_diff_eq!(learned("raw", "davies_bouldin"), 0.6, epsilon = 1e-6);
    // One class has no silhouette.
    assert_eq!(value("held-out", "normalized", "silhouette"), None);
    assert_eq!(value("held-out", "normalized", "recall_at_1"), Some(1.0));
    assert_eq!(scores.len(), 2 * 2 * 4);
}

#[test]
fn retrieval_has_its_value_by_chance_and_the_number_of_images_and_classes() {
    for row in scores() {
        // Of four learned images in two classes, one of three others is of the same class.
        let (by_chance, counts) = match row.classes.as_str() {
            "learned" => (1.0 / 3.0, (4, 2)),
            _ => (1.0, (2, 1)),
        };
        assert_eq!((row.images, row.n_classes), counts);
        match row.metric.as_str() {
            "recall_at_1" | "map_at_r" => {
                assert_abs_diff_eq!(row.chance.unwrap(), by_chance, epsilon = 1e-12);
            }
            _ => assert_eq!(row.chance, None),
        }
    }
}

#[test]
fn a_large_subset_is_scored_by_a_sample_that_is_the_same_in_every_epoch() {
    // The points are the same in both epochs, and six of forty are scored.
    let epoch = |epoch: u32| {
        let rows = (0..40).map(move |number| {
            let at = (number * number % 17) as f32;
            let mut row = row(number, ["a", "b"][number % 2], true, [at, at.sin(), 1.0]);
            row.epoch = epoch;
            row
        });
        rows.collect::<Vec<_>>()
    };
    let scores = scores_of(vec![epoch(0), epoch(1)]);
    let values = |epoch: u32| -> Vec<(String, Option<f64>)> {
        let rows = scores.iter().filter(|row| row.epoch == epoch);
        rows.map(|row| (format!("{} {}", row.embedding, row.metric), row.value))
            .collect()
    };
    assert_eq!(values(0).len(), 8);
    assert_eq!(values(0), values(1));
}
