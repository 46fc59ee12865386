//! Tables of a small study with two classes, three folds and names that need escaping.

use std::io::Cursor;
use std::path::Path;

use images::{Geometry, Pixels, PixelsWriter, Rgb};
use random::Seed;
use table_annotations::Annotation;
use table_attributions::Attribution;
use table_balance::Balance;
use table_calibrations::Calibration;
use table_class_reports::ClassReport;
use table_cluster_scores::ClusterScore;
use table_clusters::Cluster;
use table_comparisons::Comparison;
use table_confusion::Confusion;
use table_cross_validation::CrossValidation;
use table_embedding_evolution::EpochCoordinates;
use table_embedding_evolution_quality::EmbeddingEvolutionQuality;
use table_epoch_scores::EpochScore;
use table_fold_scores::FoldScore;
use table_forest_trials::ForestTrial;
use table_history::History;
use table_leakage::SplitLeakage;
use table_leakage_effect::LeakageEffect;
use table_linear_probes::LinearProbe;
use table_metric_embeddings::MetricEmbedding;
use table_metric_learning_scores::MetricLearningScore;
use table_near_duplicates::NearDuplicate;
use table_optimism::Optimism;
use table_predictions::Prediction;
use table_problems::Problem;
use table_reliabilities::Reliability;
use table_scores::Score;
use table_selection::Selection;
use table_silhouettes::Silhouette;
use tables::Assignment;
use tables::Subset;

use crate::{Options, Report, Tables, render};

/// The classes.
pub(crate) const LABELS: [&str; 2] = ["art<deco>", "photo"];
const FOLDS: [Assignment; 4] = [
    Assignment::Fold(0),
    Assignment::Fold(1),
    Assignment::Fold(2),
    Assignment::Test,
];
const AUTHOR: &str = "<b>&\"";

/// Image `number`: the classes alternate; photos have no author.
pub(crate) fn annotation(number: u32) -> Annotation {
    let class = number % 2;
    Annotation {
        path: format!("{class}/{number:02}.png"),
        label: LABELS[class as usize].to_owned(),
        author: (class == 0).then(|| AUTHOR.to_owned()),
        title: format!("no-{number}"),
        class_index: class,
        split: None,
        orientation: 1,
        width: 8,
        height: 4,
        format: "png".to_owned(),
        bytes: 100,
        content_hash: format!("{number:064x}"),
    }
}

/// The prediction for image `number`: every third is of the other class.
fn prediction(number: u32) -> Prediction {
    let annotation = annotation(number);
    let is_right = !number.is_multiple_of(3);
    let predicted = if is_right {
        annotation.class_index
    } else {
        1 - annotation.class_index
    } as usize;
    let mut probabilities = vec![0.25; 2];
    probabilities[predicted] = 0.75;
    Prediction {
        path: annotation.path,
        label: annotation.label,
        subset: Subset::OF_SPLIT[(number / 2 % 3) as usize],
        logits: probabilities.clone(),
        probabilities,
        embedding: vec![0.0; 2],
        predicted: LABELS[predicted].to_owned(),
    }
}

/// The left half is evidence for the class.
fn attribution(number: u32) -> Attribution {
    let prediction = prediction(number);
    Attribution {
        path: prediction.path,
        label: prediction.label,
        subset: prediction.subset,
        top1: LABELS[0].to_owned(),
        top1_probability: 0.75,
        top2: LABELS[1].to_owned(),
        top2_probability: 0.25,
        probability: 0.75,
        range: 0.5,
        cells: 2,
        window: 1,
        probability_drops: vec![0.25, -0.25, 0.25, -0.25],
        cam_layer: "layer2".to_owned(),
        cam_side: 1,
        cam: vec![0.0],
    }
}

/// Clusters and coordinates of image `number`.
pub(crate) fn cluster(number: u32) -> Cluster {
    let prediction = prediction(number);
    let at = number as f32;
    Cluster {
        path: prediction.path,
        label: prediction.label,
        subset: prediction.subset,
        kmeans: number % 2,
        ward: number % 2,
        umap_x: at.sin(),
        umap_y: at.cos(),
        umap3_x: at.sin(),
        umap3_y: at.cos(),
        umap3_z: at / 9.0,
    }
}

