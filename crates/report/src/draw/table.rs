//! Tables of text.

use maud::{Markup, html};

/// A table of images: as [`table`], with a caption for screen readers alone.
pub(crate) fn gallery(caption: &str, head: &Markup, body: &Markup) -> Markup {
    html! { div.gallery { (table(caption, head, body)) } }
}

/// A table that scrolls by itself on narrow pages.
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
