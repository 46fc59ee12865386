//! A section of the page.

use maud::{Markup, html};

use crate::draw::figure::Figure;

/// A section: its markup, with the figures in it, and the figures again, of which files are made.
pub(crate) struct Section {
    /// Unique, in kebab case: the link's target.
    pub(crate) id: &'static str,
    /// The heading.
    pub(crate) title: &'static str,
    /// All below the heading.
    pub(crate) body: Markup,
    /// The figures of `body`.
    pub(crate) figures: Vec<Figure>,
}

impl Section {
    /// The section in the page.
    pub(crate) fn markup(&self) -> Markup {
        html! {
            section id=(self.id) {
                h2 { (self.title) }
                (self.body)
            }
        }
    }
}

/// A table of pictures: as [`table`], with a caption for screen readers alone.
pub(crate) fn gallery(caption: &str, head: &Markup, body: &Markup) -> Markup {
    html! { div.gallery { (table(caption, head, body)) } }
}

/// A table that scrolls by itself where the page is narrow.
pub(crate) fn table(caption: &str, head: &Markup, body: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { (head) }
                tbody { (body) }
            }
        }
    }
}
