//! The three stages as the runner starts them, on a few tiny pictures.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use approx::assert_abs_diff_eq;
use candle_core::Device;
use images::{Geometry, PixelsWriter, Rgb};
use model::{Config, Depth, Network};
use random::Seed;
use serde_json::{Value, json};
use tables::annotation::Annotation;
use tables::arrangement::Arrangement;
use tables::choice::Choice;
use tables::epoch_output::EpochOutput;
use tables::feature::Feature;
use tables::fold::{Assignment, Fold};
use tables::history::History;
use tables::prediction::Prediction;
use tables::subset::Subset;
use tables::timing::Timing;
use tables::{Reader, Table, Writer};
use tempfile::TempDir;

const SIDE_PX: u32 = 32;
const LABELS: [&str; 3] = ["blue", "green", "red"];
/// The last one is the test set.
const ASSIGNMENTS: [Assignment; 4] = [
    Assignment::Fold(0),
    Assignment::Fold(1),
    Assignment::Fold(2),
    Assignment::Test,
];

/// A folder with the inputs of the stages: 30 pictures of 3 classes, told apart by their color.
struct Study {
    folder: TempDir,
}

impl Study {
    fn new() -> Self {
        let study = Self {
            folder: TempDir::new().unwrap(),
        };
        let (mut annotations, mut folds) = (Vec::new(), Vec::new());
        for (code, label) in (0..).zip(LABELS) {
            for number in 0..10_usize {
                let path = format!("{label}/{number}.png");
                annotations.push(annotation(&path, label, code));
                folds.push(Fold {
                    path,
                    label: label.to_owned(),
                    author: None,
                    fold: ASSIGNMENTS[number % 4],
                });
            }
        }
        study.write("annotations", annotations.clone());
        study.write("folds", folds);
        study.write_pixels(&annotations);
        study
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write<T: Table>(&self, name: &str, rows: Vec<T>) {
        let mut writer = Writer::create(&self.path(name));
        writer.append(rows).unwrap();
        writer.finish().unwrap();
    }

    fn read<T: Table>(&self, name: &str) -> Vec<T> {
        Reader::new(&self.path(name)).read().unwrap()
    }

    fn write_pixels(&self, annotations: &[Annotation]) {
        let file = fs_err::File::create(self.path("pixels")).unwrap();
        let sizes = annotations
            .iter()
            .map(|row| (row.path.as_str(), row.width, row.height));
        let geometry = Geometry::new(SIDE_PX).unwrap();
        let mut writer = PixelsWriter::new(file, geometry, sizes).unwrap();
        for (number, row) in annotations.iter().enumerate() {
            let (width, height) = geometry.resized(row.width, row.height);
            let (width, height) = geometry.kept(width, height);
            let pixels = pixels(row.code as usize, number, (width * height) as usize);
            writer
                .append(&Rgb {
                    width,
                    height,
                    pixels,
                })
                .unwrap();
        }
        writer.finish().unwrap();
    }

    /// A job of stage `train` with outputs in the folder `run`.
    fn train(&self, run: &str, changes: &Value) -> Job {
        let mut params = json!({
            "seed": 7, "device": "cpu", "fold": 1,
            "resnet": 18, "embedding_size": 4, "freeze_cnn": false, "freeze_fc": false, "side_px": SIDE_PX,
            "epochs": 4, "sampling": "shuffle", "batch_size": 4, "lr": 1e-3, "lr_decay": 0.1, "lr_decay_epochs": 50.0,
            "backbone_lr_factor": 1.0, "weight_decay": 1e-4, "label_smoothing": 0.1, "focal_gamma": 0.0,
            "class_weights": true, "selection_k": 1,
            "augmentation": augmentation(),
        });
        let changed = changes.as_object().unwrap().clone();
        params.as_object_mut().unwrap().extend(changed);
        let inputs = json!({
            "annotations": self.path("annotations"), "folds": self.path("folds"), "pixels": self.path("pixels"),
            "weights": null,
        });
        let outputs = ["model", "history", "timings", "epochs"];
        self.job(env!("CARGO_BIN_EXE_train"), run, &params, inputs, &outputs)
    }

    /// A job of stage `arrange` with outputs in the folder `run`.
    fn arrange(&self, run: &str, changes: &Value) -> Job {
        let mut params = json!({
            "seed": 7, "device": "cpu", "fold": 1, "held_out": ["green"], "loss": "arcface",
            "resnet": 18, "embedding_size": 3, "freeze_cnn": false, "freeze_fc": false, "side_px": SIDE_PX,
            "epochs": 3, "batch_size": 5, "lr": 1e-3, "lr_decay": 0.1, "lr_decay_epochs": 50.0,
            "weight_decay": 0.0, "class_weights": true, "centers_lr": 1e-2, "scale": 16.0, "margin_deg": 28.6,
            "triplet_margin": 0.1, "augmentation": augmentation(),
        });
        let changed = changes.as_object().unwrap().clone();
        params.as_object_mut().unwrap().extend(changed);
        let inputs = json!({
            "annotations": self.path("annotations"), "folds": self.path("folds"), "pixels": self.path("pixels"),
            "weights": null,
        });
        let outputs = ["arrangement", "history", "timings"];
        self.job(
            env!("CARGO_BIN_EXE_arrange"),
            run,
            &params,
            inputs,
            &outputs,
        )
    }

    /// A job of stage `featurize` with outputs in the folder `run`.
    fn featurize(&self, run: &str) -> Job {
        let params = json!({ "seed": 7, "device": "cpu", "resnet": 18, "side_px": SIDE_PX });
        let inputs = json!({
            "annotations": self.path("annotations"), "pixels": self.path("pixels"), "weights": null,
        });
        let program = env!("CARGO_BIN_EXE_featurize");
        self.job(program, run, &params, inputs, &["features"])
    }

    fn job(
        &self,
        program: &'static str,
        run: &str,
        params: &Value,
        inputs: Value,
        outputs: &[&str],
    ) -> Job {
        let folder = self.path(run);
        fs_err::create_dir_all(&folder).unwrap();
        let outputs: serde_json::Map<String, Value> = outputs
            .iter()
            .map(|name| ((*name).to_owned(), json!(folder.join(name))))
            .collect();
        let scratch = folder.join("scratch");
        Job {
            program,
            file: folder.join("job.json"),
            checkpoint: scratch.join("checkpoint"),
            content: json!({ "stage": run, "params": params, "in": inputs, "out": outputs, "scratch": scratch }),
        }
    }
}

fn augmentation() -> Value {
    json!({
        "rotation_deg": 45.0, "flip": true, "brightness": 0.25, "contrast": 0.25, "saturation": 0.25,
        "erase_probability": 0.5,
    })
}

fn annotation(path: &str, label: &str, code: u32) -> Annotation {
    Annotation {
        path: path.to_owned(),
        label: label.to_owned(),
        author: None,
        title: path.to_owned(),
        code,
        split: None,
        orientation: 1,
        width: 40,
        height: 50,
        format: "png".to_owned(),
        bytes: 1,
        content_hash: String::new(),
    }
}

/// Noise in which the color of the class is stronger.
fn pixels(class: usize, number: usize, n_pixels: usize) -> Vec<u8> {
    let noise = |i: usize| u8::try_from((i * 7919 + number * 104_729) % 97).unwrap();
    let strong = 2 - class;
    (0..n_pixels * 3)
        .map(|i| noise(i) + if i % 3 == strong { 120 } else { 0 })
        .collect()
}

struct Job {
    program: &'static str,
    file: PathBuf,
    checkpoint: PathBuf,
    content: Value,
}

impl Job {
    fn input(mut self, name: &str, value: Value) -> Self {
        self.content["in"][name] = value;
        self
    }

