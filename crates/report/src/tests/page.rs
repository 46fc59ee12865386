//! The whole page.

use table_calibrations::Calibration;
use table_class_reports::ClassReport;
use table_clusters::Cluster;
use table_comparisons::Comparison;
use table_confusion::Confusion;
use table_cross_validation::CrossValidation;
use table_epoch_scores::EpochScore;
use table_fold_scores::FoldScore;
use table_forest_trials::ForestTrial;
use table_history::History;
use table_linear_probes::LinearProbe;
use table_predictions::Prediction;
use table_problems::Problem;
use table_reliabilities::Reliability;
use table_scores::Score;
use table_silhouettes::Silhouette;
use tables::Subset;

use super::fixture::{occurrences, options, png, report, study};
use crate::draw::svg::text_width;
use crate::page::SCRIPTS;
use crate::render;

#[test]
fn the_same_study_gives_the_same_bytes() {
    assert_eq!(report(&study()), report(&study()));
}

#[test]
fn the_contents_lead_to_every_section_and_back() {
    let page = report(&study()).page;
    let (_, rest) = page.split_once("<ol id=\"contents\">").unwrap();
    let list = rest.split("</ol>").next().unwrap();
    let ids: Vec<&str> = list.split("href=\"#").skip(1).collect();
    assert_eq!(ids.len(), occurrences(&page, "<section id="));
    for id in ids.iter().filter_map(|rest| rest.split('"').next()) {
        assert_eq!(occurrences(&page, &format!("<section id=\"{id}\"")), 1);
    }
    assert_eq!(occurrences(&page, "href=\"#top\""), 1);
    assert_eq!(occurrences(&page, "id=\"top\""), 1);
}

/// The value of an attribute in the start of an element.
fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = element.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}

#[test]
fn texts_of_figures_end_within_them() {
    let report = report(&study());
    let mut n_texts = 0;
    for figure in &report.figures {
        let width: f64 = attribute(&figure.svg, " width").unwrap().parse().unwrap();
        for element in figure.svg.split("<text").skip(1) {
            let (start, rest) = element.split_once('>').unwrap();
            let text = rest.split('<').next().unwrap();
            let text = text
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&");
            let class = attribute(start, "class").unwrap_or_default();
            if start.contains("transform") {
                continue;
            }
            let x: f64 = attribute(start, " x").unwrap().parse().unwrap();
            let wide = text_width(&text);
            let (left, right) = match () {
                () if class.contains("end") => (x - wide, x),
                () if class.contains("middle") => (x - wide / 2.0, x + wide / 2.0),
                () => (x, x + wide),
            };
            let name = &figure.name;
            assert!(left >= -2.0 && right <= width + 2.0, "{name}: {text}");
            n_texts += 1;
        }
    }
    assert!(n_texts > 100);
}

#[test]
fn names_are_escaped() {
    let report = report(&study());
    assert!(!report.page.contains("<b>"));
    // The page's own scripts are last.
    assert_eq!(occurrences(&report.page, "<script>"), SCRIPTS.len());
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
    for elsewhere in ["http:", "https:", "<script src", "@import", "src=\"/"] {
        assert!(!report.page.contains(elsewhere), "{elsewhere}");
    }
    // A script takes the image of the tiles from the page.
    let urls = report.page.split("url(").skip(1);
    assert_eq!(urls.filter(|rest| !rest.starts_with("\"${")).count(), 0);
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
fn a_study_without_forest_test_set_or_clusters_has_a_report() {
    let mut study = study();
    study.edit("scores", |rows: &mut Vec<Score>| {
        rows.retain(|row| row.model == "network" && row.subset != Subset::Test)
    });
    study.edit("cross_validation", |rows: &mut Vec<CrossValidation>| {
        rows.retain(|row| row.features.is_none() && row.subset != Subset::Test)
    });
    study.edit("fold_scores", |rows: &mut Vec<FoldScore>| {
        rows.retain(|row| row.features.is_none())
    });
    study.edit("comparisons", |rows: &mut Vec<Comparison>| {
        rows.retain(|row| row.other == "largest class" && row.subset != Subset::Test)
    });
    study.edit("model_comparisons", |rows: &mut Vec<Comparison>| {
        rows.clear()
    });
    study.edit("confusion", |rows: &mut Vec<Confusion>| {
        rows.retain(|row| row.model == "network" && row.subset != Subset::Test)
    });
    study.edit("class_reports", |rows: &mut Vec<ClassReport>| {
        rows.retain(|row| row.model == "network" && row.subset != Subset::Test)
    });
    study.edit("calibrations", |rows: &mut Vec<Calibration>| {
        rows.retain(|row| row.model == "network" && row.subset != Subset::Test)
    });
    study.edit("reliabilities", |rows: &mut Vec<Reliability>| {
        rows.retain(|row| row.model == "network" && row.subset != Subset::Test)
    });
    study.edit("predictions", |rows: &mut Vec<Prediction>| {
        rows.retain(|row| row.subset != Subset::Test)
    });
    study.edit("problems", |rows: &mut Vec<Problem>| rows.clear());
    study.edit("clusters", |rows: &mut Vec<Cluster>| rows.clear());
    study.edit("forest_trials", |rows: &mut Vec<ForestTrial>| rows.clear());
    study.edit("linear_probes", |rows: &mut Vec<LinearProbe>| rows.clear());
    study.edit("silhouettes", |rows: &mut Vec<Silhouette>| {
        rows.iter_mut().for_each(|row| row.silhouette = None)
    });
    study.edit("histories", |rows: &mut Vec<History>| {
        rows.retain(|row| row.epoch == 2)
    });
    study.edit("epoch_scores", |rows: &mut Vec<EpochScore>| {
        rows.iter_mut().for_each(|row| row.value = None)
    });
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
fn an_image_that_cannot_be_read_is_replaced_by_a_text() {
    let missing = || std::io::Error::other("/home/somebody: not there");
    let absent = render(&study(), &options(), None, |_| Err(missing())).unwrap();
    let broken = render(&study(), &options(), None, |_| Ok(png()[..20].to_vec())).unwrap();
    for report in [absent, broken] {
        assert!(report.page.contains("This image cannot be shown."));
        assert!(!report.page.contains("<img"));
        assert!(!report.page.contains("/home/somebody"));
    }
}

#[test]
fn predictions_of_other_classes_are_an_error() {
    let mut study = study();
    study.edit("predictions", |rows: &mut Vec<Prediction>| {
        rows[2].probabilities.push(0.0)
    });
    let error = render(&study, &options(), None, |_| Ok(png())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the image `0/02.png` has scores of 3 classes, the annotations know 2"
    );
}
