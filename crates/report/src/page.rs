//! The page and its figures.

pub(crate) mod annotations;
pub(crate) mod cross_validated;
pub(crate) mod dot_rows;
pub(crate) mod fold_scores;
pub(crate) mod image;
pub(crate) mod metrics;
pub(crate) mod options;
pub(crate) mod prediction;
pub(crate) mod recipe;
pub(crate) mod run_facts;
pub(crate) mod sample;
pub(crate) mod scores;
pub(crate) mod section;
pub(crate) mod table_file;
pub(crate) mod tables;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::draw::{figure, palette, space};
use crate::page::section::Content;
use crate::page::table_file::{TableFile, with_links};

/// The page's style sheet.
const STYLE: &str = include_str!("page/style.css");

/// The contents: marks the section in view, folds on narrow pages.
const CONTENTS: &str = include_str!("page/contents.js");

/// Sorts tables by the heads of their columns.
const SORT: &str = include_str!("page/sort.js");

/// Adds a filter by text and thumbnails to the table of images.
const FILTER: &str = include_str!("page/filter.js");

/// Shows the facts of the run, which stand beside the page.
const RUN: &str = include_str!("page/run.js");

/// Name of the file beside the page with the facts of the run, which differ between runs of the same study.
pub(crate) const RUN_FILE: &str = "run.js";

/// A report, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// HTML that needs no other file.
    pub page: String,
    /// The page's figures.
    pub figures: Vec<FigureFile>,
    /// The page's tables, to which it links in the folder `tables` beside it.
    pub tables: Vec<TableFile>,
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

/// The page's scripts, in their order.
pub(crate) const SCRIPTS: [&str; 5] = [space::SCRIPT, CONTENTS, FILTER, SORT, RUN];

/// The page of `sections`, with their figures and tables. `footer` names the folder of the figures; a page without
/// figures has no footer.
pub(crate) fn report(
    title: &str,
    sections: &[Content],
    footer: &Markup,
    summary: String,
) -> Report {
    let figures = sections.iter().flat_map(|section| &section.figures);
    let main = html! { @for section in sections { (section.markup()) } };
    let (main, tables) = with_links(&main.into_string());
    Report {
        page: page(title, sections, &PreEscaped(main), footer).into_string(),
        tables,
        figures: figures
            .map(|figure| FigureFile {
                name: format!("{}.svg", figure.name),
                svg: figure.file(),
            })
            .collect(),
        summary,
    }
}

fn page(title: &str, sections: &[Content], main: &Markup, footer: &Markup) -> Markup {
    let has_contents = sections.len() > 1;
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
            body class=[has_contents.then_some("has-contents")] {
                header id="top" { h1 { (title) } }
                @if has_contents { (contents(sections)) }
                main id="main" { (main) }
                @if sections.iter().any(|section| !section.figures.is_empty()) { footer { p { (footer) } } }
                // Each by itself: a failure of one leaves the others.
                @for script in SCRIPTS { script { (PreEscaped(script)) } }
            }
        }
    }
}

fn contents(sections: &[Content]) -> Markup {
    html! {
        nav.contents aria-label="Contents" {
            a.skip href="#main" { "Skip the contents" }
            button type="button" aria-expanded="false" aria-controls="contents" { "Contents" span {} }
            a.top href="#top" { "Top" }
            ol id="contents" { @for section in sections { li { a href={ "#" (section.id) } { (section.heading) } } } }
        }
    }
}
