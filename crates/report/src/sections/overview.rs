//! What was studied, what was chosen and how well it does: the page's head and the summary.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use tables::probe::Probe;
use tables::subset::Subset;

use crate::draw::format::{
    count, counted, interval, list, score, score_with_interval, subset_name, value,
};
use crate::page::section::{Section, table};
use crate::page::tables::{Lead, Study};
use crate::sections::clusters;

/// Where the page stands in a workspace.
const PAGE: &str = "artifacts/report/index.html";

/// The page's heading.
pub(crate) fn title(study: &Study) -> String {
    format!(
        "A study of {} in {}",
        counted(study.annotations.len(), "picture"),
        classes(study)
    )
}

/// The section.
pub(crate) fn section(study: &Study) -> Section {
    let body = html! {
        (facts(study))
        (without_weights(study))
        (design(study))
        (outcome(study))
        (headline(study))
        p.note {
            "Top-1 is the share of pictures whose class the model names first"
            @if study.tops().len() > 1 { ", top-2 of those whose class is among its first two" }
            ". Every class counts the same, whatever its number of pictures, so guessing gives "
            (value(Some(study.chance(1))))
            @if study.tops().len() > 1 { " and " (value(Some(study.chance(2)))) } @else { "; of two classes a top-2 says nothing" }
            ". In parentheses: 95 % intervals by bootstrap over " (study.units()) "."
        }
    };
    Section {
        id: "overview",
        title: "At a glance",
        body,
        figures: Vec::new(),
    }
}

