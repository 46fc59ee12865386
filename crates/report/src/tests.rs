//! The report of a small study with two classes, three folds and awkward names.

mod browser;
mod large;

use std::io::Cursor;

use random::Seed;
use tables::annotation::Annotation;
use tables::arrangement::Arrangement;
use tables::arrangement_score::ArrangementScore;
use tables::balance::Balance;
use tables::calibration::Calibration;
use tables::choice::Choice;
use tables::class_report::ClassReport;
use tables::cluster::Cluster;
use tables::confusion::Confusion;
use tables::epoch_place::EpochPlace;
use tables::epoch_score::EpochScore;
use tables::explanation::Explanation;
use tables::flattery::Flattery;
use tables::fold::Assignment;
use tables::forest_trial::ForestTrial;
use tables::history::History;
use tables::leak::Leak;
use tables::map_quality::MapQuality;
use tables::near_duplicate::NearDuplicate;
use tables::prediction::Prediction;
use tables::probe::Probe;
use tables::problem::Problem;
use tables::reliability::Reliability;
use tables::score::Score;
use tables::silhouette::Silhouette;
use tables::subset::Subset;

use crate::sections::confusion::Matrix;
use crate::{Options, Report, Study, render};

const LABELS: [&str; 2] = ["art<deco>", "photo"];
const FOLDS: [Assignment; 4] = [
    Assignment::Fold(0),
    Assignment::Fold(1),
    Assignment::Fold(2),
    Assignment::Test,
];
const AUTHOR: &str = "<b>&\"";

/// Picture `number`: the classes alternate; photos have no author.
fn annotation(number: u32) -> Annotation {
    let code = number % 2;
    Annotation {
        path: format!("{code}/{number:02}.png"),
        label: LABELS[code as usize].to_owned(),
        author: (code == 0).then(|| AUTHOR.to_owned()),
        title: format!("no-{number}"),
        code,
        split: None,
        orientation: 1,
        width: 8,
        height: 4,
        format: "png".to_owned(),
        bytes: 100,
        content_hash: format!("{number:064x}"),
    }
}

/// Every third picture is taken for the other class.
fn prediction(number: u32) -> Prediction {
    let annotation = annotation(number);
    let is_right = !number.is_multiple_of(3);
    let said = if is_right {
        annotation.code
    } else {
        1 - annotation.code
    } as usize;
    let mut probabilities = vec![0.25; 2];
    probabilities[said] = 0.75;
    Prediction {
        path: annotation.path,
        label: annotation.label,
        subset: Subset::OF_SPLIT[(number / 2 % 3) as usize],
        logits: probabilities.clone(),
        probabilities,
        embedding: vec![0.0; 2],
        predicted: LABELS[said].to_owned(),
    }
}

/// The left half speaks for the class.
fn explanation(number: u32) -> Explanation {
    let prediction = prediction(number);
    Explanation {
        path: prediction.path,
        label: prediction.label,
        subset: prediction.subset,
        top1: LABELS[0].to_owned(),
        top1_probability: 0.75,
        top2: LABELS[1].to_owned(),
        top2_probability: 0.25,
        probability: 0.75,
        amplitude: 0.5,
        cells: 2,
        square: 1,
        drops: vec![0.25, -0.25, 0.25, -0.25],
        cam_side: 1,
        cam: vec![0.0],
    }
}

