//! The report of a study.

use std::io;

use images::Pixels;
use maud::{Markup, html};

use crate::ReportError;
use crate::page::annotations::Annotations;
use crate::page::options::Options;
use crate::page::sample::Sample;
use crate::page::section::{Content, Context, Section, Shown};
use crate::page::tables::{Reads as _, Tables};
use crate::page::{Report, report};
use crate::sections::{Overview, SECTIONS};

/// The report of `tables`. `read` gives the bytes of an image's file by its path in the collection; an image that cannot
/// be read or decoded is replaced by a text, with a warning. `pixels` has the decoded images from which the small
/// thumbnails of the table of images are made.
///
/// # Errors
/// A table cannot be read, or tables don't fit together: a prediction is of an image or of classes that the annotations
/// lack; or `pixels` cannot be read.
pub fn render(
    tables: &Tables,
    options: &Options,
    pixels: Option<&Pixels>,
    read: impl Fn(&str) -> io::Result<Vec<u8>>,
) -> Result<Report, ReportError> {
    let sections = SECTIONS.iter().map(|entry| (entry.open)(tables));
    let sections: Vec<Box<dyn Section>> = sections.collect::<Result<_, _>>()?;
    let mut linked = Vec::new();
    for section in &sections {
        linked.extend(section.linked(options)?);
    }
    let annotations: Annotations = tables.field("annotations")?;
    let context = Context {
        options,
        sample: &Sample::of(&annotations, options, &linked),
        pixels,
        read: &read,
        shown: Shown::default(),
    };
    let drawn = sections.iter().map(|section| section.draw(&context));
    let drawn: Vec<Option<Content>> = drawn.collect::<Result<_, _>>()?;
    let contents: Vec<Content> = drawn.into_iter().flatten().collect();
    let overview = Overview::read(tables)?;
    Ok(report(
        &overview.title(),
        &contents,
        &footer(),
        overview.summary(),
    ))
}

fn footer() -> Markup {
    html! {
        "The figures of this page are SVG files in the folder " code { "figures" } " beside it, and "
        code { "cargo xtask figures" } " writes them as PNG, PDF and SVG with outlined text; all numbers are in the "
        "tables of the run."
    }
}
