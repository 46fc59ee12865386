//! Page of predictions for new images.

use images::Orient;
use maud::{Markup, html};
use numeric::Classes;
use table_attributions::Attribution;
use table_clusters::Cluster;

use crate::draw::figure::Figure;
use crate::draw::format::{counted, percent};
use crate::draw::overlay::SIDE_PX;
use crate::draw::palette::Palette;
use crate::draw::svg::Point;
use crate::draw::thumbnail;
use crate::page::section::Content;
use crate::sections::{draw_umap, grad_cam, overlays};
use crate::{ReportError, page};

/// The long side of an image of the collection, in pixels.
const NEAR_PX: u32 = 96;

/// A new image with its predictions.
#[derive(Clone, Debug)]
pub struct NewImage {
    /// Its file's name.
    pub name: String,
    /// Its file's content.
    pub bytes: Vec<u8>,
    /// The likeliest classes and their probabilities, falling.
    pub guesses: Vec<(String, f64)>,
    /// Agreement of the networks of an ensemble, as text.
    pub agreement: Option<String>,
    /// The nearest images of the collection, nearest first.
    pub neighbors: Vec<Neighbor>,
    /// Its coordinates in the UMAP of the collection.
    pub coordinates: Option<[f64; 2]>,
    /// Attribution of the likeliest class, if computed.
    pub attribution: Option<Attribution>,
}

/// An image of the collection near a new one.
#[derive(Clone, Debug)]
pub struct Neighbor {
    /// Its class.
    pub label: String,
    /// Its path in the collection.
    pub path: String,
    /// Its file's content, if there is such a file.
    pub bytes: Option<Vec<u8>>,
}

/// Maximum number of images of the collection in the figure.
const MOST_DOTS: usize = 10_000;

/// The page: HTML that needs no other file. `clusters` has the coordinates of the collection's images; `orient` is the
/// orientation in which the network reads images; `ensemble` describes the ensemble that predicts, if one does.
#[must_use]
pub fn predictions_page(
    images: &[NewImage],
    clusters: &[Cluster],
    orient: Orient,
    ensemble: Option<&str>,
) -> String {
    let section = Content {
        id: "images",
        heading: "Predictions",
        body: html! {
            p {
                (counted(images.len(), "image")) ", each with the likeliest classes and, below, the nearest images "
                "of the collection in the network's embedding."
                @if let Some(attribution) = images.iter().find_map(|image| image.attribution.as_ref()) {
                    " Beside each image, the occlusion map of the selected network is orange where blanking lowers the "
                    "network's probability of the likeliest class, and blue where it raises it. "
                    (grad_cam(attribution, "that class"))
                }
            }
            @if let Some(ensemble) = ensemble { p { (ensemble) } }
            div.attributions {
                @for (number, image) in (1..).zip(images) { (card(number, image, orient)) }
            }
            @if images.iter().any(|image| image.coordinates.is_some()) {
                (umap(images, clusters).markup())
            }
        },
        // The page alone is written.
        figures: Vec::new(),
    };
    page::report(
        "Predictions for new images",
        &[section],
        &html! {},
        String::new(),
    )
    .page
}

fn card(number: usize, image: &NewImage, orient: Orient) -> Markup {
    html! {
        figure {
            @match image_markup(image, orient) {
                Ok(markup) => (markup),
                // It was decoded before, so that only its size can be invalid.
                Err(_) => p.missing { "This image cannot be shown." },
            }
            figcaption {
                (number) ". " (image.name) br;
                @for (i, (label, probability)) in image.guesses.iter().enumerate() {
                    @if i > 0 { ", " }
                    @if i == 0 { strong { (label) } } @else { (label) }
                    " " (percent(*probability))
                }
                @if let Some(attribution) = &image.attribution {
                    ", range of the selected network's occlusion map " (format!("{:.3}", attribution.range))
                }
                @if let Some(agreement) = &image.agreement { br; (agreement) }
                div.near { @for near in &image.neighbors { (neighbor(near, orient)) } }
            }
        }
    }
}

