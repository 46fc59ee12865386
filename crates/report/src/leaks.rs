//! What a leak flatters: the recipe under three splits.

use maud::{Markup, html};
use tables::flattery::Flattery;
use tables::leak::Leak;

use crate::figure::{Figure, row};
use crate::format::{NONE, count, counted, value};
use crate::plot::{Margins, Plot};
use crate::section::{Section, table};
use crate::study::{Anchors, Study};

/// The splits, from the strictest to the loosest.
const DESIGNS: [&str; 3] = ["by author", "by class", "at random"];

/// The metrics shown.
const METRICS: [(&str, &str); 3] = [("top1", "top-1"), ("top2", "top-2"), ("f1", "F1")];

/// The section.
pub(crate) fn section(study: &Study, anchors: &Anchors<'_>) -> Section {
    let figures = vec![figure(study)];
    let body = html! {
        p {
            "An author's pictures resemble each other. Where an author stands in training and in test, the network is asked "
            "about what it has seen, and its score flatters. This study splits by author; the usual ways are to split class "
            "by class, where an author of two classes can stand in two parts, or picture by picture, at random. "
            "Here the same recipe was trained under all three and tested on one fold of each. " (words(study))
        }
        @if !study.has_authors() {
            p.note {
                "No author is known in this collection: all three splits deal single images or groups of near-duplicates, and "
                "differences between them are chance."
            }
        }
        (row(&figures))
        (scores(study))
        (shared(study))
        (near_duplicates(study, anchors))
    };
    Section {
        id: "leaks",
        title: "What a leak flatters",
        body,
        figures,
    }
}

fn flattery<'a>(study: &'a Study, design: &str, metric: &str) -> Option<&'a Flattery> {
    let mut rows = study.flattery.iter();
    rows.find(|row| row.design == design && row.metric == metric)
}

/// Those of the metrics that can tell splits apart.
fn metrics(study: &Study) -> Vec<(&'static str, &'static str)> {
    let metrics = METRICS.into_iter();
    metrics
        .filter(|(metric, _)| study.is_informative(metric))
        .collect()
}

fn leak<'a>(study: &'a Study, design: &str) -> Option<&'a Leak> {
    study.leaks.iter().find(|row| row.design == design)
}

fn words(study: &Study) -> String {
    let lead = study.lead();
    let score = |design| flattery(study, design, lead.metric).map(|row| row.value);
    let [Some(by_author), Some(at_random)] = [score("by author"), score("at random")] else {
        return String::new();
    };
    let difference = at_random - by_author;
    let how = if difference > 0.0 { "above" } else { "below" };
    format!(
        "At random, {} is {:.3}, {:.3} {how} the {by_author:.3} by author. One fold is a small sample: see how wide the intervals are.",
        lead.name,
        at_random,
        difference.abs()
    )
}

fn figure(study: &Study) -> Figure {
    const ROW: f64 = 26.0;
    let margins = Margins {
        left: 112.0,
        right: 16.0,
        top: 28.0,
        bottom: 38.0,
    };
    let block = ROW * DESIGNS.len() as f64 + 14.0;
    let metrics = metrics(study);
    let height = margins.top + block * metrics.len() as f64 + margins.bottom;
    let mut plot = Plot::new((480.0, height), margins, (0.0, 1.0), (0.0, 1.0));
    plot.draw_x_axis("score on the tested fold", 0.0, true);
    for (idx, (metric, name)) in metrics.iter().enumerate() {
        let top = margins.top + block * idx as f64;
        plot.canvas
            .text("strong", (4.0, top + ROW / 2.0 + 4.0), name);
        for (idx, design) in DESIGNS.iter().enumerate() {
            let y = top + ROW * (idx as f64 + 0.5);
            plot.canvas.text("muted end", (104.0, y + 4.0), design);
            if let Some(row) = flattery(study, design, metric) {
                draw(&mut plot, row, idx, y);
            }
        }
    }
    Figure {
        name: "leaks".to_owned(),
        title: "One recipe under three splits".to_owned(),
        caption: format!(
            "Dots are scores, whiskers 95 % intervals by bootstrap over {}. The further a row lies to the right of the one \
             above it, the more its split flatters.",
            study.units()
        ),
        canvas: plot.canvas,
    }
}