    fn start(&self, threads: usize) -> Child {
        fs_err::write(&self.file, self.content.to_string()).unwrap();
        let mut command = Command::new(self.program);
        command
            .arg(&self.file)
            .env("RAYON_NUM_THREADS", threads.to_string());
        command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The stage's log; it succeeds.
    fn run(&self, threads: usize) -> String {
        let Output { status, stderr, .. } = self.start(threads).wait_with_output().unwrap();
        let log = String::from_utf8(stderr).unwrap();
        assert!(status.success(), "{log}");
        log
    }

    /// The last line of the stage's log; it fails.
    fn error(&self) -> String {
        let Output { status, stderr, .. } = self.start(1).wait_with_output().unwrap();
        let log = String::from_utf8(stderr).unwrap();
        assert!(!status.success(), "{log}");
        log.lines().last().unwrap().to_owned()
    }

    /// Kills the stage as soon as it has a checkpoint.
    fn kill_after_a_checkpoint(&self) {
        let mut stage = self.start(2);
        while !self.checkpoint.join("checkpoint.json").exists() {
            assert!(
                stage.try_wait().unwrap().is_none(),
                "the stage ended before it was killed"
            );
            sleep(Duration::from_millis(2));
        }
        stage.kill().unwrap();
        assert!(
            !stage.wait().unwrap().success(),
            "the stage ended before it was killed"
        );
    }
}

fn assert_same_files(first: &Path, second: &Path, names: &[&str]) {
    for name in names {
        let same =
            fs_err::read(first.join(name)).unwrap() == fs_err::read(second.join(name)).unwrap();
        assert!(same, "`{name}` differs");
    }
}

const OUTPUTS: [&str; 3] = ["model", "history", "epochs"];

#[test]
fn a_training_gives_the_same_bytes_however_it_went() {
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
        broken.checkpoint.join("outputs-00001.safetensors"),
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
fn the_tables_hold_together() {
    let study = Study::new();
    study.train("0", &json!({ "epochs": 3, "fold": 0 })).run(2);
    study.train("1", &json!({ "epochs": 3 })).run(2);

    let history: Vec<History> = study.read("1/history");
    assert_eq!(
        history.iter().map(|row| row.epoch).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    assert_eq!(history.iter().filter(|row| row.best).count(), 1);
    assert!(history[2].train_loss < history[0].train_loss, "{history:?}");
    assert_eq!(study.read::<Timing>("1/timings").len(), 3);

    let epochs: Vec<EpochOutput> = study.read("1/epochs");
    assert_eq!(epochs.len(), 3 * 30);
    let of_subset = |subset: Subset| {
        epochs
            .iter()
            .filter(|row| row.epoch == 0 && row.subset == subset)
            .count()
    };
    assert_eq!(Subset::OF_SPLIT.map(of_subset), [15, 9, 6]);

    let inputs = json!({
        "histories": [study.path("0/history"), study.path("1/history")],
        "models": [study.path("0/model"), study.path("1/model")],
    });
    let params = json!({ "rule": "best" });
    study
        .job(
            env!("CARGO_BIN_EXE_choose"),
            "choose",
            &params,
            inputs,
            &["choice", "model"],
        )
        .run(1);
    let [choice] = study.read::<Choice>("choose/choice").try_into().unwrap();
    let fold = choice.fold.to_string();
    assert_same_files(&study.path("choose"), &study.path(&fold), &["model"]);

    let inputs = json!({
        "choice": study.path("choose/choice"), "model": study.path("choose/model"),
        "annotations": study.path("annotations"), "folds": study.path("folds"), "pixels": study.path("pixels"),
    });
    let params = json!({ "device": "cpu", "resnet": 18, "embedding_size": 4, "side_px": SIDE_PX });
    study
        .job(
            env!("CARGO_BIN_EXE_predict"),
            "predict",
            &params,
            inputs,
            &["predictions"],
        )
        .run(2);
    let predictions: Vec<Prediction> = study.read("predict/predictions");
    let said: Vec<EpochOutput> = study.read(&format!("{fold}/epochs"));
    let said = said.iter().filter(|row| row.epoch == choice.epoch);
    for (prediction, said) in predictions.iter().zip(said) {
        assert_eq!(
            (&prediction.path, &prediction.subset),
            (&said.path, &said.subset)
        );
        assert_abs_diff_eq!(
            prediction.probabilities.iter().sum::<f32>(),
            1.0,
            epsilon = 1e-6
        );
        // The best model is the state that the epoch's evaluation saw.
        if said.subset != Subset::Train {
            for (predicted, said) in prediction.logits.iter().zip(&said.logits) {
                assert_abs_diff_eq!(predicted, said, epsilon = 1e-4);
            }
        }
    }
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
    // With 15 training pictures some are never drawn; what the network says of them is noted all the same.
    let epochs: Vec<EpochOutput> = study.read("balanced/epochs");
    assert_eq!(epochs.len(), 2 * 30);
    let is_blank = |row: &EpochOutput| row.logits.iter().all(|logit| logit.abs() <= 0.0);
    assert!(!epochs.iter().any(is_blank));
}

#[test]
fn an_arrangement_gives_the_same_bytes_however_it_went() {
    let study = Study::new();
    for loss in ["arcface", "triplet"] {
        let changes = json!({ "loss": loss });
        let outputs = ["arrangement", "history"];
        let (whole, broken) = (format!("{loss}-whole"), format!("{loss}-broken"));
        study.arrange(&whole, &changes).run(2);
        let job = study.arrange(&broken, &changes);
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
        let rows: Vec<Arrangement> = study.read(&format!("{whole}/arrangement"));
        assert_eq!(rows.len(), 3 * 30);
        assert!(rows.iter().all(|row| row.learned == (row.label != "green")));
        assert!(rows.iter().all(|row| row.embedding.len() == 3));
        let held_out = |subset: Subset| {
            let rows = rows.iter().filter(|row| row.epoch == 0 && !row.learned);
            rows.filter(|row| row.subset == subset).count()
        };
        assert_eq!(Subset::OF_SPLIT.map(held_out), [5, 3, 2]);
    }
    let error = study
        .arrange("error", &json!({ "held_out": ["gren"] }))
        .error();
    assert!(
        error.contains("`gren` is no class; did you mean `green`?"),
        "{error}"
    );
}

#[test]
fn a_frozen_network_has_features_for_every_picture() {
    let study = Study::new();
    study.featurize("one").run(1);
    study.featurize("four").run(4);
    assert_same_files(&study.path("one"), &study.path("four"), &["features"]);
    let rows: Vec<Feature> = study.read("one/features");
    let annotations: Vec<Annotation> = study.read("annotations");
    let paths =
        |rows: &[Feature]| -> Vec<String> { rows.iter().map(|row| row.path.clone()).collect() };
    let expected: Vec<String> = annotations.into_iter().map(|row| row.path).collect();
    assert_eq!(paths(&rows), expected);
    for row in &rows {
        assert_eq!((row.backbone.as_str(), row.pretrained), ("resnet18", false));
        assert_eq!(row.features.len(), 512);
    }
    assert_ne!(rows[0].features, rows[1].features);

    // The network is the one that training starts from: with its weights, the features are the same.
    let model = study.path("start.safetensors");
    write_start(&model);
    let mut loaded = study.featurize("loaded").input("weights", json!(model));
    loaded.content["params"]["seed"] = json!(8);
    loaded.run(1);
    let loaded: Vec<Feature> = study.read("loaded/features");
    assert!(loaded.iter().all(|row| row.pretrained));
    let features = |rows: Vec<Feature>| -> Vec<Vec<f32>> {
        rows.into_iter().map(|row| row.features).collect()
    };
    assert_eq!(features(loaded), features(rows));
}

/// Writes the weights that a training with seed 7 starts from.
fn write_start(path: &Path) {
    let config = Config {
        depth: Depth::D18,
        embedding_size: 4,
        n_classes: 3,
    };
    let mut rng = Seed::new(7).stream("weights").rng();
    let network = Network::new(&config, &Device::Cpu, &mut rng).unwrap();
    network.save(path).unwrap();
}

#[test]
fn errors_say_what_was_found_and_expected() {
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
        json!({ "fold": 3 }),
        "fold 3 does not exist: expected one of [0, 1, 2]",
    );
    check(
        json!({ "side_px": 64 }),
        "`pixels` is decoded for a side of 32 px: expected the side of the network, 64 px",
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
    let error = study
        .train("run", &json!({}))
        .input("weights", json!(missing))
        .error();
    assert!(
        error.contains("cannot load the pretrained weights")
            && error.contains("missing.safetensors"),
        "{error}"
    );
}

#[test]
fn a_class_without_training_pictures_is_named() {
    let study = Study::new();
    let mut folds: Vec<Fold> = study.read("folds");
    for row in folds.iter_mut().filter(|row| row.label == "green") {
        row.fold = Assignment::Fold(1);
    }
    study.write("folds", folds);
    let error = study.train("run", &json!({})).error();
    assert!(
        error.contains("class `green` has no training picture"),
        "{error}"
    );
}

#[cfg(any(feature = "cuda", feature = "metal"))]
#[test]
fn a_training_on_the_gpu_follows_that_on_the_cpu() {
    let class = if cfg!(feature = "cuda") {
        "cuda"
    } else {
        "metal"
    };
    let study = Study::new();
    let changes = |device: &str| json!({ "device": device, "epochs": 2 });
    study.train("cpu", &changes("cpu")).run(2);
    let gpu = study.train("gpu", &changes(class));
    // From a checkpoint on, too.
    gpu.kill_after_a_checkpoint();
    gpu.run(2);
    let history = |run: &str| study.read::<History>(&format!("{run}/history"));
    for (cpu, gpu) in history("cpu").iter().zip(&history("gpu")) {
        // Rounding grows from step to step.
        assert_abs_diff_eq!(cpu.train_loss, gpu.train_loss, epsilon = 0.05);
    }
    for loss in ["arcface", "triplet"] {
        let changes = json!({ "device": class, "loss": loss, "epochs": 1 });
        study.arrange(loss, &changes).run(2);
    }
}