fn neighbor(near: &Neighbor, orient: Orient) -> Markup {
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

fn image_markup(image: &NewImage, orient: Orient) -> Result<Markup, ReportError> {
    let Some(attribution) = &image.attribution else {
        let thumbnail = thumbnail::thumbnail(&image.bytes, orient, SIDE_PX)?;
        return Ok(html! {
            img src=(thumbnail.uri) width=(thumbnail.width) height=(thumbnail.height) alt=(image.name);
        });
    };
    let overlays = overlays(attribution, &image.bytes, orient)?;
    Ok(html! { div.pair { (overlays.images(&image.name)) } })
}

fn umap(images: &[NewImage], clusters: &[Cluster]) -> Figure {
    let classes = Classes::of(clusters.iter().map(|row| row.label.as_str()));
    let by_label = |row: &Cluster| {
        let class = classes.index(&row.label);
        let number = class.and_then(|class| u32::try_from(class).ok());
        (number.unwrap_or(u32::MAX), row.label.clone())
    };
    let new: Vec<(usize, Point)> = (1..)
        .zip(images)
        .filter_map(|(number, image)| image.coordinates.map(|[x, y]| (number, (x, y))))
        .collect();
    Figure {
        name: "umap-new".to_owned(),
        title: "UMAP of the collection".to_owned(),
        caption: "Numbered dots are the new images, each at the mean coordinates of its nearest images. An image \
                  between classes is near to several."
            .to_owned(),
        canvas: draw_umap(&thinned(clusters), Palette::Classes, by_label, &new),
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

    use tables::Subset;

    use super::*;

    fn png() -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let image = image::RgbImage::from_pixel(8, 4, image::Rgb([200, 100, 50]));
        let format = image::ImageFormat::Png;
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn image(coordinates: Option<[f64; 2]>) -> NewImage {
        let near = |bytes| Neighbor {
            label: "cubism".to_owned(),
            path: "Cubism/a.jpg".to_owned(),
            bytes,
        };
        NewImage {
            name: "<new>.png".to_owned(),
            bytes: png(),
            guesses: vec![("cubism".to_owned(), 0.75), ("photo".to_owned(), 0.25)],
            agreement: Some("3 of 5 networks agree".to_owned()),
            neighbors: vec![near(Some(png())), near(None)],
            coordinates,
            attribution: None,
        }
    }

    #[test]
    fn an_image_is_shown_with_its_neighbors() {
        let page = predictions_page(
            &[image(None)],
            &[],
            Orient::Upright,
            Some("Ensemble of <5>"),
        );
        assert_eq!(page.matches("<img").count(), 2);
        assert!(page.contains("1. &lt;new&gt;.png"));
        assert!(page.contains("<strong>cubism</strong> 75\u{a0}%"));
        assert!(page.contains("<p>Ensemble of &lt;5&gt;</p>"));
        assert!(page.contains("<br>3 of 5 networks agree"));
        assert!(
            page.contains(">cubism</span>"),
            "a text in place of an image that is missing"
        );
        assert!(!page.contains("figure-umap-new") && !page.contains("<nav"));
    }

    #[test]
    fn an_attribution_names_its_network() {
        let attribution = Attribution {
            path: "<new>.png".to_owned(),
            label: "cubism".to_owned(),
            subset: Subset::Unseen,
            top1: "photo".to_owned(),
            top1_probability: 0.75,
            top2: "cubism".to_owned(),
            top2_probability: 0.25,
            probability: 0.25,
            range: 0.5,
            cells: 2,
            window: 1,
            probability_drops: vec![0.25, -0.25, 0.25, -0.25],
            cam_layer: "layer2".to_owned(),
            cam_side: 1,
            cam: vec![0.0],
        };
        let new = NewImage {
            attribution: Some(attribution),
            ..image(None)
        };
        let page = predictions_page(&[new], &[], Orient::Upright, None);
        assert!(page.contains("the occlusion map of the selected network is orange"));
        assert!(page.contains(", range of the selected network's occlusion map 0.500"));
    }

    #[test]
    fn new_images_have_dots() {
        let clusters = [(0.0, 0.0), (4.0, 2.0)].map(|(x, y)| Cluster {
            path: "Cubism/a.jpg".to_owned(),
            label: "cubism".to_owned(),
            subset: Subset::Train,
            kmeans: 0,
            ward: 0,
            umap_x: x,
            umap_y: y,
            umap3_x: 0.0,
            umap3_y: 0.0,
            umap3_z: 0.0,
        });
        let page = predictions_page(
            &[image(None), image(Some([2.0, 1.0]))],
            &clusters,
            Orient::Upright,
            None,
        );
        // The center of the clusters is the center of the figure; the first image has no coordinates.
        assert!(page.contains("<circle class=\"new\" cx=\"200\" cy=\"106\""));
        assert!(page.contains(">2</text>") && !page.contains(">1</text>"));
    }
}
