//! The stages as the runner starts them, on a few points.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use table_forest_predictions::ForestPrediction;
use table_forest_trials::ForestTrial;
use table_io::{Reader, Writer};
use table_predictions::Prediction;
use tables::Subset;
use tempfile::TempDir;

const LABELS: [&str; 3] = ["a", "b", "c"];
const SUBSETS: [Subset; 3] = [Subset::Train, Subset::Train, Subset::Validation];

/// A point near its class's center.
fn prediction(number: usize) -> Prediction {
    let label = number % 3;
    let noise = |seed: usize| ((number * seed) % 17) as f32 / 6.0;
    Prediction {
        path: format!("{number:03}"),
        label: LABELS[label].to_owned(),
        subset: SUBSETS[number / 3 % 3],
        logits: vec![0.0; 3],
        probabilities: vec![1.0 / 3.0; 3],
        embedding: vec![label as f32 + noise(5), noise(7) - label as f32],
        predicted: LABELS[label].to_owned(),
    }
}

struct Stages {
    folder: TempDir,
}

impl Stages {
    fn new() -> Self {
        let stages = Self {
            folder: TempDir::new().unwrap(),
        };
        let mut writer = Writer::create(&stages.path("predictions"));
        writer.append((0..90).map(prediction).collect()).unwrap();
        writer.finish().unwrap();
        stages
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a stage and returns its log.
    fn run(
        &self,
        program: &str,
        params: &Value,
        trials: &Value,
        out: (&str, &str),
        threads: u32,
    ) -> String {
        let mut inputs = json!({ "predictions": self.path("predictions") });
        if program == env!("CARGO_BIN_EXE_forest") {
            inputs["forest_trials"] = trials.clone();
        }
        let job = json!({
            "stage": "test",
            "params": params,
            "in": inputs,
            "out": { out.0: self.path(out.1) },
            "scratch": self.path("scratch"),
        });
        fs_err::write(self.path("job.json"), job.to_string()).unwrap();
        let output = Command::new(program)
            .arg(self.path("job.json"))
            .env("RAYON_NUM_THREADS", threads.to_string())
            .output()
            .unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{log}");
        log
    }

    fn search(&self, name: &str, threads: u32) -> Vec<u8> {
        let space =
            json!({ "n_trees": { "int": [1, 20] }, "bootstrap": { "choice": [true, false] } });
        self.search_in(&space, 14, name, threads);
        fs_err::read(self.path(name)).unwrap()
    }

    /// Runs a search of the space and returns its log.
    fn search_in(&self, space: &Value, trials: u32, name: &str, threads: u32) -> String {
        let params = json!({
            "seed": 1, "trials": trials, "method": "tpe", "parallel": 3, "space": space, "forest": shape(),
        });
        let search = env!("CARGO_BIN_EXE_forest-search");
        let out = ("forest_trials", name);
        self.run(search, &params, &Value::Null, out, threads)
    }
}

fn shape() -> Value {
    json!({
        "n_trees": 5,
        "max_depth": 3,
        "min_samples_leaf": 1,
        "min_samples_split": 2,
        "max_features": 0,
        "criterion": "gini",
        "bootstrap": true,
    })
}

#[test]
fn a_killed_search_ends_with_the_same_trials() {
    let stages = Stages::new();
    let whole = stages.search("whole", 2);
    // Files as after a kill in the middle of a round.
    for number in [7, 9, 10, 11, 12, 13] {
        fs_err::remove_file(stages.path(&format!("scratch/trial-{number:05}.json"))).unwrap();
    }
    let kept = stages.path("scratch/trial-00008.json");
    let written = fs_err::metadata(&kept).unwrap().modified().unwrap();
    assert_eq!(stages.search("continued", 1), whole);
    // Cached trials are not fitted again.
    assert_eq!(
        fs_err::metadata(&kept).unwrap().modified().unwrap(),
        written
    );
}

#[test]
fn the_forest_has_the_shape_of_the_best_trial() {
    let stages = Stages::new();
    stages.search("trials", 2);
    let trials: Vec<ForestTrial> = Reader::new(&stages.path("trials")).read().unwrap();
    // The forest of the parameters precedes those of the sampler.
    assert_eq!(trials.len(), 1 + 14);
    assert_eq!((trials[0].n_trees, trials[0].bootstrap), (5, true));
    let best: Vec<&ForestTrial> = trials.iter().filter(|trial| trial.best).collect();
    assert_eq!(best.len(), 1);
    let is_worse = |trial: &ForestTrial| {
        let is_equal = trial.score >= best[0].score;
        trial.score < best[0].score || (is_equal && trial.log_loss >= best[0].log_loss)
    };
    assert!(trials.iter().all(is_worse));

    let mut params = shape();
    params["seed"] = 1.into();
    let forest = env!("CARGO_BIN_EXE_forest");
    let path = json!(stages.path("trials"));
    stages.run(forest, &params, &path, ("forest_predictions", "tuned"), 1);
    params["n_trees"] = best[0].n_trees.into();
    params["bootstrap"] = best[0].bootstrap.into();
    stages.run(
        forest,
        &params,
        &Value::Null,
        ("forest_predictions", "by hand"),
        2,
    );
    let read = |name| -> Vec<ForestPrediction> { Reader::new(&stages.path(name)).read().unwrap() };
    assert_eq!(read("tuned"), read("by hand"));
    assert!(
        read("tuned")
            .iter()
            .all(|row| (row.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5)
    );
}

#[test]
fn a_search_among_worse_forests_keeps_the_parameters() {
    let stages = Stages::new();
    // Single trees, where the parameters have five.
    let space = json!({ "n_trees": { "int": [1, 1] }, "max_depth": { "int": [1, 2] } });
    let log = stages.search_in(&space, 4, "trials", 1);
    assert!(
        log.contains("no forest of the search is better than the one of `[forest]`"),
        "{log}"
    );
    let trials: Vec<ForestTrial> = Reader::new(&stages.path("trials")).read().unwrap();
    let best: Vec<bool> = trials.iter().map(|trial| trial.best).collect();
    assert_eq!(best, [true, false, false, false, false]);
    assert_eq!((trials[0].n_trees, trials[0].max_depth), (5, 3));
}
