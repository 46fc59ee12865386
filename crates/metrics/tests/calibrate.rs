//! Stage `calibrate` as the runner starts it.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::path::Path;
use std::process::Command;

use approx::assert_abs_diff_eq;
use metrics::calibration::Calibrators;
use serde_json::{Value, json};
use table_calibrations::Calibration;
use table_folds::Fold;
use table_forest_predictions::ForestPrediction;
use table_io::{Reader, Writer};
use table_out_of_fold::OutOfFold;
use table_reliabilities::Reliability;
use tables::{Assignment, Subset, Table};

const LABELS: [&str; 3] = ["a", "b", "c"];
/// Confidence of every prediction.
const CONFIDENCE: f32 = 0.9;
/// Images of a fold, two by each author.
const PER_FOLD: usize = 60;

/// Path, class, author, fold; `None` for the test set.
type Image = (String, usize, String, Option<u32>);

/// Images of classes `a` and `b` in each fold, and some of class `c` in the test set alone.
fn images(n_folds: u32) -> Vec<Image> {
    let folds = (0..n_folds).map(Some).chain([None]);
    let mut images: Vec<Image> = folds
        .flat_map(|fold| {
            (0..PER_FOLD).map(move |number| {
                let place = fold.map_or("test".to_owned(), |fold| format!("fold{fold}"));
                let author = number / 2;
                let n_classes = if fold.is_none() { 3 } else { 2 };
                let class = author % n_classes;
                let path = format!("{place}/{number:02}");
                (path, class, format!("{place} {author}"), fold)
            })
        })
        .collect();
    images.sort();
    images
}

/// Probabilities that predict the class, or the next of `a` and `b`.
fn probabilities(class: usize, is_right: bool) -> Vec<f32> {
    let mut row = vec![0.5 * (1.0 - CONFIDENCE); 3];
    let predicted = if is_right { class } else { (class + 1) % 2 };
    row[predicted] = CONFIDENCE;
    row
}

struct Run {
    folder: tempfile::TempDir,
}

impl Run {
    fn read<T: Table>(&self, name: &str) -> Vec<T> {
        Reader::new(&self.folder.path().join(name)).read().unwrap()
    }

    fn row(&self, model: &str, method: &str, subset: Subset) -> Calibration {
        let rows = self.read::<Calibration>("calibrations").into_iter();
        let mut rows = rows.filter(|row| {
            (row.model.as_str(), row.method.as_str(), row.subset) == (model, method, subset)
        });
        rows.next().unwrap()
    }

