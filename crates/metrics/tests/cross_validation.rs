//! Stage `cross-validation` as the runner starts it, on outputs that a reader can check by hand.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use approx::assert_abs_diff_eq;
use serde_json::json;
use table_class_reports::ClassReport;
use table_comparisons::Comparison;
use table_confusion::Confusion;
use table_cross_validation::CrossValidation;
use table_epoch_outputs::EpochOutput;
use table_fold_scores::FoldScore;
use table_folds::Fold;
use table_history::History;
use table_io::{Reader, Writer};
use table_optimism::Optimism;
use table_out_of_fold::OutOfFold;
use table_predictions::Prediction;
use table_selection::Selection;
use tables::{Assignment, Subset, Table};

const LABELS: [&str; 3] = ["a", "b", "c"];
/// Images of a class in a fold, each by an author of its own.
const PER_CLASS: usize = 4;

/// An image: path, class, fold; `None` for the test set.
type Image = (String, usize, Option<u32>);

/// Images of `n_folds` folds and of the test set.
fn images(n_folds: u32) -> Vec<Image> {
    let places = (0..n_folds).map(Some).chain([None]);
    let mut images: Vec<Image> = places
        .flat_map(|fold| {
            (0..LABELS.len() * PER_CLASS).map(move |number| {
                let name = fold.map_or("test".to_owned(), |fold| format!("fold{fold}"));
                (format!("{name}-{number:02}"), number % LABELS.len(), fold)
            })
        })
        .collect();
    images.sort();
    images
}

/// Logits that are right or predict the next class, with the true one second.
fn logits(class: usize, is_right: bool) -> Vec<f32> {
    let mut logits = vec![0.0; LABELS.len()];
    logits[class] = 2.0;
    if !is_right {
        logits[(class + 1) % LABELS.len()] = 4.0;
    }
    logits
}

