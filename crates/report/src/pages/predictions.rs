//! A page of new pictures: what the network says of each.

use dataset::Orient;
use maud::{Markup, html};
use numeric::Classes;
use tables::cluster::Cluster;
use tables::explanation::Explanation;

use crate::draw::figure::Figure;
use crate::draw::format::{counted, percent};
use crate::draw::overlay::SIDE_PX;
use crate::draw::svg::Point;
use crate::draw::thumbnail;
use crate::page::section::Content;
use crate::sections::{draw_umap, overlays};
use crate::{ReportError, page};

/// The long side of a picture of the collection, in pixels.
const NEAR_PX: u32 = 96;

/// A picture that is not of the collection.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// Its file's name.
    pub name: String,
    /// Its file's content.
    pub bytes: Vec<u8>,
    /// The likeliest classes and their probabilities, falling.
    pub guesses: Vec<(String, f64)>,
    /// The nearest pictures of the collection, nearest first.
    pub neighbors: Vec<Near>,
    /// Where it stands on the collection's map.
    pub place: Option<[f64; 2]>,
    /// What speaks for the likeliest class, where that was asked.
    pub explanation: Option<Explanation>,
}

/// A picture of the collection near a new one.
#[derive(Clone, Debug)]
pub struct Near {
    /// Its class.
    pub label: String,
    /// Its path in the collection.
    pub path: String,
    /// Its file's content, where there is such a file.
    pub bytes: Option<Vec<u8>>,
}

/// Images of the collection on the map, at most.
const MOST_DOTS: usize = 10_000;

/// The page: HTML that needs no other file. `clusters` are the collection's pictures on its map; `orient` is how the
/// network sees images.
#[must_use]
pub fn inspected(pictures: &[Inspected], clusters: &[Cluster], orient: Orient) -> String {
    let section = Content {
        id: "pictures",
        heading: "Predictions",
        body: html! {
            p {
                (counted(pictures.len(), "picture")) ", each with the likeliest classes and, below, the nearest pictures "
                "of the collection in the network's embedding."
                @if pictures.iter().any(|picture| picture.explanation.is_some()) {
                    " Where blanking a part lowers the probability of the likeliest class, the picture on the left is "
                    "orange; where it raises it, blue. On the right, Grad-CAM shows where the last block saw what speaks for it."
                }
            }
            div.explanations {
                @for (number, picture) in (1..).zip(pictures) { (card(number, picture, orient)) }
            }
            @if pictures.iter().any(|picture| picture.place.is_some()) {
                (on_map(pictures, clusters).markup())
            }
        },
        // The page alone is written.
        figures: Vec::new(),
    };
    page::report("New pictures", &[section], String::new()).page
}

fn card(number: usize, picture: &Inspected, orient: Orient) -> Markup {
    html! {
        figure {
            @match images(picture, orient) {
                Ok(images) => (images),
                // It was decoded before, so that only its size can be at fault.
                Err(_) => p.missing { "This picture cannot be shown." },
            }
            figcaption {
                (number) ". " (picture.name) br;
                @for (i, (label, probability)) in picture.guesses.iter().enumerate() {
                    @if i > 0 { ", " }
                    @if i == 0 { strong { (label) } } @else { (label) }
                    " " (percent(*probability))
                }
                @if let Some(explanation) = &picture.explanation {
                    ", amplitude " (format!("{:.3}", explanation.amplitude))
                }
                div.near { @for near in &picture.neighbors { (neighbor(near, orient)) } }
            }
        }
    }
}

fn neighbor(near: &Near, orient: Orient) -> Markup {
    let name = format!("{}: {}", near.label, near.path);
    let bytes = near.bytes.as_deref();
    let thumbnail = bytes.and_then(|bytes| thumbnail::thumbnail(bytes, orient, NEAR_PX).ok());
    html! {
        @match thumbnail {
            Some(thumbnail) => img src=(thumbnail.uri) width=(thumbnail.width) height=(thumbnail.height) alt=(name) title=(name);,
            None => span title=(near.path) { (near.label) },
        }
    }
}

