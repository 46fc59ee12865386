//! PDF of shapes, after ISO 32000-1, sections 8.5 and 11.6.
//!
//! A writer of our own, since the same figure must have the same bytes: `svg2pdf` 0.13 writes resources in the order of
//! hash maps.

mod page;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Filter, Finish as _, Name, Pdf, Rect, Ref, TextStr, writers};

use crate::error::FigureError;
use crate::figure::Figure;
use page::{POINTS, Page, ShapeOpacity, state_name};

// Numbers of objects.
const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const INFO: Ref = Ref::new(5);

/// Number of the first graphics state.
const FIRST_STATE: i32 = 6;

/// The figure as a PDF of one page of its size. Text is drawn as outlines, colors are in device RGB.
pub(crate) fn pdf(figure: &Figure) -> Result<Vec<u8>, FigureError> {
    let page = Page::draw(&figure.tree)?;
    let content = compress(&page.content.finish())?;
    let states: Vec<(Ref, String, ShapeOpacity)> = (FIRST_STATE..)
        .map(Ref::new)
        .zip(page.opacities)
        .enumerate()
        .map(|(i, (id, opacity))| (id, state_name(i), opacity))
        .collect();
    let mut pdf = Pdf::new();
    pdf.catalog(CATALOG).pages(PAGES);
    pdf.pages(PAGES).kids([PAGE]).count(1);
    write_page(pdf.page(PAGE), figure, &states);
    for (id, _, opacity) in &states {
        let mut state = pdf.ext_graphics(*id);
        state.non_stroking_alpha(opacity.fill);
        state.stroking_alpha(opacity.stroke);
    }
    pdf.stream(CONTENT, &content).filter(Filter::FlateDecode);
    pdf.document_info(INFO)
        .title(TextStr(&figure.title))
        .subject(TextStr(&figure.description));
    Ok(pdf.finish())
}

/// Writes the page's size and resources. Colors are mixed in RGB.
fn write_page(
    mut page: writers::Page<'_>,
    figure: &Figure,
    states: &[(Ref, String, ShapeOpacity)],
) {
    let [width, height] = figure.size().map(|side| side * POINTS);
    page.parent(PAGES).contents(CONTENT);
    page.media_box(Rect::new(0.0, 0.0, width, height));
    let mut group = page.group();
    group.transparency().isolated(true).knockout(false);
    group.color_space().device_rgb();
    group.finish();
    let names = states
        .iter()
        .map(|(id, name, _)| (Name(name.as_bytes()), *id));
    page.resources().ext_g_states().pairs(names);
}

fn compress(content: &[u8]) -> Result<Vec<u8>, FigureError> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}
