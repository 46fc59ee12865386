//! The stages as the runner starts them, on a few tiny images.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod study;
#[path = "study/training.rs"]
mod training;

use std::path::Path;

use serde_json::{Value, json};
use table_annotations::Annotation;
use table_epoch_outputs::EpochOutput;
use table_folds::Fold;
use table_history::History;
use table_timings::Timing;
use tables::Assignment;
use tables::Subset;

use study::{Job, SIDE_PX, Study, assert_same_files};
use training::augmentation;

/// Jobs of the stages.
trait Jobs {
    /// A job of stage `train` with outputs in the folder `run`.
    fn train(&self, run: &str, changes: &Value) -> Job;
}

impl Jobs for Study {
    fn train(&self, run: &str, changes: &Value) -> Job {
        let mut params = json!({
            "seed": 7, "repeat": 0, "device": "cpu", "fold": 1,
            "resnet": 18, "classifier": true, "embedding_size": 4, "freeze_cnn": false, "freeze_fc": false,
            "freeze_batch_norm": false, "side_px": SIDE_PX,
            "epochs": 4, "sampling": "shuffle", "batch_size": 4, "micro_batch_size": 0, "lr": 1e-3, "lr_decay": 0.1, "lr_decay_epochs": 50.0,
            "optimizer": "adam", "schedule": "exponential", "warmup_epochs": 0.0, "layer_lr_decay": 1.0,
            "backbone_lr_factor": 1.0, "weight_decay": 1e-4, "label_smoothing": 0.1, "focal_gamma": 0.0,
            "mixup": 0.0, "cutmix": 0.0, "evaluation": { "flip": false, "crops": 1, "side_px": 0 },
            "clip_norm": 0.0, "ema_decay": 0.0, "head_epochs": 0,
            "class_weights": true, "selection": "best", "selection_k": 1,
            "augmentation": augmentation(),
        });
        let changed = changes.as_object().unwrap().clone();
        params.as_object_mut().unwrap().extend(changed);
        let outputs = ["model", "history", "timings", "epoch_outputs"];
        self.job(
            env!("CARGO_BIN_EXE_train"),
            run,
            &params,
            self.inputs(),
            &outputs,
        )
    }
}

/// The job with pretrained weights.
fn with_weights(mut job: Job, file: &Path) -> Job {
    job.content["in"]["weights"] = json!(file);
    job
}

const OUTPUTS: [&str; 3] = ["model", "history", "epoch_outputs"];

#[test]
fn a_training_has_the_same_bytes_with_other_threads_and_after_a_kill() {
    let study = Study::new();
    study.train("whole", &json!({})).run(2);
    study.train("one-thread", &json!({})).run(1);
    assert_same_files(&study.path("whole"), &study.path("one-thread"), &OUTPUTS);

    let broken = study.train("broken", &json!({}));
    broken.kill_after_a_checkpoint();
    let log = broken.run(2);
    assert!(log.contains("continuing after"), "{log}");
    assert_same_files(&study.path("whole"), &study.path("broken"), &OUTPUTS);

    // Once more from the checkpoint of the last epoch: nothing is trained.
    let log = broken.run(2);
    assert!(log.contains("continuing after 4 of 4 epochs"), "{log}");
    assert_same_files(&study.path("whole"), &study.path("broken"), &OUTPUTS);

    fs_err::write(
        broken.checkpoint().join("outputs-00001.safetensors"),
        "damaged",
    )
    .unwrap();
    let log = broken.run(2);
    assert!(
        log.contains("the checkpoint cannot be used: `outputs-00001.safetensors` is damaged"),
        "{log}"
    );
    assert_same_files(&study.path("whole"), &study.path("broken"), &OUTPUTS);
}