fn models() -> impl Iterator<Item = (String, Subset)> {
    let models = ["network", "forest"].into_iter();
    models.flat_map(|model| Subset::OF_SPLIT.map(|subset| (model.to_owned(), subset)))
}

fn scores() -> Vec<Score> {
    let metrics = ["f1", "log_loss", "precision", "recall", "top1", "top2"];
    models()
        .flat_map(|(model, subset)| {
            metrics.map(|metric| Score {
                model: model.clone(),
                subset,
                metric: metric.to_owned(),
                value: Some(0.75),
                low: Some(0.5),
                high: (subset != Subset::Test).then_some(0.875),
                images: 8,
                authors: 3,
                single_author_classes: 0,
            })
        })
        .collect()
}

/// The selected network and its forest differ in nothing.
fn model_comparisons() -> Vec<Comparison> {
    let subsets = [Subset::Validation, Subset::Test];
    let rows = subsets.into_iter().flat_map(|subset| {
        ["f1", "log_loss", "top1", "top2"].map(|metric| ("forest", subset, metric, 0.0, 0.1))
    });
    rows.map(comparison).collect()
}

/// Difference of the network from another model, with an interval of `width` on both sides.
fn comparison(
    (other, subset, metric, difference, width): (&str, Subset, &str, f64, f64),
) -> Comparison {
    Comparison {
        model: "network".to_owned(),
        other: other.to_owned(),
        subset,
        metric: metric.to_owned(),
        difference,
        low: Some(difference - width),
        high: Some(difference + width),
        images: 24,
        authors: 13,
    }
}

/// The network is worse than its linear probe in top-1 and not significantly different from it in log-loss.
fn comparisons() -> Vec<Comparison> {
    let subsets = [Subset::Validation, Subset::Test];
    let rows = subsets.into_iter().flat_map(|subset| {
        [
            ("chance", subset, "log_loss", -0.1, 0.05),
            ("chance", subset, "top1", 0.1, 0.05),
            ("forest", subset, "log_loss", -0.1, 0.05),
            ("forest", subset, "top1", 0.1, 0.05),
            ("largest class", subset, "log_loss", -0.1, 0.05),
            ("largest class", subset, "top1", 0.1, 0.05),
            ("linear probe", subset, "log_loss", 0.1, 0.2),
            ("linear probe", subset, "top1", -0.1, 0.05),
        ]
    });
    rows.map(comparison).collect()
}

/// Model and backbone of its frozen features, with its top-1.
const CROSS_VALIDATED: [(&str, Option<&str>, f64); 6] = [
    ("chance", None, 0.5),
    ("forest", Some("resnet18"), 0.5),
    ("largest class", None, 0.5),
    ("linear probe", Some("resnet18"), 0.7),
    ("network", None, 0.6),
    ("selected network", None, 0.75),
];

fn cross_validation() -> Vec<CrossValidation> {
    let models = CROSS_VALIDATED.into_iter();
    let subsets =
        models.flat_map(|model| [Subset::Validation, Subset::Test].map(|subset| (model, subset)));
    subsets
        .flat_map(|of| ["f1", "log_loss", "top1"].map(|metric| (of, metric)))
        .map(|(((model, features, value), subset), metric)| {
            let is_one = model == "selected network";
            let has_folds = subset == Subset::Validation && !is_one;
            CrossValidation {
                model: model.to_owned(),
                features: features.map(str::to_owned),
                subset,
                metric: metric.to_owned(),
                value,
                low: (model != "chance").then_some(value - 0.125),
                high: (model != "chance").then_some(value + 0.125),
                fold_mean: has_folds.then_some(value),
                fold_sd: has_folds.then_some(0.1),
                folds: if is_one { 1 } else { 3 },
                images: if subset == Subset::Test { 8 } else { 24 },
                authors: if subset == Subset::Test { 4 } else { 13 },
                single_author_classes: 1,
            }
        })
        .collect()
}

/// Each fold is better than the one before; the network's own epochs are better than those of the other folds.
fn fold_scores() -> Vec<FoldScore> {
    let models = [
        ("forest", Some("resnet18"), "nothing", None, 0.4),
        ("linear probe", Some("resnet18"), "other folds", None, 0.6),
        ("network", None, "other folds", Some(1), 0.5),
        ("network", None, "own fold", Some(2), 0.525),
    ];
    let folds = { models.into_iter() }.flat_map(|model| (0..3).map(move |fold| (model, fold)));
    folds
        .flat_map(|of| ["f1", "log_loss", "top1"].map(|metric| (of, metric)))
        .map(
            |(((model, features, selected_by, epoch, value), fold), metric)| FoldScore {
                model: model.to_owned(),
                features: features.map(str::to_owned),
                selected_by: selected_by.to_owned(),
                fold,
                epoch,
                images: 8,
                authors: 5,
                metric: metric.to_owned(),
                value: value + f64::from(fold) / 10.0,
            },
        )
        .collect()
}