/// Number of images of each fold that its network has right, by epoch.
type Right<'a> = &'a [&'a [usize]];

struct Run {
    folder: tempfile::TempDir,
    log: String,
    ok: bool,
}

impl Run {
    fn read<T: Table>(&self, name: &str) -> Vec<T> {
        Reader::new(&self.folder.path().join(name)).read().unwrap()
    }

    fn summary(&self) -> String {
        fs_err::read_to_string(self.folder.path().join("summary")).unwrap()
    }
}

fn write<T: Table>(folder: &Path, name: &str, rows: Vec<T>) {
    let mut writer = Writer::create(&folder.join(name));
    writer.append(rows).unwrap();
    writer.finish().unwrap();
}

fn best(epochs: &[usize]) -> usize {
    (0..epochs.len())
        .rev()
        .max_by_key(|&epoch| epochs[epoch])
        .unwrap()
}

fn histories(right: Right<'_>, best: impl Fn(&[usize]) -> usize) -> Vec<Vec<History>> {
    let folds = right.iter().enumerate().map(|(fold, epochs)| {
        let rows = epochs.iter().enumerate().map(|(epoch, &right)| History {
            fold: u32::try_from(fold).unwrap(),
            epoch: u32::try_from(epoch).unwrap(),
            learning_rate: 1e-4,
            train_loss: 1.0,
            validation_loss: 1.0,
            test_loss: None,
            score: right as f64 / (LABELS.len() * PER_CLASS) as f64,
            best: epoch == best(epochs),
        });
        rows.collect()
    });
    folds.collect()
}

/// Outputs of a fold by epoch; test images are right in every second epoch.
fn outputs(images: &[Image], fold: usize, epoch: usize, right: usize) -> Vec<EpochOutput> {
    let fold = u32::try_from(fold).unwrap();
    let mut n_validation = 0;
    let rows = images.iter().map(|(path, class, of)| {
        let (subset, is_right) = match of {
            None => (Subset::Test, epoch.is_multiple_of(2)),
            Some(of) if *of == fold => {
                n_validation += 1;
                (Subset::Validation, n_validation <= right)
            }
            Some(_) => (Subset::Train, true),
        };
        EpochOutput {
            fold,
            epoch: u32::try_from(epoch).unwrap(),
            path: path.clone(),
            class_index: u32::try_from(*class).unwrap(),
            subset,
            logits: logits(*class, is_right),
            embedding: vec![0.0],
        }
    });
    rows.collect()
}

/// Predictions of both probes: a share of the images is right.
fn probes(images: &[Image], is_right: impl Fn(&str, usize) -> bool) -> Vec<OutOfFold> {
    let models = ["forest", "linear probe"];
    let rows = models.into_iter().flat_map(|model| {
        let is_right = &is_right;
        images
            .iter()
            .enumerate()
            .map(move |(number, (path, class, fold))| {
                let predicted = if is_right(model, number) {
                    *class
                } else {
                    (class + 1) % LABELS.len()
                };
                let mut probabilities = vec![0.2; LABELS.len()];
                probabilities[predicted] = 0.6;
                OutOfFold {
                    model: model.to_owned(),
                    features: Some("resnet18".to_owned()),
                    path: path.clone(),
                    label: LABELS[*class].to_owned(),
                    subset: fold.map_or(Subset::Test, |_| Subset::Validation),
                    fold: *fold,
                    epoch: None,
                    probabilities,
                    predicted: LABELS[predicted].to_owned(),
                }
            })
    });
    rows.collect()
}

fn predictions(images: &[Image], selected: usize, right: usize) -> Vec<Prediction> {
    let rows = outputs(images, selected, 0, right).into_iter();
    let rows = rows.map(|row| Prediction {
        label: LABELS[row.class_index as usize].to_owned(),
        path: row.path,
        subset: row.subset,
        logits: row.logits,
        probabilities: vec![0.0; LABELS.len()],
        embedding: row.embedding,
        predicted: String::new(),
    });
    rows.collect()
}

/// Runs the stage for folds with these numbers of right images by epoch. `probes` are the baselines' predictions.
fn run(right: Right<'_>, probes: Vec<OutOfFold>) -> Run {
    run_with("best", right, probes)
}

/// The same for stage `train` that saves the `saved` epoch, `best` or `last`.
fn run_with(saved: &str, right: Right<'_>, probes: Vec<OutOfFold>) -> Run {
    let best = |epochs: &[usize]| {
        if saved == "last" {
            epochs.len() - 1
        } else {
            best(epochs)
        }
    };
    let images = images(u32::try_from(right.len()).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let folds = images.iter().map(|(path, class, fold)| Fold {
        path: path.clone(),
        label: LABELS[*class].to_owned(),
        author: None,
        fold: fold.map_or(Assignment::Test, Assignment::Fold),
    });
    write(folder.path(), "folds", folds.collect());
    for (fold, rows) in histories(right, best).into_iter().enumerate() {
        write(folder.path(), &format!("history{fold}"), rows);
        let mut writer = Writer::create(&path(&format!("outputs{fold}")));
        for (epoch, &right) in right[fold].iter().enumerate() {
            writer.append(outputs(&images, fold, epoch, right)).unwrap();
        }
        writer.finish().unwrap();
    }
    let of_best = |fold: usize| right[fold][best(right[fold])];
    let selected = (0..right.len())
        .rev()
        .max_by_key(|&fold| of_best(fold))
        .unwrap();
    let selection = Selection {
        rule: "best".to_owned(),
        fold: u32::try_from(selected).unwrap(),
        epoch: u32::try_from(best(right[selected])).unwrap(),
        score: 1.0,
    };
    write(folder.path(), "selection", vec![selection]);
    write(
        folder.path(),
        "predictions",
        predictions(&images, selected, of_best(selected)),
    );
    write(folder.path(), "probes", probes);
    let each = |name: &str| -> Vec<_> {
        (0..right.len())
            .map(|fold| path(&format!("{name}{fold}")))
            .collect()
    };
    let tables = [
        "out_of_fold",
        "fold_scores",
        "cross_validation",
        "confusion",
        "class_reports",
        "comparisons",
        "optimism",
        "summary",
    ];
    let out: serde_json::Map<_, _> = { tables.iter() }
        .map(|name| ((*name).to_owned(), json!(path(name))))
        .collect();
    let job = json!({
        "stage": "cross-validation", "scratch": path("scratch"),
        "params": { "seed": 1, "bootstrap": 200, "selection": saved, "resnet": 18 },
        "in": {
            "folds": path("folds"), "histories": each("history"), "epoch_outputs": each("outputs"),
            "selection": path("selection"), "predictions": path("predictions"), "probes": path("probes"),
        },
        "out": out,
    });
    fs_err::write(path("job.json"), job.to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cross-validation"))
        .arg(path("job.json"))
        .output()
        .unwrap();
    Run {
        folder,
        log: String::from_utf8_lossy(&output.stderr).into_owned(),
        ok: output.status.success(),
    }
}

/// Fold 0 is best in epoch 0, the others in epoch 2.
const RIGHT: Right<'_> = &[&[12, 6, 6], &[3, 6, 9], &[3, 6, 9]];

/// A study of three folds, whose probes have three of four images right.
fn study() -> Run {
    let run = run(RIGHT, probes(&images(3), |_, number| number % 4 > 0));
    assert!(run.ok, "{}", run.log);
    run
}

#[test]
fn each_image_is_predicted_in_the_epoch_that_the_other_folds_select() {
    let study = study();
    let rows: Vec<OutOfFold> = study.read("out_of_fold");
    assert_eq!(rows.len(), 4 * LABELS.len() * PER_CLASS);
    for row in &rows {
        assert_eq!((row.model.as_str(), &row.features), ("network", &None));
        // Without fold 0, epoch 2 is the best; without fold 1 or 2, epoch 0.
        let epoch = row.fold.map(|fold| if fold == 0 { 2 } else { 0 });
        assert_eq!(row.epoch, epoch);
        assert_abs_diff_eq!(row.probabilities.iter().sum::<f32>(), 1.0, epsilon = 1e-6);
        // All networks are in an even epoch, in which test images are right.
        assert!(row.fold.is_some() || row.predicted == row.label);
    }

    let folds: Vec<FoldScore> = study.read("fold_scores");
    let values = |model: &str, by: &str| -> Vec<f64> {
        let rows = folds.iter().filter(|row| {
            [row.model.as_str(), &row.selected_by, &row.metric] == [model, by, "accuracy"]
        });
        rows.map(|row| row.value).collect()
    };
    assert_eq!(values("network", "other folds"), [0.5, 0.25, 0.25]);
    assert_eq!(values("network", "own fold"), [1.0, 0.75, 0.75]);
    assert_eq!(values("linear probe", "other folds"), [0.75; 3]);
    assert_eq!(values("forest", "nothing"), [0.75; 3]);
}

#[test]
fn the_network_stands_beside_its_baselines() {
    let study = study();
    let rows: Vec<CrossValidation> = study.read("cross_validation");
    let row = |model: &str, subset: Subset, metric: &str| {
        let mut rows = rows.iter();
        rows.find(|row| {
            (row.model.as_str(), row.subset, row.metric.as_str()) == (model, subset, metric)
        })
        .unwrap()
    };
    let network = row("network", Subset::Validation, "accuracy");
    assert_abs_diff_eq!(network.value, 1.0 / 3.0, epsilon = 1e-12);
    assert_abs_diff_eq!(network.fold_mean.unwrap(), 1.0 / 3.0, epsilon = 1e-12);
    assert_abs_diff_eq!(
        network.fold_sd.unwrap(),
        (1.0_f64 / 48.0).sqrt(),
        epsilon = 1e-12
    );
    assert_eq!(
        (network.folds, network.images, network.authors),
        (3, 36, 36)
    );
    let (low, high) = (network.low.unwrap(), network.high.unwrap());
    assert!(low < network.value && network.value < high && low > 0.0 && high < 1.0);
    // Top-3 of three classes is always 1.
    assert!(rows.iter().all(|row| row.metric != "top3"));

    let ensemble = row("network", Subset::Test, "top1");
    assert_eq!(
        (ensemble.value, ensemble.fold_mean, ensemble.folds),
        (1.0, None, 3)
    );
    let selected = row("selected network", Subset::Validation, "top1");
    assert_eq!(
        (selected.value, selected.images, selected.folds),
        (1.0, 12, 1)
    );
    let of = |model: &str, metric: &str| row(model, Subset::Validation, metric).value;
    assert_abs_diff_eq!(of("chance", "top1"), 1.0 / 3.0, epsilon = 1e-12);
    assert_abs_diff_eq!(of("chance", "top2"), 2.0 / 3.0, epsilon = 1e-12);
    // All classes are equally frequent.
    assert_abs_diff_eq!(of("largest class", "log_loss"), 3_f64.ln(), epsilon = 1e-12);
    for baseline in ["chance", "largest class"] {
        assert_eq!(row(baseline, Subset::Test, "top1").low, None);
        assert_eq!(row(baseline, Subset::Validation, "accuracy").high, None);
    }

    let comparisons: Vec<Comparison> = study.read("comparisons");
    let against = |other: &str, subset: Subset| {
        let mut rows = comparisons.iter();
        let row = rows.find(|row| {
            (row.other.as_str(), row.subset, row.metric.as_str()) == (other, subset, "accuracy")
        });
        row.unwrap().difference
    };
    let probe = against("linear probe", Subset::Validation);
    assert_abs_diff_eq!(probe, 1.0 / 3.0 - 0.75, epsilon = 1e-12);
    let chance = against("chance", Subset::Validation);
    assert_abs_diff_eq!(chance, 0.0, epsilon = 1e-12);
    assert!(against("selected network", Subset::Test).abs() < 1e-12);
}

#[test]
fn classes_are_counted_over_all_folds() {
    let study = study();
    let confusion: Vec<Confusion> = study.read("confusion");
    let reports: Vec<ClassReport> = study.read("class_reports");
    for (model, share) in [("network", 1.0 / 3.0), ("linear probe", 0.75)] {
        let of = |row: &&Confusion| row.model == model && row.subset == Subset::Validation;
        let counts = |is_right: bool| -> u32 {
            let cells = confusion.iter().filter(of);
            let cells = cells.filter(|row| (row.actual == row.predicted) == is_right);
            cells.map(|row| row.count).sum()
        };
        let (right, wrong) = (f64::from(counts(true)), f64::from(counts(false)));
        assert_abs_diff_eq!(right / (right + wrong), share, epsilon = 1e-12);
        let rows = reports.iter();
        let rows = rows.filter(|row| row.model == model && row.subset == Subset::Validation);
        let weighted = rows.map(|row| row.recall * f64::from(row.support));
        assert_abs_diff_eq!(weighted.sum::<f64>(), right, epsilon = 1e-9);
    }
    // Chance and the largest class have no predictions of their own.
    let models: BTreeSet<&str> = confusion.iter().map(|row| row.model.as_str()).collect();
    assert_eq!(
        models,
        BTreeSet::from(["forest", "linear probe", "network"])
    );
    for row in &reports {
        let sum = row.precision + row.recall;
        let f1 = if sum > 0.0 {
            2.0 * row.precision * row.recall / sum
        } else {
            0.0
        };
        assert_abs_diff_eq!(row.f1, f1, epsilon = 1e-12);
        let cell = |is_in: &dyn Fn(&Confusion) -> bool| -> u32 {
            let cells = confusion
                .iter()
                .filter(|cell| (&cell.model, cell.subset) == (&row.model, row.subset));
            cells
                .filter(|cell| is_in(cell))
                .map(|cell| cell.count)
                .sum()
        };
        let right = cell(&|cell| cell.actual == row.label && cell.predicted == row.label);
        let predicted = cell(&|cell| cell.predicted == row.label);
        assert_abs_diff_eq!(
            row.precision * f64::from(predicted),
            f64::from(right),
            epsilon = 1e-9
        );
    }
}

#[test]
fn the_selected_networks_score_has_its_optimism_beside_it() {
    let study = study();
    let rows: Vec<Optimism> = study.read("optimism");
    let part = |part: &str| {
        let mut rows = rows.iter();
        let row = rows.find(|row| (row.metric.as_str(), row.part.as_str()) == ("accuracy", part));
        row.unwrap().value
    };
    // In their own epochs the folds have 1, 3/4 and 3/4; in those that others select 1/2, 1/4 and 1/4.
    assert_abs_diff_eq!(part("epoch"), 0.5, epsilon = 1e-12);
    assert_abs_diff_eq!(part("fold"), 1.0 - 2.5 / 3.0, epsilon = 1e-12);
    assert_abs_diff_eq!(part("total"), 2.0 / 3.0, epsilon = 1e-12);
    let summary = study.summary();
    for line in [
        "cross-validated, 3 folds: top-2 1.000 (",
        "36 images, 36 authors, each in the epoch that the other folds select",
        "by the ensemble of 3 networks",
        "selected network, fold 0, epoch 0: validation top-2 1.000, 0.000 from the mean of the folds (epoch 0.000, fold 0.000); top-1 1.000, optimistic by 0.667 (epoch +0.500, fold +0.167)",
        "top-1 chance 0.333, largest class 0.333, linear probe 0.750, forest 0.750",
        "top-1: the network is worse than the linear probe (-0.417, ",
    ] {
        assert!(summary.contains(line), "`{line}` is not in\n{summary}");
    }
}

#[test]
fn a_single_fold_is_scored_as_it_is_selected_and_says_so() {
    let run = run(&[&[6, 9, 3]], probes(&images(1), |_, _| true));
    assert!(run.ok, "{}", run.log);
    let folds: Vec<FoldScore> = run.read("fold_scores");
    let of_network = folds.iter().filter(|row| row.model == "network");
    for row in of_network {
        assert_eq!((row.selected_by.as_str(), row.epoch), ("own fold", Some(1)));
    }
    assert_eq!(run.read::<Optimism>("optimism"), []);
    let rows: Vec<CrossValidation> = run.read("cross_validation");
    assert!(rows.iter().all(|row| row.fold_mean.is_none()));
    let summary = run.summary();
    assert!(summary.starts_with("one fold: top-2"), "{summary}");
    assert!(summary.contains("optimistic"), "{summary}");
}

#[test]
fn last_epochs_are_scored_where_they_are_saved() {
    let run = run_with("last", RIGHT, probes(&images(3), |_, _| true));
    assert!(run.ok, "{}", run.log);
    let folds: Vec<FoldScore> = run.read("fold_scores");
    for row in folds.iter().filter(|row| row.model == "network") {
        assert_eq!((row.selected_by.as_str(), row.epoch), ("nothing", Some(2)));
    }
    let optimism: Vec<Optimism> = run.read("optimism");
    let mut parts = optimism.iter().filter(|row| row.part == "epoch");
    assert!(parts.all(|row| row.value == 0.0));
    assert!(run.summary().contains("each after the last epoch"));
}

#[test]
fn baselines_of_other_images_are_an_error() {
    let run = run(RIGHT, probes(&images(2), |_, _| true));
    assert!(!run.ok);
    assert!(
        run.log.contains(
            "`forest` has predictions for 24 validation images and `network` for 36, expected the same images"
        ),
        "{}",
        run.log
    );
}
