//! Stage `embedding-evolution` as the runner starts it, on a few points that drift apart from epoch to epoch.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::json;
use table_annotations::Annotation;
use table_embedding_evolution::EpochCoordinates;
use table_embedding_evolution_quality::EmbeddingEvolutionQuality;
use table_epoch_outputs::EpochOutput;
use table_io::{Reader, Writer};
use table_selection::Selection;
use tables::Subset;
use tables::Table;
use tempfile::TempDir;

const LABELS: [&str; 2] = ["left", "right"];
const N_IMAGES: u32 = 60;
const N_EPOCHS: u32 = 4;
const CHOSEN: u32 = 2;

/// A folder with the inputs of the stage: two folds, of which the second is selected.
struct Study(TempDir);

impl Study {
    fn new() -> Self {
        let study = Self(TempDir::new().unwrap());
        study.write("annotations", [(0..N_IMAGES).map(annotation).collect()]);
        let selection = Selection {
            rule: "best".to_owned(),
            fold: 1,
            epoch: CHOSEN,
            score: 0.5,
        };
        study.write("selection", [vec![selection]]);
        for fold in 0..2 {
            let epochs = (0..N_EPOCHS).map(|epoch| epoch_of(fold, epoch));
            study.write(&format!("epoch_outputs-{fold}"), epochs);
        }
        study
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write<T: Table>(&self, name: &str, groups: impl IntoIterator<Item = Vec<T>>) {
        let mut writer = Writer::create(&self.path(name));
        for rows in groups {
            writer.append(rows).unwrap();
        }
        writer.finish().unwrap();
    }

    fn read<T: Table>(&self, name: &str) -> Vec<T> {
        Reader::new(&self.path(name)).read().unwrap()
    }

    fn run(&self, epochs: &[u32]) -> Output {
        self.run_with(epochs, 1000)
    }

    fn run_with(&self, epochs: &[u32], sample: usize) -> Output {
        let job = json!({
            "stage": "embedding-evolution",
            "params": {
                "seed": 1,
                "epochs": epochs,
                "sample": sample,
                "umap": { "n_neighbors": 5, "min_dist": 0.1, "epochs": 60 },
            },
            "in": {
                "selection": self.path("selection"),
                "annotations": self.path("annotations"),
                "epoch_outputs": [self.path("epoch_outputs-0"), self.path("epoch_outputs-1")],
            },
            "out": { "embedding_evolution": self.path("evolution"), "embedding_evolution_quality": self.path("quality") },
            "scratch": self.path("scratch"),
        });
        fs_err::write(self.path("job.json"), job.to_string()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_embedding-evolution"));
        command.arg(self.path("job.json")).output().unwrap()
    }
}

fn path(number: u32) -> String {
    format!("{}/{number:02}.png", LABELS[number as usize % 2])
}

fn annotation(number: u32) -> Annotation {
    Annotation {
        path: path(number),
        label: LABELS[number as usize % 2].to_owned(),
        author: None,
        title: String::new(),
        class_index: number % 2,
        split: None,
        orientation: 1,
        width: 8,
        height: 8,
        format: "png".to_owned(),
        bytes: 1,
        content_hash: String::new(),
    }
}

/// The classes' centers are farther apart in each epoch; every third image is for validation.
fn epoch_of(fold: u32, epoch: u32) -> Vec<EpochOutput> {
    let rows = (0..N_IMAGES).map(|number| {
        let side = if number.is_multiple_of(2) { -1.0 } else { 1.0 };
        let at = (number + 10 * epoch) as f32;
        EpochOutput {
            fold,
            epoch,
            path: path(number),
            class_index: number % 2,
            subset: if number.is_multiple_of(3) {
                Subset::Validation
            } else {
                Subset::Train
            },
            logits: vec![0.0; 2],
            embedding: vec![side * 4.0 * (epoch + 1) as f32 + at.sin(), (2.0 * at).cos()],
        }
    });
    rows.collect()
}

#[test]
fn the_selected_fold_is_transformed_by_the_selected_epoch() {
    let study = Study::new();
    let output = study.run(&[0, 3]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let coordinates: Vec<EpochCoordinates> = study.read("evolution");
    let mut epochs: Vec<u32> = coordinates.iter().map(|row| row.epoch).collect();
    epochs.dedup();
    assert_eq!(epochs, [0, CHOSEN, 3]);
    assert_eq!(coordinates.len(), 3 * N_IMAGES as usize);
    assert!(
        coordinates
            .iter()
            .all(|row| row.path.starts_with(&row.label))
    );
    assert!(coordinates.is_sorted_by(|a, b| a.order(b).is_lt()));

    let qualities: Vec<EmbeddingEvolutionQuality> = study.read("quality");
    let fitted: Vec<(u32, Subset)> = qualities
        .iter()
        .filter(|row| row.fitted)
        .map(|row| (row.epoch, row.subset))
        .collect();
    assert_eq!(fitted, [(CHOSEN, Subset::Train)]);
    assert_eq!(qualities.len(), 6);
    assert!(
        qualities
            .iter()
            .all(|row| row.trustworthiness.unwrap() > 0.7),
        "{qualities:?}"
    );
}

#[test]
fn an_epoch_beyond_the_last_is_left_out_with_a_warning() {
    let study = Study::new();
    let output = study.run(&[0, 4]);
    let log = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{log}");
    assert!(
        log.contains("`epochs` has 4, the training 0 to 3: not shown"),
        "{log}"
    );
}

#[test]
fn a_sample_is_the_same_images_in_every_epoch() {
    let study = Study::new();
    let output = study.run_with(&[0], 24);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let coordinates: Vec<EpochCoordinates> = study.read("evolution");
    let of = |epoch: u32| -> Vec<String> {
        let rows = coordinates.iter().filter(|row| row.epoch == epoch);
        rows.map(|row| row.path.clone()).collect()
    };
    assert_eq!(of(0).len(), 24);
    assert_eq!(of(0), of(CHOSEN));
    let output = study.run_with(&[0], 5);
    let log = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(
        log.contains(
            "`embedding-evolution.sample` is 5, expected more than the 5 of `cluster.umap.n_neighbors`"
        ),
        "{log}"
    );
}
