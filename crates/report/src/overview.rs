//! What was studied, what was chosen and how well it does: the page's head and the summary.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use tables::probe::Probe;

use crate::format::{count, counted, interval, list, part, score, score_with_interval, value};
use crate::section::{Section, table};
use crate::silhouettes;
use crate::study::{Lead, Study};

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
        .parts()
        .into_iter()
        .filter(|part| *part != "train")
        .map(|part| {
            let score = study.score("network", part, lead.metric);
            format!("{part} {}", score_with_interval(score))
        })
        .collect();
    lines.push(format!(
        "{} of the network: {}; by chance {}",
        lead.name,
        figures.join(", "),
        value(Some(study.chance(lead.k)))
    ));
    if let Some(best) = silhouettes::best(study, "kmeans") {
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

/// Authors with pictures in more than one of the parts of the chosen model.
fn n_authors_in_two_parts(study: &Study) -> usize {
    let pictures = study.pictures();
    let mut parts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in &study.predictions {
        let author = pictures
            .get(row.path.as_str())
            .and_then(|a| a.author.as_deref());
        if let Some(author) = author {
            parts.entry(author).or_default().insert(&row.part);
        }
    }
    parts.values().filter(|parts| parts.len() > 1).count()
}

fn facts(study: &Study) -> Markup {
    let lead = study.lead();
    let found = |part| study.score("network", part, lead.metric);
    html! {
        dl.facts {
            div { dt { "pictures" } dd { (count(study.annotations.len())) } }
            div { dt { "classes" } dd { (study.labels().len()) } }
            @if study.has_authors() { div { dt { "authors" } dd { (count(n_authors(study))) } } }
            div { dt { "folds" } dd { (n_folds(study)) } }
            @for part in ["test", "val"] {
                @if study.parts().contains(&part) {
                    div.score {
                        dt { (lead.name) ", " (crate::format::part(part)) }
                        dd { (score(found(part))) @if let Some(range) = interval(found(part)) { small { (range) } } }
                    }
                }
            }
        }
    }
}

fn design(study: &Study) -> Markup {
    let crossing = match n_authors_in_two_parts(study) {
        0 if !study.has_authors() => {
            "No author is known: images of one author may stand on both sides, and scores may be too high for new authors"
                .to_owned()
        }
        0 => {
            "Training, test and validation pictures of a network share no author: knowing an author's hand gains it \
             nothing"
                .to_owned()
        }
        1 => "One author has pictures in more than one of training, test and validation".to_owned(),
        n => format!("{n} authors have pictures in more than one of training, test and validation"),
    };
    let validation = match study.n_pictures("val") {
        0 => "No pictures were held out for validation".to_owned(),
        n => format!("{} for validation belong to no fold", counted(n, "picture")),
    };
    html! {
        p {
            "The " (counted(study.annotations.len(), "picture"))
            @if study.has_authors() { " come from " (counted(n_authors(study), "known author")) ". They" }
            @if study.has_fixed_training_part() {
                " came with a split, which was kept: networks were trained on its training part and tested on "
                @if n_folds(study) == 1 { "its test part. " } @else { "a fold each. " }
            } @else {
                " were dealt into " (counted(n_folds(study), "fold")) ", and for each fold a network was trained on the "
                "others and tested on it. "
            }
            (validation) ". " (crossing) "."
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
            @if let Some(test) = study.score("network", "test", lead.metric) {
                "On the fold's pictures, which chose the epoch but never trained it, its " (lead.name) " is " strong { (score_with_interval(Some(test))) }
                @if let Some(val) = study.score("network", "val", lead.metric) {
                    "; on the validation pictures, which had no part in the choice either, it is "
                    strong { (score_with_interval(Some(val))) }
                }
                "."
            }
            @if let Some(forest) = study.score("forest", "test", lead.metric) {
                " A random forest on the network's embeddings reaches " (score_with_interval(Some(forest))) " on the test pictures."
            }
        }
    }
}

fn headline(study: &Study) -> Markup {
    let (models, tops) = (study.models(), study.tops());
    let head = html! {
        tr {
            th scope="col" { "part" }
            th scope="col" { "pictures" }
            @for model in &models { @for Lead { name, .. } in &tops {
                th scope="col" { (model) br; (name) }
            } }
        }
    };
    let body = html! {
        @for name in study.parts() {
            tr {
                th scope="row" { (part(name)) }
                td { (count(study.n_pictures(name))) }
                @for model in &models { @for Lead { metric, .. } in &tops {
                    (cell(study, model, name, metric))
                } }
            }
        }
    };
    let names: Vec<String> = tops.iter().map(|top| top.name.to_owned()).collect();
    table(&format!("Scores: {}", list(&names)), &head, &body)
}

/// A score as a table's cell, with its interval.
pub(crate) fn cell(study: &Study, model: &str, part: &str, metric: &str) -> Markup {
    let found = study.score(model, part, metric);
    html! {
        td { (score(found)) @if let Some(range) = interval(found) { " " small { "(" (range) ")" } } }
    }
}
