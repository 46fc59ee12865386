//! SVG with text as outlines.

use resvg::usvg::WriteOptions;

use crate::figure::Figure;

/// The figure as SVG that any program draws alike: without a style sheet, and with text as outlines. It keeps title and
/// description.
pub(crate) fn svg(figure: &Figure) -> String {
    let options = WriteOptions {
        preserve_text: false,
        coordinates_precision: 4,
        ..WriteOptions::default()
    };
    let svg = figure.tree.to_string(&options);
    let [title, description] = [&figure.title, &figure.description].map(|text| escape(text));
    let [width, height] = figure.size();
    // The first `>` ends the tag of the root: its attributes are numbers and the name space.
    let (tag, content) = svg.split_once('>').unwrap_or((&svg, ""));
    // Without visible shapes the root is written as an empty element.
    let (tag, content) = match tag.strip_suffix('/') {
        Some(tag) => (tag, "\n</svg>\n"),
        None => (tag, content),
    };
    format!(
        "{tag} viewBox=\"0 0 {width} {height}\">\n    \
         <title>{title}</title>\n    <desc>{description}</desc>{content}"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
