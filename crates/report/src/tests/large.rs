//! Collections of other sizes: a hundred classes, many images, no authors, no test set.

use random::Seed;
use table_annotations::Annotation;
use table_attributions::Attribution;
use table_balance::Balance;
use table_calibrations::Calibration;
use table_clusters::Cluster;
use table_comparisons::Comparison;
use table_confusion::Confusion;
use table_cross_validation::CrossValidation;
use table_linear_probes::LinearProbe;
use table_predictions::Prediction;
use table_scores::Score;
use tables::Assignment;
use tables::Subset;

use super::fixture::{annotation, cluster, occurrences, png, report, study};
use crate::{Options, Report, Tables, render};

/// The study with `n_classes` classes that alternate over `n_images` images, each predicted as the class before its own.
pub(super) fn with_classes(n_classes: u32, n_images: u32) -> Tables {
    let label = |class: u32| format!("class {class:03}, \"<{}>\" & more", "x".repeat(70));
    let predictions: Vec<Prediction> = (0..n_images)
        .map(|number| wrong(number, n_classes, label))
        .collect();
    let mut study = study();
    let annotations = (0..n_images).map(|number| Annotation {
        path: format!("{number:05}.png"),
        label: label(number % n_classes),
        author: None,
        class_index: number % n_classes,
        ..annotation(0)
    });
    study.insert("annotations", annotations.collect());
    let clusters = predictions.iter().zip(0..).map(|(row, number)| Cluster {
        path: row.path.clone(),
        label: row.label.clone(),
        subset: row.subset,
        ..cluster(number)
    });
    study.insert("clusters", clusters.collect());
    study.insert("predictions", predictions);
    let cells = (0..n_classes).flat_map(|actual| (0..n_classes).map(move |class| (actual, class)));
    let confusion = cells.map(|(actual, predicted)| Confusion {
        model: "network".to_owned(),
        subset: Subset::Validation,
        actual: label(actual),
        predicted: label(predicted),
        count: u32::from(predicted == (actual + n_classes - 1) % n_classes),
    });
    study.insert("confusion", confusion.collect());
    study.insert::<Attribution>("attributions", Vec::new());
    study
}

/// The prediction of the class before the true one, which has the lowest logit.
fn wrong(number: u32, n_classes: u32, label: impl Fn(u32) -> String) -> Prediction {
    let actual = number % n_classes;
    let predicted = (number + n_classes - 1) % n_classes;
    let probabilities: Vec<f32> = (0..n_classes)
        .map(|class| if class == predicted { 1.0 } else { 0.0 })
        .collect();
    let mut logits = probabilities.clone();
    logits[actual as usize] = -1.0;
    Prediction {
        path: format!("{number:05}.png"),
        label: label(actual),
        subset: Subset::OF_SPLIT[(number % 3) as usize],
        logits,
        probabilities,
        embedding: vec![0.0; 2],
        predicted: label(predicted),
    }
}

fn bounded(study: &Tables) -> Report {
    let options = Options {
        examples_per_class: 3,
        max_examples: 40,
        max_points: 500,
        max_rows: 200,
        thumbnail_px: 16,
        stream: Seed::new(1).stream(crate::streams::REPORT_EXAMPLES),
        recipe: crate::Recipe::default(),
    };
    render(study, &options, None, |_| Ok(png())).unwrap()
}

#[test]
fn a_hundred_classes_have_a_page_of_bounded_size() {
    let page = bounded(&with_classes(100, 3000)).page;
    // Every image is wrong: one grid, with 40 images of as many classes.
    assert_eq!(occurrences(&page, "<img"), 40);
    assert!(page.contains("Classes shown: 40 of 100."));
    assert!(
        page.contains("200 of the 3,000 images of the collection"),
        "rows are bounded"
    );
    assert!(page.contains("The figure shows 500 of the 3,000 images, drawn at random."));
    // Ten thousand cells without a rectangle each: only those with images have one.
    let matrix = figure(&page, "confusion-network-validation");
    assert_eq!(occurrences(matrix, "<rect"), 101);
    assert!(!page.contains(&"x".repeat(71)) && !page.contains("<x"));
}

#[test]
fn more_images_make_no_longer_page() {
    let [small, large] = [3000, 9000].map(|n| bounded(&with_classes(10, n)).page.len());
    assert!(large < small + small / 20, "{small} {large}");
}

#[test]
fn examples_link_to_rows_of_a_large_collection() {
    let page = bounded(&with_classes(10, 3000)).page;
    let links: Vec<&str> = page.split("href=\"#p").skip(1).collect();
    assert!(links.len() >= 30, "{}", links.len());
    for link in links {
        let number = link.split('"').next().unwrap();
        if number.parse::<u32>().is_ok() {
            assert!(page.contains(&format!("<tr id=\"p{number}\"")), "{number}");
        }
    }
}

#[test]
fn two_classes_have_no_top_2() {
    let report = report(&study());
    assert!(
        !report
            .figures
            .iter()
            .any(|figure| figure.name == "curves-top2.svg")
    );
    assert!(
        !report.page.contains("top-2</th>") && !report.page.contains("Right at the second guess")
    );
    assert!(report.page.contains("with two classes, top-2 is always 1"));
    let three = bounded(&with_classes(3, 30)).page;
    assert!(three.contains("top-2</th>") && three.contains("Right at the second guess"));
}

#[test]
fn without_authors_intervals_are_over_images() {
    let page = bounded(&with_classes(3, 30)).page;
    assert!(page.contains("their sampling units are images."));
    assert!(
        page.contains(
            "No author is known: images of one author can be in training and in validation"
        )
    );
    for text in [
        "known author",
        "bootstrap over authors",
        "whose authors",
        "share no author",
    ] {
        assert!(!page.contains(text), "{text}");
    }
}

#[test]
fn without_a_test_set_its_columns_are_absent() {
    let mut study = study();
    study.edit("scores", |rows: &mut Vec<Score>| {
        rows.retain(|row| row.subset != Subset::Test)
    });
    study.edit("cross_validation", |rows: &mut Vec<CrossValidation>| {
        rows.retain(|row| row.subset != Subset::Test)
    });
    study.edit("model_comparisons", |rows: &mut Vec<Comparison>| {
        rows.retain(|row| row.subset != Subset::Test)
    });
    study.edit("calibrations", |rows: &mut Vec<Calibration>| {
        rows.retain(|row| row.subset != Subset::Test)
    });
    study.edit("linear_probes", |rows: &mut Vec<LinearProbe>| {
        rows.retain(|row| row.subset != Subset::Test)
    });
    study.edit("balance", |rows: &mut Vec<Balance>| {
        rows.retain(|row| row.fold != Assignment::Test)
    });
    study.edit("predictions", |rows: &mut Vec<Prediction>| {
        for row in rows {
            if row.subset == Subset::Test {
                row.subset = Subset::Train;
            }
        }
    });
    let page = report(&study).page;
    assert!(page.contains("There is no test set, held out of all folds"));
    assert!(!page.contains("Test images are calibrated"));
    assert!(!page.contains("top-1, test"));
}

/// The figure of this name in the page.
fn figure<'a>(page: &'a str, name: &str) -> &'a str {
    let start = page.find(&format!("<figure id=\"figure-{name}\"")).unwrap();
    let end = page[start..].find("</figure>").unwrap();
    &page[start..start + end]
}