#[test]
fn fine_tuning_has_the_same_bytes_with_other_threads_and_after_a_kill() {
    let study = Study::new();
    let changes = json!({
        "repeat": 1, "freeze_batch_norm": true, "optimizer": "adamw", "schedule": "cosine", "warmup_epochs": 0.5,
        "layer_lr_decay": 0.8, "clip_norm": 1.0, "ema_decay": 0.9, "head_epochs": 1, "selection": "last",
    });
    study.train("whole", &changes).run(2);
    study.train("one-thread", &changes).run(1);
    assert_same_files(&study.path("whole"), &study.path("one-thread"), &OUTPUTS);

    let broken = study.train("broken", &changes);
    broken.kill_after_a_checkpoint();
    let log = broken.run(2);
    assert!(log.contains("continuing after"), "{log}");
    assert_same_files(&study.path("whole"), &study.path("broken"), &OUTPUTS);

    let history: Vec<History> = study.read("whole/history");
    let saved: Vec<u32> = { history.iter() }
        .filter(|row| row.best)
        .map(|row| row.epoch)
        .collect();
    assert_eq!(saved, [3]);
    // The head's epoch at `lr`, then the last steps' rates of three epochs, whose first is half a warm-up.
    let rates: Vec<f64> = history.iter().map(|row| row.learning_rate).collect();
    assert!(
        rates[0] >= 1e-3 && rates[1] < 1e-3 && rates.is_sorted_by(|a, b| a > b),
        "{rates:?}"
    );
}

#[test]
fn a_repetition_is_another_training() {
    let study = Study::new();
    study.train("first", &json!({ "epochs": 1 })).run(2);
    study
        .train("second", &json!({ "epochs": 1, "repeat": 1 }))
        .run(2);
    let losses = ["first", "second"]
        .map(|run| study.read::<History>(&format!("{run}/history"))[0].train_loss);
    assert!((losses[0] - losses[1]).abs() > 0.0);
}

#[test]
fn a_checkpoint_of_other_parameters_is_not_continued() {
    let study = Study::new();
    study.train("run", &json!({ "epochs": 1 })).run(2);
    let log = study
        .train("run", &json!({ "epochs": 1, "lr": 1e-4 }))
        .run(2);
    assert!(
        log.contains("it belongs to a training with other parameters or inputs"),
        "{log}"
    );
}

