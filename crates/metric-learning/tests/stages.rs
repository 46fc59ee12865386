//! Stage `metric-learning` as the runner starts it, on a few tiny images.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

#[path = "../../trainer/tests/study/mod.rs"]
mod study;
#[path = "../../trainer/tests/study/training.rs"]
mod training;

use serde_json::{Value, json};
use table_history::History;
use table_metric_embeddings::MetricEmbedding;
use tables::Subset;

use study::{Job, SIDE_PX, Study, assert_same_files};
use training::augmentation;

/// A job of stage `metric-learning` with outputs in the folder `run`.
fn metric_learning(study: &Study, run: &str, changes: &Value) -> Job {
    let mut params = json!({
        "seed": 7, "device": "cpu", "fold": 1, "held_out": ["green"], "loss": "arcface",
        "resnet": 18, "classifier": true, "embedding_size": 3, "freeze_cnn": false, "freeze_fc": false, "side_px": SIDE_PX,
        "epochs": 3, "batch_size": 5, "lr": 1e-3, "lr_decay": 0.1, "lr_decay_epochs": 50.0,
        "weight_decay": 0.0, "class_weights": true, "centers_lr": 1e-2, "scale": 16.0, "margin_deg": 28.6,
        "triplet_margin": 0.1, "augmentation": augmentation(),
    });
    let changed = changes.as_object().unwrap().clone();
    params.as_object_mut().unwrap().extend(changed);
    let outputs = ["metric_embeddings", "history", "timings"];
    study.job(
        env!("CARGO_BIN_EXE_metric-learning"),
        run,
        &params,
        study.inputs(),
        &outputs,
    )
}

#[test]
fn a_training_has_the_same_bytes_after_a_kill() {
    let study = Study::new();
    for loss in ["arcface", "triplet"] {
        let changes = json!({ "loss": loss });
        let outputs = ["metric_embeddings", "history"];
        let (whole, broken) = (format!("{loss}-whole"), format!("{loss}-broken"));
        metric_learning(&study, &whole, &changes).run(2);
        let job = metric_learning(&study, &broken, &changes);
        job.kill_after_a_checkpoint();
        job.run(1);
        assert_same_files(&study.path(&whole), &study.path(&broken), &outputs);

        let history: Vec<History> = study.read(&format!("{whole}/history"));
        // On 15 augmented images the loss varies; it must be lower than in the first epoch at some time.
        let later = history[1..].iter().map(|epoch| epoch.train_loss);
        assert!(
            later.fold(f64::INFINITY, f64::min) < history[0].train_loss,
            "{history:?}"
        );
        let rows: Vec<MetricEmbedding> = study.read(&format!("{whole}/metric_embeddings"));
        assert_eq!(rows.len(), 3 * 30);
        assert!(rows.iter().all(|row| row.learned == (row.label != "green")));
        assert!(rows.iter().all(|row| row.embedding.len() == 3));
        let held_out = |subset: Subset| {
            let rows = rows.iter().filter(|row| row.epoch == 0 && !row.learned);
            rows.filter(|row| row.subset == subset).count()
        };
        assert_eq!(Subset::OF_SPLIT.map(held_out), [5, 3, 2]);
    }
    let error = metric_learning(&study, "error", &json!({ "held_out": ["gren"] })).error();
    assert!(
        error.contains("`gren` is no class; did you mean `green`?"),
        "{error}"
    );
}

#[cfg(any(feature = "cuda", feature = "metal"))]
#[test]
fn a_training_works_on_the_gpu() {
    let class = if cfg!(feature = "cuda") {
        "cuda"
    } else {
        "metal"
    };
    let study = Study::new();
    for loss in ["arcface", "triplet"] {
        let changes = json!({ "device": class, "loss": loss, "epochs": 1 });
        metric_learning(&study, loss, &changes).run(2);
    }
}
