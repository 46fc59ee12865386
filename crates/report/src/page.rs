//! The page and its figures.

pub(crate) mod annotations;
pub(crate) mod cross_validated;
pub(crate) mod dot_rows;
pub(crate) mod fold_scores;
pub(crate) mod metrics;
pub(crate) mod options;
pub(crate) mod prediction;
pub(crate) mod sample;
pub(crate) mod scores;
pub(crate) mod section;
pub(crate) mod tables;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::draw::{figure, palette, space};
use crate::page::section::Content;

/// The page's style sheet.
const STYLE: &str = include_str!("page/style.css");

/// Adds a filter by text to the table of images.
const FILTER: &str = include_str!("page/filter.js");

/// A report, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// HTML that needs no other file.
    pub page: String,
    /// The page's figures.
    pub figures: Vec<FigureFile>,
    /// A few lines for the end of a run.
    pub summary: String,
}

/// A figure as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureFile {
    /// The file's name, such as `silhouettes.svg`; unique.
    pub name: String,
    /// SVG that needs no other file.
    pub svg: String,
}

/// The page of `sections`, with their figures.
pub(crate) fn report(title: &str, sections: &[Content], summary: String) -> Report {
    let figures = sections.iter().flat_map(|section| &section.figures);
    Report {
        page: page(title, sections).into_string(),
        figures: figures
            .map(|figure| FigureFile {
                name: format!("{}.svg", figure.name),
                svg: figure.file(),
            })
            .collect(),
        summary,
    }
}

fn page(title: &str, sections: &[Content]) -> Markup {
    let style = format!("{}{STYLE}{}", palette::properties(), figure::STYLE);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content="atelier";
                // An empty icon, so that no browser asks for one.
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body {
                header { h1 { (title) } @if sections.len() > 1 { (contents(sections)) } }
                main { @for section in sections { (section.markup()) } }
                @if sections.iter().any(|section| !section.figures.is_empty()) { footer { p { "The figures of this page are SVG files beside it; all numbers are in the tables of the run." } } }
                script { (PreEscaped(space::SCRIPT)) (PreEscaped(FILTER)) }
            }
        }
    }
}

fn contents(sections: &[Content]) -> Markup {
    html! {
        nav aria-label="Contents" {
            ol { @for section in sections { li { a href={ "#" (section.id) } { (section.heading) } } } }
        }
    }
}
