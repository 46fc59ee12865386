//! The stages as the runner starts them, on a few tiny images and a network that was trained on them.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

#[path = "../../trainer/tests/study/mod.rs"]
mod study;

use std::path::Path;

use approx::assert_abs_diff_eq;
use candle_core::Device;
use images::{Evaluation, View};
use model::{Config, Depth, Network};
use random::Seed;
use serde_json::json;
use table_annotations::Annotation;
use table_features::Feature;
use table_folds::Fold;
use table_history::History;
use table_predictions::Prediction;
use table_selection::Selection;
use tables::Subset;
use trainer::{
    Checkpoints, CrossEntropy, DecodedImages, FineTuning, FoldSplit, ImageSource, LrFactors,
    Outputs, ProgressReporter, Sampling, Schedule, Settings, TrainError, Transform, evaluate,
    train,
};

use study::{Job, SIDE_PX, Study, assert_same_files};

/// The initial network of a training with seed 7.
fn start() -> Network {
    let config = Config {
        depth: Depth::D18,
        classifier: true,
        embedding_size: 4,
        n_classes: 3,
    };
    let mut rng = Seed::new(7).stream("weights").rng();
    Network::new(&config, &Device::Cpu, &mut rng).unwrap()
}

fn split(study: &Study, fold: u32) -> FoldSplit {
    let annotations: Vec<Annotation> = study.read("annotations");
    let folds: Vec<Fold> = study.read("folds");
    FoldSplit::new(&annotations, &folds, fold).unwrap()
}

/// Trains a fold; writes its history and its best model to the folder of its number. Returns the outputs of the best
/// epoch.
fn trained(study: &Study, fold: u32) -> Outputs {
    let settings = Settings {
        epochs: 3,
        sampling: Sampling::Shuffle,
        batch_size: 4,
        micro_batch_size: None,
        learning_rate: Schedule::exponential(1e-3, 0.1, 50.0),
        lr_factors: LrFactors {
            backbone: 1.0,
            head: 1.0,
            layer_decay: 1.0,
            classifier: true,
        },
        weight_decay: 1e-4,
        fine_tuning: FineTuning::default(),
        selection_k: 1,
        seed: Seed::new(7),
    };
    let folder = study.path(&fold.to_string());
    let mut checkpoints = Checkpoints::open(&folder, &fold).unwrap();
    let annotations: Vec<Annotation> = study.read("annotations");
    let history = train(
        &mut start(),
        &DecodedImages::open(&study.path("pixels"), &annotations, SIDE_PX).unwrap(),
        &split(study, fold),
        &settings,
        &CrossEntropy::new(vec![1.0; 3], 0.1),
        &mut checkpoints,
        &mut ProgressReporter::new(settings.epochs, || 0.0),
    )
    .unwrap();
    let best = history.best().unwrap();
    fs_err::copy(checkpoints.model_path(best), folder.join("model")).unwrap();
    let outputs = Outputs::load(&checkpoints.outputs_path(best.epoch as usize)).unwrap();
    study.write(&format!("{fold}/history"), history.epochs);
    outputs
}

fn select(study: &Study, folds: &[&str], models: &[&str]) -> Job {
    let paths = |folds: &[&str], name: &str| -> Vec<_> {
        let path = |fold: &&str| study.path(&format!("{fold}/{name}"));
        folds.iter().map(path).collect()
    };
    let inputs = json!({ "histories": paths(folds, "history"), "models": paths(models, "model") });
    let params = json!({ "rule": "best" });
    let program = env!("CARGO_BIN_EXE_select");
    study.job(program, "select", &params, inputs, &["selection", "model"])
}

fn predict(study: &Study) -> Job {
    let inputs = json!({
        "selection": study.path("select/selection"), "model": study.path("select/model"),
        "annotations": study.path("annotations"), "folds": study.path("folds"), "pixels": study.path("pixels"),
    });
    let params = json!({
        "device": "cpu", "resnet": 18, "classifier": true, "embedding_size": 4, "side_px": SIDE_PX,
        "evaluation": { "flip": false, "crops": 1, "side_px": 0 },
    });
    let program = env!("CARGO_BIN_EXE_predict");
    study.job(program, "predict", &params, inputs, &["predictions"])
}

/// A job of stage `features` with outputs in the folder `run`.
fn features(study: &Study, run: &str, seed: u64, weights: Option<&Path>) -> Job {
    let params = json!({
        "seed": seed, "device": "cpu", "resnet": 18, "side_px": SIDE_PX,
        "evaluation": { "flip": false, "crops": 1, "side_px": 0 },
    });
    let inputs = json!({
        "annotations": study.path("annotations"), "pixels": study.path("pixels"), "weights": weights,
    });
    let program = env!("CARGO_BIN_EXE_features");
    study.job(program, run, &params, inputs, &["features"])
}