fn optimism() -> Vec<Optimism> {
    let parts = [("epoch", 0.025), ("fold", 0.125), ("total", 0.15)];
    let metrics = ["f1", "log_loss", "top1"].into_iter();
    metrics
        .flat_map(|metric| parts.map(|part| (metric, part)))
        .map(|(metric, (part, value))| Optimism {
            metric: metric.to_owned(),
            part: part.to_owned(),
            value,
        })
        .collect()
}

/// Rows of the table.
pub(crate) fn confusion() -> Vec<Confusion> {
    let cells = [(0, 0, 1), (0, 1, 2), (1, 0, 0), (1, 1, 0)];
    models()
        .flat_map(|(model, subset)| {
            cells.map(|(actual, predicted, count)| Confusion {
                model: model.clone(),
                subset,
                actual: LABELS[actual].to_owned(),
                predicted: LABELS[predicted].to_owned(),
                count,
            })
        })
        .collect()
}

fn class_reports() -> Vec<ClassReport> {
    models()
        .flat_map(|(model, subset)| {
            LABELS.map(|label| ClassReport {
                model: model.clone(),
                subset,
                label: label.to_owned(),
                precision: 0.5,
                recall: 1.0,
                f1: 2.0 / 3.0,
                support: 3,
            })
        })
        .collect()
}

fn histories() -> Vec<History> {
    let epochs = (0..3).flat_map(|fold| (0..4).map(move |epoch| (fold, epoch)));
    epochs
        .map(|(fold, epoch)| History {
            fold,
            epoch,
            learning_rate: 1e-4,
            train_loss: 2.0 / f64::from(epoch + 1),
            validation_loss: 2.0,
            test_loss: None,
            score: 0.75,
            best: epoch == 2,
        })
        .collect()
}

fn epoch_scores() -> Vec<EpochScore> {
    let rows = histories().into_iter();
    rows.flat_map(|row| {
        let metrics = [
            "top1",
            "top2",
            "f1",
            "silhouette_true",
            "davies_bouldin_true",
        ];
        metrics.map(|metric| EpochScore {
            fold: row.fold,
            epoch: row.epoch,
            subset: Subset::Validation,
            metric: metric.to_owned(),
            value: Some(0.5),
        })
    })
    .collect()
}

fn silhouettes() -> Vec<Silhouette> {
    let methods = ["kmeans", "ward"].into_iter();
    let rows = methods.flat_map(|method| (2..6).map(move |k| (method, k)));
    rows.map(|(method, k)| Silhouette {
        method: method.to_owned(),
        k,
        silhouette: (k < 5).then(|| 0.5 - (f64::from(k) - 3.0).abs() / 10.0),
        inertia: None,
    })
    .collect()
}

fn cluster_scores() -> Vec<ClusterScore> {
    let methods = ["kmeans", "ward"].into_iter();
    let numbers = methods.flat_map(|method| (2..6).map(move |k| (method, k)));
    let subsets = [None].into_iter().chain(Subset::OF_SPLIT.map(Some));
    numbers
        .flat_map(|of| subsets.clone().map(move |subset| (of, subset)))
        .map(|((method, k), subset)| ClusterScore {
            method: method.to_owned(),
            k,
            subset,
            ari: Some(0.25),
            nmi: Some(0.375),
            images: if subset.is_some() { 8 } else { 24 },
        })
        .collect()
}

fn embedding_evolution() -> Vec<EpochCoordinates> {
    let rows = [0, 2].into_iter();
    rows.flat_map(|epoch| (0..24).map(move |number| (epoch, cluster(number))))
        .map(|(epoch, row)| EpochCoordinates {
            epoch,
            path: row.path,
            label: row.label,
            subset: row.subset,
            x: row.umap_x,
            y: row.umap_y,
        })
        .collect()
}

