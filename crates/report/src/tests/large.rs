//! Collections of other sizes: a hundred classes, many images, no authors, no test set.

use super::*;

/// The study with `n_classes` classes in turns over `n_images` images, each taken for the class before its own.
fn with_classes(n_classes: u32, n_images: u32) -> Study {
    let label = |code: u32| format!("class {code:03}, \"<{}>\" & more", "x".repeat(70));
    let one_hot = |code: u32| -> Vec<f32> {
        (0..n_classes)
            .map(|class| if class == code { 1.0 } else { 0.0 })
            .collect()
    };
    let mut study = study();
    study.annotations = (0..n_images)
        .map(|number| Annotation {
            path: format!("{number:05}.png"),
            label: label(number % n_classes),
            author: None,
            code: number % n_classes,
            ..annotation(0)
        })
        .collect();
    study.predictions = (0..n_images)
        .map(|number| {
            let said = (number + n_classes - 1) % n_classes;
            let mut logits = one_hot(said);
            // The true class comes last.
            logits[(number % n_classes) as usize] = -1.0;
            Prediction {
                path: format!("{number:05}.png"),
                label: label(number % n_classes),
                subset: Subset::OF_SPLIT[(number % 3) as usize],
                logits,
                probabilities: one_hot(said),
                embedding: vec![0.0; 2],
                predicted: label(said),
            }
        })
        .collect();
    study.clusters = study
        .predictions
        .iter()
        .zip(0..)
        .map(|(row, number)| Cluster {
            path: row.path.clone(),
            label: row.label.clone(),
            subset: row.subset,
            ..cluster(number)
        })
        .collect();
    let codes = 0..n_classes;
    study.confusion = codes
        .flat_map(|actual| {
            (0..n_classes).map(move |predicted| Confusion {
                model: "network".to_owned(),
                subset: Subset::Validation,
                actual: label(actual),
                predicted: label(predicted),
                count: u32::from(predicted == (actual + n_classes - 1) % n_classes),
            })
        })
        .collect();
    study.explanations.clear();
    study
}

fn bounded(study: &Study) -> Report {
    let options = Options {
        examples_per_class: 3,
        max_examples: 40,
        max_points: 500,
        max_rows: 200,
        thumbnail_px: 16,
        stream: Seed::new(1).stream("render examples"),
    };
    render(study, &options, |_| Ok(png())).unwrap()
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
    assert!(page.contains("The drawing shows 500 of the 3,000 images, drawn by chance."));
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
    assert!(report.page.contains("of two classes a top-2 says nothing"));
    let three = bounded(&with_classes(3, 30)).page;
    assert!(three.contains("top-2</th>") && three.contains("Right at the second guess"));
}

#[test]
fn without_authors_the_page_speaks_of_images() {
    let page = bounded(&with_classes(3, 30)).page;
    assert!(page.contains("intervals by bootstrap over images."));
    assert!(page.contains("No author is known: images of one author may stand on both sides"));
    for words in [
        "known author",
        "bootstrap over authors",
        "whose authors",
        "share no author",
    ] {
        assert!(!page.contains(words), "{words}");
    }
}

#[test]
fn without_held_out_classes_none_are_spoken_of() {
    let mut study = study();
    study
        .arrangement
        .iter_mut()
        .for_each(|row| row.learned = true);
    study
        .arrangement_scores
        .retain(|row| row.classes == "learned");
    let page = report(&study).page;
    assert!(page.contains("It saw every class"));
    assert!(!page.contains("held-out classes") && !page.contains(">held out<"));
}

#[test]
fn without_a_test_set_its_columns_are_absent() {
    let mut study = study();
    study.scores.retain(|row| row.subset != Subset::Test);
    study.calibrations.retain(|row| row.subset != Subset::Test);
    study.probes.retain(|row| row.subset != Subset::Test);
    study.balance.retain(|row| row.fold != Assignment::Test);
    for row in &mut study.predictions {
        if row.subset == Subset::Test {
            row.subset = Subset::Train;
        }
    }
    let page = report(&study).page;
    assert!(page.contains("There is no test set, held out of all folds"));
    assert!(page.contains("there is no test set to evaluate them"));
    assert!(!page.contains("top-1, test"));
}

#[test]
fn a_split_that_the_collection_came_with_is_named() {
    let mut study = study();
    for row in study
        .balance
        .iter_mut()
        .filter(|row| row.fold == Assignment::Fold(1))
    {
        row.fold = Assignment::Train;
    }
    let page = report(&study).page;
    assert!(page.contains("came with a split, which was kept"));
}

/// The figure of this name in the page.
fn figure<'a>(page: &'a str, name: &str) -> &'a str {
    let start = page.find(&format!("<figure id=\"figure-{name}\"")).unwrap();
    let end = page[start..].find("</figure>").unwrap();
    &page[start..start + end]
}
