//! Images of the collection in the page.

use images::Orient;
use maud::{Markup, html};
use table_annotations::Annotation;

use crate::draw::thumbnail::thumbnail;
use crate::page::annotations::name;
use crate::page::section::Context;

/// Thumbnail of an image, for a link to its row in the table of images, or a text where the file cannot be read.
pub(crate) fn image(annotation: &Annotation, context: &Context<'_>) -> Markup {
    let made = (context.read)(&annotation.path)
        .map_err(|error| error.to_string())
        .and_then(|bytes| {
            let orient = Orient::by(annotation.orientation != 1);
            let made = thumbnail(&bytes, orient, context.options.thumbnail_px);
            made.map_err(|error| error.to_string())
        });
    match made {
        Ok(thumbnail) => {
            context.shown.insert(&annotation.path);
            html! {
                img src=(thumbnail.uri) width=(thumbnail.width) height=(thumbnail.height) alt=(name(annotation));
            }
        }
        Err(error) => {
            // The page leaves out the reason, which may name a path on this machine.
            tracing::warn!("cannot show `{}`: {error}", annotation.path);
            html! { p.missing { "This image cannot be shown." } }
        }
    }
}