#[test]
fn the_tables_are_consistent() {
    let study = Study::new();
    study.train("1", &json!({ "epochs": 3 })).run(2);

    let history: Vec<History> = study.read("1/history");
    assert_eq!(
        history.iter().map(|row| row.epoch).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    assert_eq!(history.iter().filter(|row| row.best).count(), 1);
    assert!(history[2].train_loss < history[0].train_loss, "{history:?}");
    assert_eq!(study.read::<Timing>("1/timings").len(), 3);

    let epochs: Vec<EpochOutput> = study.read("1/epoch_outputs");
    assert_eq!(epochs.len(), 3 * 30);
    let of_subset = |subset: Subset| {
        epochs
            .iter()
            .filter(|row| row.epoch == 0 && row.subset == subset)
            .count()
    };
    assert_eq!(Subset::OF_SPLIT.map(of_subset), [15, 9, 6]);

    let annotations: Vec<Annotation> = study.read("annotations");
    let of_first = epochs.iter().take(30).map(|row| &row.path);
    assert!(of_first.eq(annotations.iter().map(|row| &row.path)));
}

#[test]
fn every_option_of_training_works() {
    let study = Study::new();
    let changes = json!({
        "epochs": 2, "sampling": "balanced", "backbone_lr_factor": 0.1, "focal_gamma": 2.0, "class_weights": false,
    });
    study.train("balanced", &changes).run(2);
    study.train("again", &changes).run(1);
    assert_same_files(&study.path("balanced"), &study.path("again"), &OUTPUTS);
    // Some of the 15 training images are never drawn; they have outputs all the same.
    let epochs: Vec<EpochOutput> = study.read("balanced/epoch_outputs");
    assert_eq!(epochs.len(), 2 * 30);
    let is_blank = |row: &EpochOutput| row.logits.iter().all(|logit| logit.abs() <= 0.0);
    assert!(!epochs.iter().any(is_blank));
}

#[test]
fn mixed_and_randomly_cropped_batches_train_the_same_for_any_number_of_threads() {
    let study = Study::new();
    let mut augmentation = augmentation();
    augmentation["crop_area"] = json!(0.3);
    augmentation["trivial"] = json!(true);
    let changes = json!({
        "epochs": 2, "mixup": 0.2, "cutmix": 1.0, "augmentation": augmentation,
        "evaluation": { "flip": true, "crops": 1, "side_px": 0 },
    });
    study.train("mixed", &changes).run(2);
    study.train("again", &changes).run(1);
    assert_same_files(&study.path("mixed"), &study.path("again"), &OUTPUTS);
    let without = json!({ "epochs": 2, "augmentation": changes["augmentation"].clone() });
    study.train("without", &without).run(2);
    // The network of the first step is the same, its loss isn't.
    let loss = |run: &str| study.read::<History>(&format!("{run}/history"))[0].train_loss;
    assert!((loss("mixed") - loss("without")).abs() > 1e-6);
}

#[test]
fn errors_have_the_value_found_and_the_expected_range() {
    let study = Study::new();
    let check = |changes: Value, expected: &str| {
        let error = study.train("run", &changes).error();
        assert!(error.contains(expected), "{error}");
    };
    check(
        json!({ "batch_size": 0 }),
        "parameter `batch_size`: invalid value: integer `0`, expected a nonzero",
    );
    check(
        json!({ "lr": 0.0 }),
        "parameter `lr`: found 0, expected a number greater than 0",
    );
    check(
        json!({ "label_smoothing": 1.0 }),
        "parameter `label_smoothing`: found 1, expected a number in [0, 1)",
    );
    check(
        json!({ "layer_lr_decay": 1.5 }),
        "parameter `layer_lr_decay`: found 1.5, expected a number in (0, 1]",
    );
    check(json!({ "optimizer": "sgd" }), "expected `adam` or `adamw`");
    check(
        json!({ "head_epochs": 4 }),
        "`head_epochs` is 4: expected less than `epochs`, 4",
    );
    check(
        json!({ "warmup_epochs": 4 }),
        "`warmup_epochs` is 4: expected less than the 4 epochs that all parts are trained for",
    );
    check(
        json!({ "fold": 3 }),
        "fold 3 does not exist: expected one of [0, 1, 2]",
    );
    check(
        json!({ "side_px": 64 }),
        "`pixels` is decoded for a side of 32 px: expected the side of the network, 64 px",
    );
    check(
        json!({ "mixup": 0.2, "focal_gamma": 2.0 }),
        "`focal_gamma` is 2, `mixup` 0.2 and `cutmix` 0: expected 0 for the focal loss or for both ways of mixing",
    );
    check(
        json!({ "evaluation": { "flip": false, "crops": 1, "side_px": 64 } }),
        "`pixels` is decoded for a side of 32 px: expected the side of the network, 64 px",
    );
    check(
        json!({ "evaluation": { "flip": false, "crops": 2, "side_px": 0 } }),
        "`evaluation.crops` is 2: expected 1 for the center, or 5 for center and corners",
    );
    check(
        json!({ "selection_k": 3 }),
        "`selection_k` is 3: expected less than the 3 classes",
    );
    check(
        json!({ "lr": 1e30 }),
        "expected a finite number; a lower learning rate may help",
    );

    let missing = study.path("missing.safetensors");
    let error = with_weights(study.train("run", &json!({})), &missing).error();
    assert!(
        error.contains("cannot load the pretrained weights")
            && error.contains("missing.safetensors"),
        "{error}"
    );
}

#[test]
fn a_class_without_training_images_is_named() {
    let study = Study::new();
    let mut folds: Vec<Fold> = study.read("folds");
    for row in folds.iter_mut().filter(|row| row.label == "green") {
        row.fold = Assignment::Fold(1);
    }
    study.write("folds", folds);
    let error = study.train("run", &json!({})).error();
    assert!(
        error.contains("class `green` has no training image"),
        "{error}"
    );
}

#[cfg(any(feature = "cuda", feature = "metal"))]
#[test]
fn a_training_on_the_gpu_is_close_to_that_on_the_cpu() {
    use approx::assert_abs_diff_eq;

    let class = if cfg!(feature = "cuda") {
        "cuda"
    } else {
        "metal"
    };
    let study = Study::new();
    let changes = |device: &str| json!({ "device": device, "epochs": 2 });
    study.train("cpu", &changes("cpu")).run(2);
    let gpu = study.train("gpu", &changes(class));
    // After a restart from a checkpoint, too.
    gpu.kill_after_a_checkpoint();
    gpu.run(2);
    let history = |run: &str| study.read::<History>(&format!("{run}/history"));
    for (cpu, gpu) in history("cpu").iter().zip(&history("gpu")) {
        // Rounding grows from step to step.
        assert_abs_diff_eq!(cpu.train_loss, gpu.train_loss, epsilon = 0.05);
    }
}