fn draw(plot: &mut Plot, row: &Flattery, color: usize, y: f64) {
    if let (Some(low), Some(high)) = (row.low, row.high) {
        let (from, to) = ((plot.x.at(low), y), (plot.x.at(high), y));
        plot.canvas
            .line(&format!("whisker stroke-{color}"), from, to);
    }
    let at = (plot.x.at(row.value), y);
    plot.canvas.circle(&format!("dot fill-{color}"), at, 4.0);
}

fn scores(study: &Study) -> Markup {
    let head = html! {
        tr {
            td {}
            @for (_, name) in metrics(study) { th scope="col" { (name) } }
            th scope="col" { "best epoch" }
            th scope="col" { "pictures" }
        }
    };
    let body = html! {
        @for design in DESIGNS {
            tr {
                th scope="row" { (design) }
                @for (metric, _) in metrics(study) { (cell(flattery(study, design, metric))) }
                @if let Some(row) = flattery(study, design, METRICS[0].0) {
                    td { (row.epoch) }
                    td { (count(row.pictures)) }
                }
            }
        }
    };
    table(
        "Scores on the tested fold with 95 % intervals",
        &head,
        &body,
    )
}

fn cell(row: Option<&Flattery>) -> Markup {
    html! {
        td {
            (value(row.map(|row| row.value)))
            @if let Some((low, high)) = row.and_then(|row| Some((row.low?, row.high?))) {
                " " small { "(" (format!("{low:.2}–{high:.2}")) ")" }
            }
        }
    }
}

fn shared(study: &Study) -> Markup {
    let head = html! {
        tr {
            td {}
            th scope="col" { "authors in two parts" }
            th scope="col" { "their pictures" }
            th scope="col" { "near-duplicates in two parts" }
        }
    };
    let cell = |value: Option<String>| html! { td { (value.unwrap_or_else(|| NONE.to_owned())) } };
    let body = html! {
        @for design in DESIGNS {
            @let leak = leak(study, design);
            tr {
                th scope="row" { (design) }
                (cell(leak.map(|leak| format!("{} of {}", leak.shared_authors, leak.authors))))
                (cell(leak.map(|leak| count(leak.shared_pictures))))
                (cell(leak.map(|leak| format!("{} of {}", leak.parted_near_duplicates, leak.near_duplicates))))
            }
        }
    };
    table("What the parts of each split share", &head, &body)
}

fn near_duplicates(study: &Study, anchors: &Anchors<'_>) -> Markup {
    const MOST: usize = 20;
    let parted = study
        .near_duplicates
        .iter()
        .filter(|pair| pair.first_part != pair.second_part);
    let parted: Vec<_> = parted.collect();
    if parted.is_empty() {
        return html! {};
    }
    let head = html! {
        tr { th scope="col" { "picture" } th.words scope="col" { "looks like" } th scope="col" { "bits apart" } th scope="col" { "parts" } }
    };
    let body = html! {
        @for pair in parted.iter().take(MOST) {
            tr {
                th.path scope="row" { a href=[anchors.link(&pair.first)] { (pair.first) } }
                td."path words" { a href=[anchors.link(&pair.second)] { (pair.second) } }
                td { (pair.distance) }
                td { (pair.first_part) " and " (pair.second_part) }
            }
        }
    };
    html! {
        p {
            "Of pictures that look alike, " (counted(parted.len(), "pair")) " stand in two parts of this study's own split: copies, "
            "reproductions and variants, or chance. Have a look at them."
        }
        (table("Pictures that look alike, in different parts", &head, &body))
    }
}