fn images(picture: &Inspected, orient: Orient) -> Result<Markup, ReportError> {
    let Some(explanation) = &picture.explanation else {
        let thumbnail = thumbnail::thumbnail(&picture.bytes, orient, SIDE_PX)?;
        return Ok(html! {
            img src=(thumbnail.uri) width=(thumbnail.width) height=(thumbnail.height) alt=(picture.name);
        });
    };
    let [occlusion, cam] = overlays(explanation, &picture.bytes, orient)?;
    Ok(html! {
        div.pair {
            img src=(occlusion) width=(SIDE_PX) height=(SIDE_PX) alt={ "Occlusion map: " (picture.name) };
            img src=(cam) width=(SIDE_PX) height=(SIDE_PX) alt={ "Grad-CAM: " (picture.name) };
        }
    })
}

fn on_map(pictures: &[Inspected], clusters: &[Cluster]) -> Figure {
    let classes = Classes::of(clusters.iter().map(|row| row.label.as_str()));
    let by_label = |row: &Cluster| {
        let code = classes.index(&row.label);
        let number = code.and_then(|code| u32::try_from(code).ok());
        (number.unwrap_or(u32::MAX), row.label.clone())
    };
    let new: Vec<(usize, Point)> = (1..)
        .zip(pictures)
        .filter_map(|(number, picture)| picture.place.map(|[x, y]| (number, (x, y))))
        .collect();
    Figure {
        name: "map-new".to_owned(),
        title: "On the collection's map".to_owned(),
        caption: "The numbered dots are the new pictures, each at the mean of its nearest pictures' places. One that \
                  stands between classes is near to several."
            .to_owned(),
        canvas: draw_umap(&thinned(clusters), by_label, &new),
    }
}

/// At most [`MOST_DOTS`] of a large collection's images, at even distances in the order of their paths.
fn thinned(clusters: &[Cluster]) -> Vec<&Cluster> {
    clusters
        .iter()
        .step_by(clusters.len().div_ceil(MOST_DOTS).max(1))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tables::subset::Subset;

    use super::*;

    fn png() -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let picture = image::RgbImage::from_pixel(8, 4, image::Rgb([200, 100, 50]));
        let format = image::ImageFormat::Png;
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn picture(place: Option<[f64; 2]>) -> Inspected {
        let near = |bytes| Near {
            label: "cubism".to_owned(),
            path: "Cubism/a.jpg".to_owned(),
            bytes,
        };
        Inspected {
            name: "<new>.png".to_owned(),
            bytes: png(),
            guesses: vec![("cubism".to_owned(), 0.75), ("photo".to_owned(), 0.25)],
            neighbors: vec![near(Some(png())), near(None)],
            place,
            explanation: None,
        }
    }

    #[test]
    fn a_picture_is_shown_with_its_neighbors() {
        let page = inspected(&[picture(None)], &[], Orient::Upright);
        assert_eq!(page.matches("<img").count(), 2);
        assert!(page.contains("1. &lt;new&gt;.png"));
        assert!(page.contains("<strong>cubism</strong> 75\u{a0}%"));
        assert!(
            page.contains(">cubism</span>"),
            "words in place of a picture that is gone"
        );
        assert!(!page.contains("figure-map-new") && !page.contains("<nav"));
    }

    #[test]
    fn new_pictures_stand_on_the_map() {
        let clusters = [(0.0, 0.0), (4.0, 2.0)].map(|(x, y)| Cluster {
            path: "Cubism/a.jpg".to_owned(),
            label: "cubism".to_owned(),
            subset: Subset::Train,
            kmeans: 0,
            agglomerative: 0,
            umap_x: x,
            umap_y: y,
            umap3_x: 0.0,
            umap3_y: 0.0,
            umap3_z: 0.0,
        });
        let page = inspected(
            &[picture(None), picture(Some([2.0, 1.0]))],
            &clusters,
            Orient::Upright,
        );
        // The middle of the clusters is the middle of the map; the first picture has no place.
        assert!(page.contains("<circle class=\"new\" cx=\"240\" cy=\"210\""));
        assert!(page.contains(">2</text>") && !page.contains(">1</text>"));
    }
}