fn cluster(number: u32) -> Cluster {
    let prediction = prediction(number);
    let at = number as f32;
    Cluster {
        path: prediction.path,
        label: prediction.label,
        subset: prediction.subset,
        kmeans: number % 2,
        agglomerative: number % 2,
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
    let metrics = ["f1", "precision", "recall", "top1", "top2"];
    models()
        .flat_map(|(model, subset)| {
            metrics.map(|metric| Score {
                model: model.clone(),
                subset,
                metric: metric.to_owned(),
                value: Some(0.75),
                low: Some(0.5),
                high: (subset != Subset::Test).then_some(0.875),
            })
        })
        .collect()
}

fn confusion() -> Vec<Confusion> {
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
        ["top1", "top2", "f1"].map(|metric| EpochScore {
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
    let methods = ["agglomerative", "kmeans"].into_iter();
    let rows = methods.flat_map(|method| (2..6).map(move |k| (method, k)));
    rows.map(|(method, k)| Silhouette {
        method: method.to_owned(),
        k,
        silhouette: (k < 5).then(|| 0.5 - (f64::from(k) - 3.0).abs() / 10.0),
        inertia: None,
    })
    .collect()
}

fn epoch_places() -> Vec<EpochPlace> {
    let rows = [0, 2].into_iter();
    rows.flat_map(|epoch| (0..24).map(move |number| (epoch, cluster(number))))
        .map(|(epoch, row)| EpochPlace {
            epoch,
            path: row.path,
            label: row.label,
            subset: row.subset,
            x: row.umap_x,
            y: row.umap_y,
        })
        .collect()
}

fn map_qualities() -> Vec<MapQuality> {
    let rows = [0, 2].into_iter();
    rows.flat_map(|epoch| Subset::OF_SPLIT.map(|subset| (epoch, subset)))
        .map(|(epoch, subset)| MapQuality {
            epoch,
            subset,
            fitted: epoch == 2 && subset == Subset::Train,
            pictures: 8,
            neighbors: 3,
            trustworthiness: (subset == Subset::Validation).then_some(0.875),
        })
        .collect()
}

/// The second class was held out.
fn arrangement() -> Vec<Arrangement> {
    let rows = (0..24).map(|number| (number as f32, cluster(number)));
    rows.map(|(at, row)| Arrangement {
        epoch: 1,
        learned: row.label == LABELS[0],
        path: row.path,
        label: row.label,
        subset: row.subset,
        embedding: vec![at.sin(), at.cos(), 1.0],
    })
    .collect()
}

fn arrangement_scores() -> Vec<ArrangementScore> {
    let metrics = ["silhouette", "davies_bouldin", "recall_at_1", "map_at_r"];
    let groups = (0..2).flat_map(|epoch| Subset::OF_SPLIT.map(|subset| (epoch, subset)));
    groups
        .flat_map(|(epoch, subset)| metrics.map(|metric| (epoch, subset, metric)))
        .flat_map(|(epoch, subset, metric)| {
            ["native", "sphere"].map(|space| ArrangementScore {
                epoch,
                subset,
                classes: "learned".to_owned(),
                space: space.to_owned(),
                metric: metric.to_owned(),
                value: Some(0.625),
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

/// Calibration is better by ECE on test images, and no better on validation images.
fn calibrations() -> Vec<Calibration> {
    let row = |(model, method, subset): (String, String, Subset)| {
        let is_better = method != "none" && subset == Subset::Test;
        Calibration {
            n: 8,
            temperature: (method == "temperature").then_some(1.5),
            ece: if is_better { 0.125 } else { 0.25 },
            ece_low: Some(0.1),
            ece_high: (subset != Subset::Test).then_some(0.4),
            ece_by_chance: Some(0.2),
            classwise_ece: 0.25,
            brier: 0.5,
            log_loss: 1.0,
            log_loss_low: None,
            log_loss_high: None,
            top1: 0.5,
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
            })
        })
        .collect()
}

fn forest_trials() -> Vec<ForestTrial> {
    let trial = |trial: u32| ForestTrial {
        trial,
        n_trees: 10 << trial,
        max_depth: 4,
        min_samples_leaf: 1 + trial,
        min_samples_split: 2,
        features_per_split: 1,
        criterion: ["gini", "entropy"][trial as usize % 2].to_owned(),
        bootstrap: true,
        score: 0.5 + f64::from(trial) / 100.0,
        best: trial == 5,
    };
    (0..6).map(trial).collect()
}

/// A network of random weights; the linear layer is the better the stronger, and its lower strength is not chosen.
fn probes() -> Vec<Probe> {
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
            |((((classifier, strength, value), fold), subset), metric)| Probe {
                backbone: "resnet18".to_owned(),
                pretrained: false,
                features: 512,
                classifier: classifier.to_owned(),
                strength,
                chosen: strength != Some(0.01),
                fold,
                subset,
                metric: metric.to_owned(),
                value: value + f64::from(fold) / 10.0,
            },
        )
        .collect()
}

#[test]
fn a_study_from_random_weights_says_so_first() {
    let mut study = study();
    let warning = "<p class=\"warning\">No pretrained weights: ";
    let page = report(&study).page;
    assert!(page.find(warning).unwrap() < page.find("id=\"frozen\"").unwrap());
    study
        .probes
        .iter_mut()
        .for_each(|row| row.pretrained = true);
    assert!(!report(&study).page.contains(warning));
    study.probes.clear();
    assert!(!report(&study).page.contains(warning));
}

#[test]
fn frozen_networks_stand_beside_the_fine_tuned() {
    let mut study = study();
    let page = report(&study).page;
    let expected = [
        "The best of them by validation images, the linear layer on resnet18, has a median top-1 of 0.700, 0.200 above the \
         0.500 of the networks that were fine-tuned. The weights of resnet18 are random:",
        "Medians of 3 folds",
        "<td class=\"words\">linear, C\u{a0}=\u{a0}0.1</td><td>512</td>",
        "0.700 <small>(0.60–0.80)</small>",
        "<td class=\"words\">its own layers</td><td>–</td>",
    ];
    for part in expected {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        !page.contains("0.01</td>"),
        "a strength that was not chosen"
    );
    study
        .probes
        .iter_mut()
        .for_each(|row| row.pretrained = true);
    assert!(!report(&study).page.contains("are random:"));
}

fn leaks() -> Vec<Leak> {
    let leak = |(design, shared): (&str, u32)| Leak {
        design: design.to_owned(),
        authors: 9,
        shared_authors: shared,
        shared_pictures: 4 * shared,
        near_duplicates: 2,
        parted_near_duplicates: 1,
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

fn flattery() -> Vec<Flattery> {
    let designs = [("at random", 0.8), ("by author", 0.6), ("by class", 0.7)];
    let metrics = |(design, value): (&'static str, f64)| {
        ["f1", "top1", "top2"].map(move |metric| Flattery {
            design: design.to_owned(),
            epoch: 2,
            metric: metric.to_owned(),
            value,
            low: Some(value - 0.1),
            high: Some(value + 0.1),
            pictures: 8,
        })
    };
    designs.into_iter().flat_map(metrics).collect()
}

#[test]
fn a_leak_is_told_in_numbers() {
    let page = report(&study()).page;
    assert!(page.contains("At random, top-1 is 0.800, 0.200 above the 0.600 by author."));
    assert!(page.contains("<td>7 of 9</td>"));
}

#[test]
fn copies_with_conflicting_labels_come_first() {
    let page = report(&study()).page;
    assert!(page.contains("4 images are near-duplicates"), "{page}");
    assert!(page.contains("1 group with conflicting labels: "));
    let place = |text: &str| page.find(text).unwrap();
    assert!(place(">b/four.jpg<") < place(">a/two.jpg<"));
    assert!(page.contains("<strong>b and a</strong>"));
    assert!(page.contains(">a/&lt;three&gt;.jpg<"));
}

#[test]
fn an_existing_split_is_named_and_its_leaks_are_counted() {
    let mut study = study();
    study.leaks[0].design = "existing".to_owned();
    study.leaks[0].shared_authors = 3;
    for row in &mut study.flattery {
        if row.design == "by author" {
            row.design = "existing".to_owned();
        }
    }
    let page = report(&study).page;
    assert!(page.contains("The existing split leaks: </strong>3 of 9 authors"));
    assert!(page.contains("0.200 above the 0.600 of the existing split."));
    assert!(!page.contains("This study splits by author"));
}

pub(crate) fn study() -> Study {
    let balance = LABELS
        .into_iter()
        .flat_map(|label| FOLDS.map(|fold| (label, fold)));
    Study {
        annotations: (0..24).map(annotation).collect(),
        problems: vec![Problem {
            path: "0/<script>.jpg".to_owned(),
            reason: "truncated".to_owned(),
            detail: "ends early".to_owned(),
        }],
        balance: balance
            .map(|(label, fold)| Balance {
                label: label.to_owned(),
                fold,
                authors: u32::from(label == LABELS[0]),
                pictures: 3,
            })
            .collect(),
        leaks: leaks(),
        near_duplicates: near_duplicates(),
        flattery: flattery(),
        histories: histories(),
        choice: Choice {
            rule: "best".to_owned(),
            fold: 1,
            epoch: 2,
            score: 0.75,
        },
        predictions: (0..24).map(prediction).collect(),
        explanations: [2, 3].map(explanation).to_vec(),
        scores: scores(),
        epoch_scores: epoch_scores(),
        confusion: confusion(),
        class_reports: class_reports(),
        calibrations: calibrations(),
        reliabilities: reliabilities(),
        clusters: (0..24).map(cluster).collect(),
        silhouettes: silhouettes(),
        forest_trials: forest_trials(),
        probes: probes(),
        arrangement: arrangement(),
        arrangement_scores: arrangement_scores(),
        epoch_places: epoch_places(),
        map_qualities: map_qualities(),
    }
}

fn png() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(8, 4, image::Rgb([200, 100, 50]));
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

fn report(study: &Study) -> Report {
    let options = Options {
        examples_per_class: 2,
        max_examples: 100,
        max_points: 1000,
        max_rows: 1000,
        thumbnail_px: 16,
        stream: Seed::new(1).stream("render examples"),
    };
    render(study, &options, |_| Ok(png())).unwrap()
}

fn occurrences(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[test]
fn the_same_study_gives_the_same_bytes() {
    assert_eq!(report(&study()), report(&study()));
}

#[test]
fn names_are_escaped() {
    let report = report(&study());
    assert!(!report.page.contains("<b>"));
    // The page's own script is last.
    assert_eq!(occurrences(&report.page, "<script>"), 1);
    assert!(!report.page.contains("art<deco>"));
    assert!(report.page.contains("&lt;b&gt;&amp;&quot;: no "));
    let figures = report.figures.iter();
    assert!(
        figures
            .clone()
            .any(|figure| figure.svg.contains("art&lt;deco&gt;"))
    );
    assert!(figures.clone().all(|figure| !figure.svg.contains("<deco>")));
}

#[test]
fn the_page_needs_nothing_else() {
    let report = report(&study());
    for elsewhere in [
        "http:",
        "https:",
        "<script src",
        "url(",
        "@import",
        "src=\"/",
    ] {
        assert!(!report.page.contains(elsewhere), "{elsewhere}");
    }
}

#[test]
fn every_figure_is_a_file_and_every_id_unique() {
    let report = report(&study());
    for figure in &report.figures {
        let id = figure.name.strip_suffix(".svg").unwrap();
        assert_eq!(occurrences(&report.page, &format!("id=\"figure-{id}\"")), 1);
        // Files that stand alone know no page with custom properties.
        assert!(!figure.svg.contains("var("), "{}", figure.name);
    }
    assert_eq!(
        occurrences(&report.page, "id=\"figure-"),
        report.figures.len()
    );
}

#[test]
fn the_chosen_epoch_is_marked_once_a_panel() {
    let report = report(&study());
    let panels = report
        .figures
        .iter()
        .filter(|f| f.name.starts_with("curves-"));
    let marks: Vec<usize> = panels.map(|f| occurrences(&f.svg, ">chosen: 2<")).collect();
    // Loss, top-1 and F1: two classes have no top-2.
    assert_eq!(marks, [1; 3]);
    assert_eq!(occurrences(&report.page, "<td>chosen</td>"), 1);
}

#[test]
fn the_best_number_of_clusters_is_ringed_once_a_method() {
    let report = report(&study());
    let figure = report
        .figures
        .iter()
        .find(|f| f.name == "silhouettes.svg")
        .unwrap();
    assert_eq!(occurrences(&figure.svg, "<circle class=\"ring"), 2);
    assert_eq!(occurrences(&figure.svg, ">k = 3: 0.50<"), 2);
}

#[test]
fn the_learned_space_is_drawn_where_it_has_three_dimensions() {
    let mut study = study();
    let text = report(&study).page;
    assert!(
        text.contains("never saw photo."),
        "held-out classes are named"
    );
    assert!(text.contains("the silhouette of the validation images is 0.625 for learned classes"));
    assert_eq!(occurrences(&text, "id=\"figure-metric-sphere\""), 1);
    assert!(text.contains("photo (held out)"));
    for row in &mut study.arrangement {
        row.embedding.push(0.0);
    }
    let text = report(&study).page;
    assert_eq!(occurrences(&text, "id=\"figure-metric-sphere\""), 0);
    assert!(text.contains("Only a space of three dimensions can be drawn."));
}

#[test]
fn confidence_is_judged_on_test_images() {
    let report = report(&study());
    let expected = [
        "On test images, the network is on average 75\u{a0}% sure of its first guess, and right on 50\u{a0}% of \
         them: it is overconfident.",
        "A temperature of 1.50 takes the network's ECE from 0.250 to 0.125 and its log-loss from 1.000 to 1.000: better by ECE \
         alone.",
        "Platt scaling takes the forest's ECE",
        "On 8 pictures, a perfectly calibrated network as sure as that would have an ECE of 0.200",
    ];
    for sentence in expected {
        assert!(report.page.contains(sentence), "{sentence}");
    }
    let figures = report.figures.iter();
    let diagrams = figures.filter(|f| f.name.starts_with("reliability-"));
    // A dot for each subset: the lower bin holds no pictures.
    let dots: Vec<usize> = diagrams
        .map(|f| occurrences(&f.svg, "<circle class=\"dot"))
        .collect();
    assert_eq!(dots, [2; 5]);
}

#[test]
fn the_forest_search_shows_what_varied() {
    let report = report(&study());
    assert!(report.page.contains("6 forests were fitted"));
    let figures = report.figures.iter();
    let names: Vec<&str> = figures
        .map(|figure| figure.name.as_str())
        .filter(|name| name.starts_with("search-"))
        .collect();
    assert_eq!(
        names,
        [
            "search-forest.svg",
            "search-forest-trees.svg",
            "search-forest-least-pictures-in-a-leaf.svg",
            "search-forest-criterion.svg"
        ]
    );
}

#[test]
fn rows_of_a_matrix_sum_to_all() {
    let study = study();
    let matrix = Matrix::of(&study, "network", Subset::Validation).unwrap();
    let row = |actual: &str| -> Option<Vec<f64>> {
        LABELS
            .iter()
            .map(|predicted| matrix.share(actual, predicted))
            .collect()
    };
    let shares = row(LABELS[0]).unwrap();
    assert!(
        (shares.iter().sum::<f64>() - 1.0).abs() < 1e-12,
        "{shares:?}"
    );
    assert!((shares[1] - 2.0 / 3.0).abs() < 1e-12, "{shares:?}");
    // A class without pictures has no shares.
    assert_eq!(row(LABELS[1]), None);
    assert!(Matrix::of(&study, "network", Subset::Unseen).is_none());
}

#[test]
fn a_picture_that_cannot_be_read_is_replaced_by_words() {
    let options = Options {
        examples_per_class: 1,
        max_examples: 100,
        max_points: 1000,
        max_rows: 1000,
        thumbnail_px: 16,
        stream: Seed::new(1).stream("render examples"),
    };
    let missing = || std::io::Error::other("/home/somebody: not there");
    let absent = render(&study(), &options, |_| Err(missing())).unwrap();
    let broken = render(&study(), &options, |_| Ok(png()[..20].to_vec())).unwrap();
    for report in [absent, broken] {
        assert!(report.page.contains("This picture cannot be shown."));
        assert!(!report.page.contains("<img"));
        assert!(!report.page.contains("/home/somebody"));
    }
}

#[test]
fn examples_stand_by_outcome_and_class() {
    let report = report(&study());
    // Of two classes the second guess is wrong, so that there are two grids.
    assert!(!report.page.contains("There are none."));
    // The validation images are 2, 8, 14, 20, of the first class and right, and 3, 9, 15, 21, of the second and wrong.
    assert_eq!(occurrences(&report.page, "alt=\"&lt;b"), 2);
    assert_eq!(occurrences(&report.page, "alt=\"no "), 2);
    let sections: Vec<&str> = report.page.split("<h3>").collect();
    assert!(sections[1].starts_with("Right at the first guess"));
    assert_eq!(occurrences(sections[1], "alt=\"&lt;b"), 2);
    assert_eq!(occurrences(sections[2], "alt=\"no "), 2);
}

/// Rows of the table of all pictures, each from its id on.
fn picture_rows(page: &str) -> Vec<&str> {
    let (_, table) = page.split_once("<section id=\"pictures\">").unwrap();
    table.split("<tr id=\"").skip(1).collect()
}

#[test]
fn every_picture_has_a_row() {
    let page = report(&study()).page;
    let rows = picture_rows(&page);
    assert_eq!(rows.len(), 24);
    // By path: 24 pictures alternate between two folders, so that the thirteenth is the first of the second.
    assert!(rows[1].starts_with("p1\"><th scope=\"row\">0/02.png</th>"));
    assert!(rows[12].starts_with("p12\"><th scope=\"row\">1/01.png</th>"));
    // Picture 2 is right, 3, which has no author, is not.
    assert!(rows[1].contains(
        "<td>&lt;b&gt;&amp;&quot;</td><td>validation</td>\
         <td><strong>art&lt;deco&gt; 75\u{a0}%</strong>, photo 25\u{a0}%</td><td>right</td>"
    ));
    assert!(rows[13].contains("<td>–</td><td>validation</td>"));
    assert!(rows[13].contains("<strong>photo 25\u{a0}%</strong></td><td>wrong</td>"));
    // A collection of thousands fits into a page.
    assert!(rows[..23].iter().all(|row| row.len() < 400));
}

#[test]
fn pictures_link_to_their_rows() {
    let page = report(&study()).page;
    let links: Vec<&str> = page.split("<a href=\"#p").skip(1).collect();
    let to_rows = links.iter().filter_map(|link| {
        let (place, rest) = link.split_once('"')?;
        rest.starts_with("><img").then(|| place.parse::<usize>())
    });
    let to_rows: Vec<usize> = to_rows.map(Result::unwrap).collect();
    // Four examples: numbers 2 to 20 are in rows 1 to 10, 3 to 21 in 13 to 22. The two that are explained have a class, and
    // are not counted.
    assert_eq!(to_rows.len(), 4);
    assert!(
        to_rows
            .iter()
            .all(|row| [1, 4, 7, 10, 13, 16, 19, 22].contains(row))
    );
    assert_eq!(occurrences(&page, "<a class=\"pair\" href=\"#p1\">"), 1);
    assert_eq!(occurrences(&page, "<a class=\"pair\" href=\"#p13\">"), 1);
}

#[test]
fn a_picture_without_a_prediction_has_a_row() {
    let mut study = study();
    study.predictions.retain(|row| row.path != "0/00.png");
    let page = report(&study).page;
    assert!(picture_rows(&page)[0].contains("<td>–</td><td>–</td><td>–</td>"));
}

#[test]
fn an_explanation_is_two_maps() {
    let mut study = study();
    let page = report(&study).page;
    assert_eq!(occurrences(&page, "alt=\"Occlusion map: "), 2);
    assert_eq!(occurrences(&page, "alt=\"Grad-CAM: "), 2);
    assert!(page.contains("squares of 50\u{a0}% of the picture's side"));
    assert!(page.contains("in 1\u{a0}×\u{a0}1 places, too few to point at much."));
    study.explanations.clear();
    let page = report(&study).page;
    assert!(page.contains("No picture was explained in this run."));
}

#[test]
fn a_study_without_forest_test_set_or_clusters_has_a_report() {
    let mut study = study();
    study
        .scores
        .retain(|row| row.model == "network" && row.subset != Subset::Test);
    study
        .confusion
        .retain(|row| row.model == "network" && row.subset != Subset::Test);
    study
        .calibrations
        .retain(|row| row.model == "network" && row.subset != Subset::Test);
    study
        .reliabilities
        .retain(|row| row.model == "network" && row.subset != Subset::Test);
    study.predictions.retain(|row| row.subset != Subset::Test);
    study.problems.clear();
    study.clusters.clear();
    study.forest_trials.clear();
    study.probes.clear();
    study
        .silhouettes
        .iter_mut()
        .for_each(|row| row.silhouette = None);
    study.histories.retain(|row| row.epoch == 2);
    study
        .epoch_scores
        .iter_mut()
        .for_each(|row| row.value = None);
    let report = report(&study);
    assert!(!report.page.contains("NaN") && !report.page.contains("inf "));
    assert!(!report.page.to_lowercase().contains("forest"));
    assert!(
        report
            .figures
            .iter()
            .all(|f| !f.svg.contains("NaN") && !f.svg.contains("inf\""))
    );
}

#[test]
fn predictions_of_other_classes_are_an_error() {
    let mut study = study();
    study.predictions[2].probabilities.push(0.0);
    let options = Options {
        examples_per_class: 1,
        max_examples: 100,
        max_points: 1000,
        max_rows: 1000,
        thumbnail_px: 16,
        stream: Seed::new(1).stream("render examples"),
    };
    let error = render(&study, &options, |_| Ok(png())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the picture `0/02.png` has scores of 3 classes, the annotations know 2"
    );
}

#[test]
fn the_summary_has_the_key_facts() {
    let expected = [
        "report: artifacts/report/index.html",
        "chosen: fold 1, epoch 2, by rule `best`",
        "top-1 of the network: validation 0.750 (0.50–0.88), test 0.750; by chance 0.500",
        "clusters: the silhouette of k-means is highest at k = 3, 0.500",
        "",
    ];
    assert_eq!(report(&study()).summary, expected.join("\n"));
}

#[test]
fn of_more_than_two_classes_top_2_is_told() {
    let mut study = study();
    "fauvism".clone_into(&mut study.annotations[0].label);
    let summary = crate::sections::overview::summary(&study);
    assert!(summary.contains(
        "top-2 of the network: validation 0.750 (0.50–0.88), test 0.750; by chance 0.667"
    ));
}