/// A few lines for the end of a run.
pub(crate) fn summary(study: &Study) -> String {
    let (choice, lead) = (&study.choice, study.lead());
    let mut lines = vec![
        format!("report: {PAGE}"),
        format!(
            "chosen: fold {}, epoch {}, by rule `{}`",
            choice.fold, choice.epoch, choice.rule
        ),
    ];
    let figures: Vec<String> = study
        .subsets()
        .into_iter()
        .filter(|subset| *subset != Subset::Train)
        .map(|subset| {
            let score = study.score("network", subset, lead.metric);
            format!("{subset} {}", score_with_interval(score))
        })
        .collect();
    lines.push(format!(
        "{} of the network: {}; by chance {}",
        lead.name,
        figures.join(", "),
        value(Some(study.chance(lead.k)))
    ));
    if let Some(best) = clusters::best(study, "kmeans") {
        lines.push(format!(
            "clusters: the silhouette of k-means is highest at k = {}, {}",
            best.k,
            value(best.silhouette)
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn classes(study: &Study) -> String {
    match study.labels().len() {
        1 => "1 class".to_owned(),
        n => format!("{n} classes"),
    }
}

fn n_authors(study: &Study) -> usize {
    let authors: BTreeSet<&str> = study
        .annotations
        .iter()
        .filter_map(|row| row.author.as_deref())
        .collect();
    authors.len()
}

fn n_folds(study: &Study) -> usize {
    let folds: BTreeSet<u32> = study.histories.iter().map(|row| row.fold).collect();
    folds.len()
}

/// Authors with images in more than one subset of the chosen model.
fn n_authors_in_two_subsets(study: &Study) -> usize {
    let pictures = study.pictures();
    let mut subsets: BTreeMap<&str, BTreeSet<Subset>> = BTreeMap::new();
    for row in &study.predictions {
        let author = pictures
            .get(row.path.as_str())
            .and_then(|a| a.author.as_deref());
        if let Some(author) = author {
            subsets.entry(author).or_default().insert(row.subset);
        }
    }
    { subsets.values() }
        .filter(|subsets| subsets.len() > 1)
        .count()
}

fn facts(study: &Study) -> Markup {
    let lead = study.lead();
    let found = |subset| study.score("network", subset, lead.metric);
    html! {
        dl.facts {
            div { dt { "pictures" } dd { (count(study.annotations.len())) } }
            div { dt { "classes" } dd { (study.labels().len()) } }
            @if study.has_authors() { div { dt { "authors" } dd { (count(n_authors(study))) } } }
            div { dt { "folds" } dd { (n_folds(study)) } }
            @for subset in [Subset::Validation, Subset::Test] {
                @if study.subsets().contains(&subset) {
                    div.score {
                        dt { (lead.name) ", " (subset_name(subset)) }
                        dd { (score(found(subset))) @if let Some(range) = interval(found(subset)) { small { (range) } } }
                    }
                }
            }
        }
    }
}

fn design(study: &Study) -> Markup {
    let crossing = match n_authors_in_two_subsets(study) {
        0 if !study.has_authors() => {
            "No author is known: images of one author may stand on both sides, and scores may be too high for new authors"
                .to_owned()
        }
        0 => {
            "Training, validation and test images of a network share no author: knowing an author's hand gains it \
             nothing"
                .to_owned()
        }
        1 => "One author has images in more than one of training, validation and test".to_owned(),
        n => format!("{n} authors have images in more than one of training, validation and test"),
    };
    let test = match study.n_pictures(Subset::Test) {
        0 => "There is no test set, held out of all folds".to_owned(),
        n => format!(
            "The test set of {} is held out of all folds",
            counted(n, "image")
        ),
    };
    html! {
        p {
            "The " (counted(study.annotations.len(), "picture"))
            @if study.has_authors() { " come from " (counted(n_authors(study), "known author")) ". They" }
            @if study.has_fixed_training_images() {
                " came with a split, which was kept: networks were trained on its training images and validated on "
                @if n_folds(study) == 1 { "its validation images. " } @else { "a fold each. " }
            } @else {
                " were dealt into " (counted(n_folds(study), "fold")) ", and for each fold a network was trained on the "
                "others and validated on it. "
            }
            (test) ". " (crossing) "."
        }
    }
}

/// Limits of a study without pretrained weights; nothing for one with them.
fn without_weights(study: &Study) -> Markup {
    let starts_random = |row: &Probe| row.backbone.starts_with("resnet") && !row.pretrained;
    html! {
        @if study.probes.iter().any(starts_random) {
            p.warning {
                "No pretrained weights: the networks of this study started from random numbers ("
                code { "model.weights" }
                " is empty). On photographs and paintings, weights of ImageNet usually raise every score by far, and a score \
                 that is low here says little about the classes. Fetch them by "
                code { "cargo xtask weights get resnet18" } ", and set " code { "model.weights" }
                ". The painted images of the demo need none."
            }
        }
    }
}

fn outcome(study: &Study) -> Markup {
    let (choice, lead) = (&study.choice, study.lead());
    html! {
        p {
            "The study goes on with the network of " strong { "fold " (choice.fold) ", epoch " (choice.epoch) }
            " (counted from 0), chosen by the rule “" (choice.rule) "”. "
            @if let Some(validation) = study.score("network", Subset::Validation, lead.metric) {
                "On validation images, the fold that selected the epoch, its " (lead.name) " is " strong { (score_with_interval(Some(validation))) }
                @if let Some(test) = study.score("network", Subset::Test, lead.metric) {
                    "; on test images, which had no part in any choice, it is "
                    strong { (score_with_interval(Some(test))) }
                }
                "."
            }
            @if let Some(forest) = study.score("forest", Subset::Validation, lead.metric) {
                " A random forest on the network's embeddings reaches " (score_with_interval(Some(forest))) " on validation images."
            }
        }
    }
}

fn headline(study: &Study) -> Markup {
    let (models, tops) = (study.models(), study.tops());
    let head = html! {
        tr {
            th scope="col" { "subset" }
            th scope="col" { "pictures" }
            @for model in &models { @for Lead { name, .. } in &tops {
                th scope="col" { (model) br; (name) }
            } }
        }
    };
    let body = html! {
        @for subset in study.subsets() {
            tr {
                th scope="row" { (subset_name(subset)) }
                td { (count(study.n_pictures(subset))) }
                @for model in &models { @for Lead { metric, .. } in &tops {
                    (cell(study, model, subset, metric))
                } }
            }
        }
    };
    let names: Vec<String> = tops.iter().map(|top| top.name.to_owned()).collect();
    table(&format!("Scores: {}", list(&names)), &head, &body)
}

/// A score as a table's cell, with its interval.
pub(crate) fn cell(study: &Study, model: &str, subset: Subset, metric: &str) -> Markup {
    let found = study.score(model, subset, metric);
    html! {
        td { (score(found)) @if let Some(range) = interval(found) { " " small { "(" (range) ")" } } }
    }
}