fn embedding_evolution_quality() -> Vec<EmbeddingEvolutionQuality> {
    let rows = [0, 2].into_iter();
    rows.flat_map(|epoch| Subset::OF_SPLIT.map(|subset| (epoch, subset)))
        .map(|(epoch, subset)| EmbeddingEvolutionQuality {
            epoch,
            subset,
            fitted: epoch == 2 && subset == Subset::Train,
            images: 8,
            neighbors: 3,
            trustworthiness: (subset == Subset::Validation).then_some(0.875),
        })
        .collect()
}

/// The second class was held out.
fn metric_embeddings() -> Vec<MetricEmbedding> {
    let rows = (0..24).map(|number| (number as f32, cluster(number)));
    rows.map(|(at, row)| MetricEmbedding {
        epoch: 1,
        learned: row.label == LABELS[0],
        path: row.path,
        label: row.label,
        subset: row.subset,
        embedding: vec![at.sin(), at.cos(), 1.0],
    })
    .collect()
}

fn metric_learning_scores() -> Vec<MetricLearningScore> {
    let metrics = ["silhouette", "davies_bouldin", "recall_at_1", "map_at_r"];
    let groups = (0..2).flat_map(|epoch| Subset::OF_SPLIT.map(|subset| (epoch, subset)));
    groups
        .flat_map(|(epoch, subset)| metrics.map(|metric| (epoch, subset, metric)))
        .flat_map(|(epoch, subset, metric)| {
            ["raw", "normalized"].map(|embedding| MetricLearningScore {
                epoch,
                subset,
                classes: "learned".to_owned(),
                embedding: embedding.to_owned(),
                metric: metric.to_owned(),
                value: Some(0.625),
                chance: matches!(metric, "recall_at_1" | "map_at_r").then_some(0.25),
                images: 8,
                n_classes: 1,
            })
        })
        .collect()
}

/// Model, method and subset, as the stage has them.
fn variants() -> impl Iterator<Item = (String, String, Subset)> {
    let methods = [
        ("network", "none"),
        ("network", "temperature"),
        ("forest", "none"),
        ("forest", "platt"),
        ("forest", "isotonic"),
    ];
    methods.into_iter().flat_map(|(model, method)| {
        [Subset::Validation, Subset::Test]
            .map(|subset| (model.to_owned(), method.to_owned(), subset))
    })
}

/// Validation images that show overconfidence, which every method improves, and test images that are too few.
fn calibrations() -> Vec<Calibration> {
    let row = |(model, method, subset): (String, String, Subset)| {
        let is_calibrated = method != "none";
        let is_validation = subset == Subset::Validation;
        let is_network = model == "network";
        let temperature = |value: f64| (method == "temperature").then_some(value);
        let spread = if is_validation { 0.1 } else { 0.0 };
        let change = is_calibrated && is_validation;
        Calibration {
            folds: if is_network { 2 } else { 1 },
            calibrators: match (is_calibrated, is_validation) {
                (false, _) => 0,
                (true, false) => 1,
                (true, true) if is_network => 2,
                (true, true) => 5,
            },
            n: if is_validation { 400 } else { 8 },
            errors: if is_validation { 200 } else { 4 },
            judged: is_validation,
            temperature: temperature(1.5),
            temperature_min: temperature(1.5 - spread),
            temperature_max: temperature(1.5 + spread),
            unseen_classes: Vec::new(),
            ece: if is_calibrated { 0.125 } else { 0.25 },
            ece_low: Some(0.1),
            ece_high: is_validation.then_some(0.4),
            ece_by_chance: Some(0.05),
            ece_by_chance_low: Some(0.03),
            ece_by_chance_high: Some(0.08),
            classwise_ece: 0.25,
            brier: 0.5,
            log_loss: if is_calibrated { 0.9 } else { 1.0 },
            log_loss_low: None,
            log_loss_high: None,
            log_loss_change: is_calibrated.then_some(-0.1),
            log_loss_change_low: change.then_some(-0.15),
            log_loss_change_high: change.then_some(-0.05),
            confidence: 0.75,
            accuracy: 0.5,
            excess_confidence: 0.25,
            excess_confidence_low: is_validation.then_some(0.18),
            excess_confidence_high: is_validation.then_some(0.32),
            model,
            method,
            subset,
        }
    };
    variants().map(row).collect()
}

