//! A drawing with its title and caption: in the page and as a file.

use maud::{Markup, PreEscaped, html};

use crate::draw::palette;
use crate::draw::svg::{Canvas, number};

/// The figures' style sheet, whose colors are the page's custom properties.
pub(crate) const STYLE: &str = include_str!("figure.css");

/// Scale below which a drawing's smallest text, of 10.2 units, would have fewer than 9 pixels.
const LEAST_SCALE: f64 = 0.885;

/// A figure of the report.
pub(crate) struct Figure {
    /// Unique, in kebab case: the file's name without extension.
    pub(crate) name: String,
    /// Title.
    pub(crate) title: String,
    /// Description below the title.
    pub(crate) caption: String,
    /// The drawing.
    pub(crate) canvas: Canvas,
}

impl Figure {
    /// The figure in the page.
    pub(crate) fn markup(&self) -> Markup {
        html! {
            figure id={ "figure-" (self.name) } {
                (self.drawing())
                (self.legend())
            }
        }
    }

    /// The drawing alone, named by its title: the caption follows as text. Where it would be too small to read, it
    /// scrolls.
    pub(crate) fn drawing(&self) -> Markup {
        let (width, height) = self.canvas.size();
        html! {
            div.sheet {
                svg.drawing viewBox={ "0 0 " (number(width)) " " (number(height)) } role="img" aria-label=(self.title) style={ "min-width:" (number(LEAST_SCALE * width)) "px" } {
                    (self.canvas.marks())
                }
            }
        }
    }

    /// Title and caption below the drawing.
    pub(crate) fn legend(&self) -> Markup {
        html! { figcaption { strong { (self.title) "." } " " (self.caption) } }
    }

    /// The figure as a self-contained file, in the light colors on white.
    pub(crate) fn file(&self) -> String {
        let (width, height) = self.canvas.size();
        let (width, height) = (number(width), number(height));
        let svg = html! {
            svg.drawing xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="img" {
                title { (self.title) }
                desc { (self.caption) }
                style { (PreEscaped(palette::resolve(STYLE))) }
                rect class="surface" width=(width) height=(height) {}
                (self.canvas.marks())
            }
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n",
            svg.into_string()
        )
    }
}

/// Figures side by side where the page is wide enough.
pub(crate) fn row(figures: &[Figure]) -> Markup {
    html! { div.figures { @for figure in figures { (figure.markup()) } } }
}

/// Narrow figures that are compared with each other, as many side by side as the page has room for.
pub(crate) fn multiples(figures: &[Figure]) -> Markup {
    html! { div.multiples { @for figure in figures { (figure.markup()) } } }
}
