//! Stage `cluster` as the runner starts it, on points of three classes that lie far apart.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::process::Command;

use serde_json::json;
use table_cluster_scores::ClusterScore;
use table_io::{Reader, Writer};
use table_predictions::Prediction;
use tables::{Subset, Table};

const LABELS: [&str; 3] = ["a", "b", "c"];

/// Validation images of class `c` lie among those of `b`.
fn prediction(number: u16) -> Prediction {
    let class = usize::from(number % 3);
    let subset = Subset::OF_SPLIT[usize::from(number / 3 % 3)];
    let place = match (class, subset) {
        (2, Subset::Validation) => 1,
        (class, _) => class,
    };
    let noise = |factor: u16| f32::from(number * factor % 17) / 17.0;
    let mut embedding = vec![noise(5), noise(7), noise(11)];
    embedding[place] += 50.0;
    Prediction {
        path: format!("{number:03}.png"),
        label: LABELS[class].to_owned(),
        subset,
        logits: vec![0.0; 3],
        probabilities: vec![1.0 / 3.0; 3],
        embedding,
        predicted: LABELS[0].to_owned(),
    }
}

/// Rows of the table where clusters are fitted to at most `sample` of 54 images.
fn scores(sample: usize) -> Vec<ClusterScore> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut writer = Writer::create(&path("predictions"));
    writer.append((0..54).map(prediction).collect()).unwrap();
    writer.finish().unwrap();
    let job = json!({
        "stage": "cluster",
        "params": {
            "seed": 1, "k_min": 2, "k_max": 4, "n_init": 3, "sample": sample, "silhouette_sample": 100,
            "umap": { "n_neighbors": 5, "min_dist": 0.1, "epochs": 10 },
        },
        "in": { "predictions": path("predictions") },
        "out": {
            "clusters": path("clusters"), "silhouettes": path("silhouettes"), "cluster_scores": path("scores"),
        },
        "scratch": path("scratch"),
    });
    fs_err::write(path("job.json"), job.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cluster"));
    let output = command.arg(path("job.json")).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    Reader::new(&path("scores")).read().unwrap()
}

#[test]
fn clusters_agree_with_the_classes_that_lie_apart() {
    for sample in [1000, 30] {
        let rows = scores(sample);
        assert!(rows.is_sorted_by(|a, b| a.order(b).is_lt()));
        // Two methods, three numbers of clusters; three subsets, and all images.
        assert_eq!(rows.len(), 2 * 3 * 4);
        for row in rows.iter().filter(|row| row.k == 3) {
            let (ari, nmi) = (row.ari.unwrap(), row.nmi.unwrap());
            match row.subset {
                None => assert!(
                    row.images == 54 && ari > 0.5 && ari < 1.0 && nmi < 1.0,
                    "{row:?}"
                ),
                // The clusters of `b` and `c` are one: of the 153 pairs, 45 are joined by the classes, which join no
                // pair that the clusters part, and 81 by the clusters.
                Some(Subset::Validation) => {
                    let expected = 45.0 * 81.0 / 153.0;
                    let by_hand = (45.0 - expected) / ((45.0 + 81.0) / 2.0 - expected);
                    assert!((ari - by_hand).abs() < 1e-12 && nmi < 1.0, "{row:?}");
                }
                Some(_) => assert!(ari > 1.0 - 1e-12 && nmi > 1.0 - 1e-12, "{row:?}"),
            }
            assert_eq!(row.images, if row.subset.is_some() { 18 } else { 54 });
        }
    }
}
