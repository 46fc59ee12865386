//! The page and its figures.

pub(crate) mod sample;
pub(crate) mod section;
pub(crate) mod tables;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use random::Stream;

use crate::draw::{figure, palette, space};
use crate::page::section::Section;

/// The page's style sheet.
const STYLE: &str = include_str!("page/style.css");

/// Adds a filter by text to the table of images.
const FILTER: &str = include_str!("page/filter.js");

/// How the report is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Examples of each class in each grid, at most.
    pub examples_per_class: usize,
    /// Examples in each grid, at most: with many classes there are fewer of each, or of some classes alone.
    pub max_examples: usize,
    /// Dots in a drawing, at most.
    pub max_points: usize,
    /// Rows of the table of all images, at most, unless the page links to more.
    pub max_rows: usize,
    /// The long side of an example, in pixels.
    pub thumbnail_px: u32,
    /// What the examples are drawn by.
    pub stream: Stream,
}

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
pub(crate) fn report(title: &str, sections: &[Section], summary: String) -> Report {
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

fn page(title: &str, sections: &[Section]) -> Markup {
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
                @if sections.iter().any(|section| !section.figures.is_empty()) { footer { p { "The figures of this page stand beside it as SVG files; all numbers are in the tables of the run." } } }
                script { (PreEscaped(space::SCRIPT)) (PreEscaped(FILTER)) }
            }
        }
    }
}

fn contents(sections: &[Section]) -> Markup {
    html! {
        nav aria-label="Contents" {
            ol { @for section in sections { li { a href={ "#" (section.id) } { (section.title) } } } }
        }
    }
}