fn reliabilities() -> Vec<Reliability> {
    let bins = [(0, 0, None), (1, 8, Some(0.75))];
    variants()
        .flat_map(|(model, method, subset)| {
            bins.map(|(bin, n, confidence)| Reliability {
                model: model.clone(),
                method: method.clone(),
                subset,
                bin,
                low: f64::from(bin) / 2.0,
                high: f64::from(bin + 1) / 2.0,
                n,
                confidence,
                accuracy: confidence.map(|_| 0.5),
                accuracy_low: confidence.map(|_| 0.4),
                accuracy_high: confidence.map(|_| 0.6),
            })
        })
        .collect()
}

/// The first has no limit of its depth.
fn forest_trials() -> Vec<ForestTrial> {
    let trial = |trial: u32| ForestTrial {
        trial,
        n_trees: 10 << trial,
        max_depth: if trial == 0 { 0 } else { 4 },
        min_samples_leaf: 1 + trial,
        min_samples_split: 2,
        max_features: 1,
        criterion: ["gini", "entropy"][trial as usize % 2].to_owned(),
        bootstrap: true,
        score: 0.5 + f64::from(trial) / 100.0,
        log_loss: 1.5 - f64::from(trial) / 100.0,
        best: trial == 5,
    };
    (0..6).map(trial).collect()
}

/// A network of random weights; the higher C of the linear layer is better and selected.
fn linear_probes() -> Vec<LinearProbe> {
    let classifiers = [
        ("forest", None, 0.4),
        ("linear", Some(0.01), 0.5),
        ("linear", Some(0.1), 0.6),
    ];
    let folds = classifiers
        .into_iter()
        .flat_map(|classifier| (0..3).map(move |fold| (classifier, fold)));
    folds
        .flat_map(|found| Subset::OF_SPLIT.map(|subset| (found, subset)))
        .flat_map(|found| ["top1", "top2"].map(|metric| (found, metric)))
        .map(
            |((((classifier, c, value), fold), subset), metric)| LinearProbe {
                backbone: "resnet18".to_owned(),
                pretrained: false,
                features: 512,
                classifier: classifier.to_owned(),
                c,
                selected: c != Some(0.01),
                fold,
                subset,
                metric: metric.to_owned(),
                value: value + f64::from(fold) / 10.0,
            },
        )
        .collect()
}

fn leakage() -> Vec<SplitLeakage> {
    let leak = |(split, shared): (&str, u32)| SplitLeakage {
        split: split.to_owned(),
        authors: 9,
        shared_authors: shared,
        shared_images: 4 * shared,
        near_duplicates: 2,
        split_near_duplicates: 1,
    };
    [("by author", 0), ("by class", 2), ("at random", 7)]
        .map(leak)
        .to_vec()
}

fn near_duplicates() -> Vec<NearDuplicate> {
    let row = |(path, group, label, representative): (&str, u32, &str, &str)| NearDuplicate {
        path: path.to_owned(),
        group,
        label: label.to_owned(),
        representative: representative.to_owned(),
        difference: if path == representative { 0.0 } else { 2.25 },
        conflict: group == 1,
    };
    [
        ("a/one.jpg", 0, "a", "a/one.jpg"),
        ("a/two.jpg", 0, "a", "a/one.jpg"),
        ("a/<three>.jpg", 1, "a", "a/<three>.jpg"),
        ("b/four.jpg", 1, "b", "a/<three>.jpg"),
    ]
    .map(row)
    .to_vec()
}

fn leakage_effect() -> Vec<LeakageEffect> {
    let splits = [("at random", 0.8), ("by author", 0.6), ("by class", 0.7)];
    let metrics = |(split, value): (&'static str, f64)| {
        ["f1", "top1", "top2"].map(move |metric| LeakageEffect {
            split: split.to_owned(),
            epoch: 2,
            metric: metric.to_owned(),
            value,
            low: Some(value - 0.1),
            high: Some(value + 0.1),
            difference: (split != "by author").then_some(value - 0.6),
            difference_low: (split != "by author").then_some(value - 0.7),
            difference_high: (split != "by author").then_some(value - 0.5),
            images: 8,
            authors: 3,
        })
    };
    splits.into_iter().flat_map(metrics).collect()
}