#[test]
fn predictions_are_those_of_the_best_epoch_of_the_selected_fold() {
    let study = Study::new();
    let outputs = [0, 1].map(|fold| trained(&study, fold));

    select(&study, &["0", "1"], &["0", "1"]).run(1);
    let [selection] = study
        .read::<Selection>("select/selection")
        .try_into()
        .unwrap();
    let fold = selection.fold.to_string();
    assert_same_files(&study.path("select"), &study.path(&fold), &["model"]);
    let history: Vec<History> = study.read(&format!("{fold}/history"));
    let best = history.iter().find(|row| row.best).unwrap();
    assert_eq!(selection.epoch, best.epoch);

    predict(&study).run(2);
    let predictions: Vec<Prediction> = study.read("predict/predictions");
    let annotations: Vec<Annotation> = study.read("annotations");
    assert_eq!(predictions.len(), annotations.len());
    let (outputs, split) = (
        &outputs[selection.fold as usize],
        split(&study, selection.fold),
    );
    for (image, prediction) in predictions.iter().enumerate() {
        assert_eq!(
            (&prediction.path, prediction.subset),
            (&annotations[image].path, split.subsets[image])
        );
        assert_abs_diff_eq!(
            prediction.probabilities.iter().sum::<f32>(),
            1.0,
            epsilon = 1e-6
        );
        // The best model is the state of the epoch's evaluation.
        if prediction.subset != Subset::Train {
            for (predicted, expected) in prediction.logits.iter().zip(outputs.logits(image)) {
                assert_abs_diff_eq!(predicted, expected, epsilon = 1e-4);
            }
        }
    }
}

/// The images by one view alone.
struct OneView<'a>(&'a DecodedImages, [View; 1]);

impl ImageSource for OneView<'_> {
    fn side_px(&self, transform: Transform) -> usize {
        self.0.side_px(transform)
    }

    fn views(&self) -> &[View] {
        &self.1
    }

    fn prepare(
        &self,
        image: usize,
        transform: Transform,
        buffer: &mut Vec<u8>,
        values: &mut [f32],
    ) -> Result<(), TrainError> {
        self.0.prepare(image, transform, buffer, values)
    }
}

#[test]
fn predictions_are_means_over_the_views() {
    let study = Study::new();
    let annotations: Vec<Annotation> = study.read("annotations");
    let network = start();
    fs_err::create_dir_all(study.path("select")).unwrap();
    network.save(&study.path("select/model")).unwrap();
    study.write(
        "select/selection",
        vec![Selection {
            rule: "best".to_owned(),
            fold: 0,
            epoch: 0,
            score: 0.5,
        }],
    );
    let logits = |side_px: u32, evaluation: Evaluation| -> Vec<Vec<f32>> {
        let mut job = predict(&study);
        job.content["params"]["side_px"] = json!(side_px);
        job.content["params"]["evaluation"] = json!(evaluation);
        job.run(2);
        let rows: Vec<Prediction> = study.read("predict/predictions");
        rows.into_iter().map(|row| row.logits).collect()
    };
    let ten = Evaluation::new(true, 5, 0).unwrap();
    let source = DecodedImages::open(&study.path("pixels"), &annotations, SIDE_PX).unwrap();
    let images: Vec<usize> = (0..annotations.len()).collect();
    let mut sums = vec![vec![0.0; 3]; images.len()];
    for view in ten.views() {
        let mut outputs = Outputs::zeros(images.len(), 3, 4);
        let source = OneView(&source, [view]);
        evaluate(&network, &source, &images, &mut outputs, |_| ()).unwrap();
        for (image, sums) in sums.iter_mut().enumerate() {
            for (sum, logit) in sums.iter_mut().zip(outputs.logits(image)) {
                *sum += logit / 10.0;
            }
        }
    }
    for (found, expected) in logits(SIDE_PX, ten).iter().zip(&sums) {
        for (found, expected) in found.iter().zip(expected) {
            assert_abs_diff_eq!(found, expected, epsilon = 1e-5);
        }
    }
    // A network that was trained at half the side is evaluated at the whole.
    let plain = Evaluation::new(false, 1, 0).unwrap();
    let larger = Evaluation::new(false, 1, SIDE_PX).unwrap();
    let whole = logits(SIDE_PX, plain);
    assert_eq!(logits(SIDE_PX / 2, larger), whole);
    assert_ne!(logits(SIDE_PX / 2, plain), whole);
}

#[test]
fn a_frozen_network_has_features_for_every_image() {
    let study = Study::new();
    features(&study, "one", 7, None).run(1);
    features(&study, "four", 7, None).run(4);
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

    // The network is the initial one of a training: with its weights, the features are the same.
    let model = study.path("start.safetensors");
    start().save(&model).unwrap();
    features(&study, "loaded", 8, Some(&model)).run(1);
    let loaded: Vec<Feature> = study.read("loaded/features");
    assert!(loaded.iter().all(|row| row.pretrained));
    let features = |rows: Vec<Feature>| -> Vec<Vec<f32>> {
        rows.into_iter().map(|row| row.features).collect()
    };
    assert_eq!(features(loaded), features(rows));
}

#[test]
fn each_history_needs_a_model() {
    let error = select(&Study::new(), &["0", "1"], &["0"]).error();
    assert!(
        error.contains("found 2 histories and 1 models: expected one of each for every fold"),
        "{error}"
    );
}
