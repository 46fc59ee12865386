//! A page of new pictures: what the network says of each.

use maud::{Markup, html};
use tables::explanation::Explanation;

use crate::explanations::maps;
use crate::format::{counted, percent};
use crate::overlay::SIDE_PX;
use crate::section::Section;
use crate::{ReportError, page, thumbnail};

/// A picture that is not of the collection.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// Its file's name.
    pub name: String,
    /// Its file's content.
    pub bytes: Vec<u8>,
    /// The likeliest classes and their probabilities, falling.
    pub guesses: Vec<(String, f64)>,
    /// Label and path of the nearest pictures of the collection, nearest first.
    pub neighbors: Vec<(String, String)>,
    /// What speaks for the likeliest class, where that was asked.
    pub explanation: Option<Explanation>,
}

/// The page: HTML that needs no other file.
#[must_use]
pub fn inspected(pictures: &[Inspected]) -> String {
    let section = Section {
        id: "pictures",
        title: "What the network says",
        body: html! {
            p {
                (counted(pictures.len(), "picture")) ", each with the likeliest classes and the nearest pictures of the "
                "collection in the network's embedding."
                @if pictures.iter().any(|picture| picture.explanation.is_some()) {
                    " Where blanking a part lowers the probability of the likeliest class, the picture on the left is "
                    "orange; where it raises it, blue. On the right, Grad-CAM shows where the last block saw what speaks for it."
                }
            }
            div.explanations { @for picture in pictures { (card(picture)) } }
        },
        figures: Vec::new(),
    };
    page::report("New pictures", &[section], String::new()).page
}

fn card(picture: &Inspected) -> Markup {
    html! {
        figure {
            @match images(picture) {
                Ok(images) => (images),
                // It was decoded before, so that only its size can be at fault.
                Err(_) => p.missing { "This picture cannot be shown." },
            }
            figcaption {
                @for (i, (label, probability)) in picture.guesses.iter().enumerate() {
                    @if i > 0 { ", " }
                    @if i == 0 { strong { (label) } } @else { (label) }
                    " " (percent(*probability))
                }
                br;
                @if let Some(explanation) = &picture.explanation {
                    "amplitude " (format!("{:.3}", explanation.amplitude)) br;
                }
                "near: "
                @for (i, (label, path)) in picture.neighbors.iter().enumerate() {
                    @if i > 0 { ", " }
                    span title=(path) { (label) }
                }
                br;
                (picture.name)
            }
        }
    }
}

fn images(picture: &Inspected) -> Result<Markup, ReportError> {
    let Some(explanation) = &picture.explanation else {
        let thumbnail = thumbnail::thumbnail(&picture.bytes, SIDE_PX)?;
        return Ok(html! {
            img src=(thumbnail.uri) width=(thumbnail.width) height=(thumbnail.height) alt=(picture.name);
        });
    };
    let [occlusion, cam] = maps(explanation, &picture.bytes)?;
    Ok(html! {
        div.pair {
            img src=(occlusion) width=(SIDE_PX) height=(SIDE_PX) alt={ "Occlusion map: " (picture.name) };
            img src=(cam) width=(SIDE_PX) height=(SIDE_PX) alt={ "Grad-CAM: " (picture.name) };
        }
    })
}