/// The study.
pub(crate) fn study() -> Tables {
    let mut study = Tables::default();
    study.insert("annotations", (0..24).map(annotation).collect());
    study.insert("problems", problems());
    study.insert("balance", balance());
    study.insert("leakage", leakage());
    study.insert("near_duplicates", near_duplicates());
    study.insert("leakage_effect", leakage_effect());
    study.insert("histories", histories());
    study.insert("selection", selection());
    study.insert("predictions", (0..24).map(prediction).collect());
    study.insert("attributions", [2, 3].map(attribution).to_vec());
    study.insert("scores", scores());
    study.insert("epoch_scores", epoch_scores());
    study.insert("model_comparisons", model_comparisons());
    study.insert("cross_validation", cross_validation());
    study.insert("fold_scores", fold_scores());
    study.insert("comparisons", comparisons());
    study.insert("optimism", optimism());
    study.insert("confusion", confusion());
    study.insert("class_reports", class_reports());
    study.insert("calibrations", calibrations());
    study.insert("reliabilities", reliabilities());
    study.insert("clusters", (0..24).map(cluster).collect());
    study.insert("silhouettes", silhouettes());
    study.insert("cluster_scores", cluster_scores());
    study.insert("forest_trials", forest_trials());
    study.insert("linear_probes", linear_probes());
    study.insert("metric_embeddings", metric_embeddings());
    study.insert("metric_learning_scores", metric_learning_scores());
    study.insert("embedding_evolution", embedding_evolution());
    study.insert("embedding_evolution_quality", embedding_evolution_quality());
    study
}

fn problems() -> Vec<Problem> {
    vec![Problem {
        path: "0/<script>.jpg".to_owned(),
        reason: "truncated".to_owned(),
        detail: "ends early".to_owned(),
    }]
}

fn balance() -> Vec<Balance> {
    let cells = LABELS
        .into_iter()
        .flat_map(|label| FOLDS.map(|fold| (label, fold)));
    cells
        .map(|(label, fold)| Balance {
            label: label.to_owned(),
            fold,
            authors: u32::from(label == LABELS[0]),
            images: 3,
        })
        .collect()
}

fn selection() -> Vec<Selection> {
    vec![Selection {
        rule: "best".to_owned(),
        fold: 1,
        epoch: 2,
        score: 0.75,
    }]
}

/// An image file.
pub(crate) fn png() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = image::RgbImage::from_pixel(8, 4, image::Rgb([200, 100, 50]));
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A file of pixels in `folder`, of images of one color each by their paths.
pub(crate) fn pixels<'a>(
    folder: &Path,
    images: impl IntoIterator<Item = (&'a str, [u8; 3])>,
) -> Pixels {
    let path = folder.join("pixels");
    let geometry = Geometry::new(16).unwrap();
    let mut writer = PixelsWriter::new(fs_err::File::create(&path).unwrap(), geometry).unwrap();
    let original = (60, 40);
    let (width, height) = geometry.resized(original.0, original.1);
    let (width, height) = geometry.kept(width, height);
    for (path, color) in images {
        let pixels = color.repeat((width * height) as usize);
        let image = Rgb {
            width,
            height,
            pixels,
        };
        writer.append(path, original, &image).unwrap();
    }
    writer.finish().unwrap();
    Pixels::open(&path).unwrap()
}

/// Settings under which a small collection is shown whole.
pub(crate) fn options() -> Options {
    Options {
        examples_per_class: 2,
        max_examples: 100,
        max_points: 1000,
        max_rows: 1000,
        thumbnail_px: 16,
        stream: Seed::new(1).stream(crate::streams::REPORT_EXAMPLES),
        recipe: crate::Recipe::default(),
    }
}

/// The report of `study`, all of whose images are the same.
pub(crate) fn report(study: &Tables) -> Report {
    render(study, &options(), None, |_| Ok(png())).unwrap()
}

/// The report of `study` with thumbnails in the table of images; `folder` is for the file of pixels.
pub(crate) fn report_with_pixels(study: &Tables, folder: &Path) -> Report {
    let annotations: Vec<Annotation> = (0..24).map(annotation).collect();
    let images = annotations.iter();
    let pixels = pixels(
        folder,
        images.map(|row| (row.path.as_str(), [200, 100, 50])),
    );
    render(study, &options(), Some(&pixels), |_| Ok(png())).unwrap()
}

/// Number of times that `part` occurs in `text`.
pub(crate) fn occurrences(text: &str, part: &str) -> usize {
    text.matches(part).count()
}
