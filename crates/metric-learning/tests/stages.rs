//! Stage `arrange` as the runner starts it, on a few tiny images.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

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

/// A job of stage `arrange` with outputs in the folder `run`.
fn arrange(study: &Study, run: &str, changes: &Value) -> Job {
    let mut params = json!({
        "seed": 7, "device": "cpu", "fold": 1, "held_out": ["green"], "loss": "arcface",
        "resnet": 18, "embedding_size": 3, "freeze_cnn": false, "freeze_fc": false, "side_px": SIDE_PX,
        "epochs": 3, "batch_size": 5, "lr": 1e-3, "lr_decay": 0.1, "lr_decay_epochs": 50.0,
        "weight_decay": 0.0, "class_weights": true, "centers_lr": 1e-2, "scale": 16.0, "margin_deg": 28.6,
        "triplet_margin": 0.1, "augmentation": augmentation(),
    });
    let changed = changes.as_object().unwrap().clone();
    params.as_object_mut().unwrap().extend(changed);
    let outputs = ["metric_embeddings", "history", "timings"];
    study.job(
        env!("CARGO_BIN_EXE_arrange"),
        run,
        &params,
        study.inputs(),
        &outputs,
    )
}

#[test]
fn an_arrangement_gives_the_same_bytes_however_it_went() {
    let study = Study::new();
    for loss in ["arcface", "triplet"] {
        let changes = json!({ "loss": loss });
        let outputs = ["metric_embeddings", "history"];
        let (whole, broken) = (format!("{loss}-whole"), format!("{loss}-broken"));
        arrange(&study, &whole, &changes).run(2);
        let job = arrange(&study, &broken, &changes);
        job.kill_after_a_checkpoint();
        job.run(1);
        assert_same_files(&study.path(&whole), &study.path(&broken), &outputs);

        let history: Vec<History> = study.read(&format!("{whole}/history"));
        // On 15 augmented pictures the loss goes up and down: it must have been lower than at first.
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
    let error = arrange(&study, "error", &json!({ "held_out": ["gren"] })).error();
    assert!(
        error.contains("`gren` is no class; did you mean `green`?"),
        "{error}"
    );
}

#[cfg(any(feature = "cuda", feature = "metal"))]
#[test]
fn an_arrangement_is_learned_on_the_gpu() {
    let class = if cfg!(feature = "cuda") {
        "cuda"
    } else {
        "metal"
    };
    let study = Study::new();
    for loss in ["arcface", "triplet"] {
        let changes = json!({ "device": class, "loss": loss, "epochs": 1 });
        arrange(&study, loss, &changes).run(2);
    }
}