    fn calibrators(&self) -> Calibrators {
        let text = fs_err::read_to_string(self.folder.path().join("calibrators")).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

fn write<T: Table>(folder: &Path, name: &str, rows: Vec<T>) {
    let mut writer = Writer::create(&folder.join(name));
    writer.append(rows).unwrap();
    writer.finish().unwrap();
}

/// Number of right images of each ten of a fold.
fn run(right: &[usize], min_images: u64) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let images = images(u32::try_from(right.len()).unwrap());
    let is_right = |number: usize, fold: Option<u32>| {
        number % 10 < fold.map_or(8, |fold| right[fold as usize])
    };
    let folds = images.iter().map(|(path, class, author, fold)| Fold {
        path: path.clone(),
        label: LABELS[*class].to_owned(),
        author: Some(author.clone()),
        fold: fold.map_or(Assignment::Test, Assignment::Fold),
    });
    write(folder.path(), "folds", folds.collect());
    let network = images
        .iter()
        .enumerate()
        .map(|(number, (path, class, _, fold))| OutOfFold {
            model: "network".to_owned(),
            features: None,
            path: path.clone(),
            label: LABELS[*class].to_owned(),
            subset: fold.map_or(Subset::Test, |_| Subset::Validation),
            fold: *fold,
            epoch: fold.map(|_| 1),
            probabilities: probabilities(*class, is_right(number, *fold)),
            predicted: String::new(),
        });
    write(folder.path(), "out_of_fold", network.collect());
    let forest = images
        .iter()
        .enumerate()
        .map(|(number, (path, class, _, fold))| {
            let probabilities = probabilities(*class, is_right(number, *fold));
            ForestPrediction {
                path: path.clone(),
                label: LABELS[*class].to_owned(),
                subset: match fold {
                    None => Subset::Test,
                    Some(0) => Subset::Validation,
                    Some(_) => Subset::Train,
                },
                predicted: String::new(),
                probabilities,
            }
        });
    write(folder.path(), "forest", forest.collect());
    let job: Value = json!({
        "stage": "calibrate", "scratch": path("scratch"),
        "params": { "seed": 1, "bins": 10, "bootstrap": 200, "min_images": min_images, "min_errors": 10 },
        "in": { "folds": path("folds"), "out_of_fold": path("out_of_fold"), "forest": path("forest") },
        "out": {
            "calibrations": path("calibrations"), "reliabilities": path("reliabilities"),
            "calibrators": path("calibrators"),
        },
    });
    fs_err::write(path("job.json"), job.to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_calibrate"))
        .arg(path("job.json"))
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    Run { folder }
}

/// The temperature at which images with a confidence of 0.9, the rest shared by two classes, have this confidence.
fn temperature(confidence: f64) -> f64 {
    let odds = |p: f64| (p / (0.5 * (1.0 - p))).ln();
    odds(f64::from(CONFIDENCE)) / odds(confidence)
}

#[test]
fn the_networks_temperature_is_that_of_the_other_folds() {
    // Of the folds' images 60, 80 and 100 % are right: the others have 90, 80 and 70 %.
    let run = run(&[6, 8, 10], 100);
    let after = run.row("network", "temperature", Subset::Validation);
    assert_eq!((after.folds, after.calibrators, after.n), (3, 3, 180));
    let close = |found: Option<f64>, confidence| {
        assert_abs_diff_eq!(found.unwrap(), temperature(confidence), epsilon = 1e-4);
    };
    close(after.temperature_min, 0.9);
    close(after.temperature_max, 0.7);
    // All folds together have 80 %.
    close(after.temperature, 0.8);
    close(Some(run.calibrators().network.temperature.value()), 0.8);
    // Each fold at the confidence that the others have.
    let loss = |p: f64, share: f64| -share * p.ln() - (1.0 - share) * (0.5 * (1.0 - p)).ln();
    let losses = [(0.9, 0.6), (0.8, 0.8), (0.7, 1.0)];
    let mean = losses.map(|(p, share)| loss(p, share)).iter().sum::<f64>() / 3.0;
    assert_abs_diff_eq!(after.log_loss, mean, epsilon = 1e-5);
    assert_abs_diff_eq!(after.confidence, 0.8, epsilon = 1e-5);

    let before = run.row("network", "none", Subset::Validation);
    assert_eq!(
        (before.calibrators, before.errors, before.judged),
        (0, 36, true)
    );
    assert_eq!(before.log_loss_change, None);
    assert_abs_diff_eq!(before.accuracy, 0.8, epsilon = 1e-9);
    assert_abs_diff_eq!(before.excess_confidence, 0.1, epsilon = 1e-6);
    assert!(before.excess_confidence_low.unwrap() > 0.0);
    let change = after.log_loss - before.log_loss;
    assert_abs_diff_eq!(after.log_loss_change.unwrap(), change, epsilon = 1e-9);
    assert!(after.log_loss_change_low.unwrap() < change);
    assert!(before.ece_by_chance_low < before.ece_by_chance);
    assert!(before.ece_by_chance < before.ece_by_chance_high);

    // The test set is calibrated by the one temperature, and is too small for a judgment.
    let test = run.row("network", "temperature", Subset::Test);
    assert_eq!((test.calibrators, test.n, test.judged), (1, 60, false));
    assert_eq!(test.temperature_min, test.temperature);
    assert_eq!(test.excess_confidence_low, None);
    assert_eq!(test.log_loss_change_high, None);
}

#[test]
fn classes_without_validation_images_are_unseen() {
    let run = run(&[6, 8, 10], 100);
    for (model, method) in [("network", "temperature"), ("forest", "platt")] {
        for subset in [Subset::Validation, Subset::Test] {
            assert_eq!(run.row(model, method, subset).unseen_classes, ["c"]);
        }
        assert!(
            run.row(model, "none", Subset::Test)
                .unseen_classes
                .is_empty()
        );
    }
    let calibrators = run.calibrators();
    assert_eq!(calibrators.network.unseen_classes, ["c"]);
    assert_eq!(calibrators.forest.unwrap().unseen_classes, ["c"]);
}

#[test]
fn images_of_a_single_fold_are_divided_by_author() {
    let run = run(&[7], 60);
    let row = run.row("network", "temperature", Subset::Validation);
    assert_eq!(
        (row.folds, row.calibrators, row.n, row.judged),
        (1, 5, 60, true)
    );
    let [low, high] = [row.temperature_min, row.temperature_max].map(Option::unwrap);
    assert!(low < high && (low..=high).contains(&row.temperature.unwrap()));
    let forest = run.row("forest", "isotonic", Subset::Validation);
    assert_eq!((forest.folds, forest.calibrators, forest.n), (1, 5, 60));
    assert_eq!(forest.temperature, None);
}

#[test]
fn bins_have_intervals() {
    let run = run(&[6, 8, 10], 100);
    let rows = run.read::<Reliability>("reliabilities").into_iter();
    let rows = rows.filter(|row| row.subset == Subset::Validation && row.method == "none");
    let rows: Vec<Reliability> = rows.filter(|row| row.model == "network").collect();
    let [full] = &rows.iter().filter(|row| row.n > 0).collect::<Vec<_>>()[..] else {
        panic!("all confidences are in one bin")
    };
    let [low, high] = [full.accuracy_low, full.accuracy_high].map(Option::unwrap);
    assert!(
        low < 0.75 && high > 0.84 && low > 0.6 && high < 0.95,
        "{low} {high}"
    );
    assert!(
        rows.iter()
            .all(|row| row.n > 0 || row.accuracy_low.is_none())
    );
}
