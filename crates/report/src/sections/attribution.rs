//! Attribution of predictions to parts of an image: occlusion maps and Grad-CAM.

use images::Orient;
use maud::{Markup, html};
use numeric::median_high;
use table_annotations::Annotation;
use table_attributions::{Attribution, MIN_CAM_SIDE};

use crate::ReportError;
use crate::draw::format::{counted, percent, subset_name};
use crate::draw::overlay::{Crop, SIDE_PX, cell, smooth};
use crate::draw::palette::{AGAINST, FOR, NEUTRAL, hex};
use crate::page::annotations::{Annotations, name};
use crate::page::options::Options;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Smallest change of probability that has the strongest color, so that maps of small changes are pale.
const LEAST_FULL: f64 = 0.05;

/// The ResNet's last layer, whose activations are pooled.
const LAST_LAYER: &str = "layer4";

reads! {
    /// Tables of the section.
    pub(crate) struct Attributions {
        annotations: Annotations,
        attributions: Rows<Attribution>,
    }
}

impl Section for Attributions {
    fn linked(&self, _: &Options) -> Result<Vec<String>, ReportError> {
        let rows = self.attributions.iter();
        Ok(rows.map(|row| row.path.clone()).collect())
    }

    fn draw(&self, context: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let annotations = self.annotations.by_path();
        let body = html! {
            @if self.attributions.is_empty() {
                p { "This run has no attributions." }
            } @else {
                (self.introduction())
                div.attributions {
                    @for row in self.attributions.iter() {
                        (figure(row, annotations.get(row.path.as_str()).copied(), context))
                    }
                }
            }
        };
        Ok(Some(Content {
            id: "attribution",
            heading: "Attribution: occlusion and Grad-CAM",
            body,
            figures: Vec::new(),
        }))
    }
}

impl Attributions {
    fn introduction(&self) -> Markup {
        let ranges: Vec<f64> = self.attributions.iter().map(|row| row.range).collect();
        let median = median_high(&ranges, f64::total_cmp);
        let windows = self.attributions.first().map(|row| {
            let share = f64::from(row.window) / f64::from(row.cells.max(1));
            format!("windows of {} of the image's side", percent(share))
        });
        html! {
            p {
                (counted(self.attributions.len(), "validation or test image"))
                ", drawn at random and alternating between right at the first guess, right at the second and wrong. "
                "The crop that the network sees stands on the left. The occlusion map beside it shows the change of the true class's "
                "probability when " (windows.unwrap_or_default())
                " are blanked one after another: orange where blanking lowers it, which is evidence for the class, and "
                "blue where blanking raises it. " (self.grad_cam())
            }
            (color_bar())
            p.note {
                "The strongest color of a map is its largest change, which the caption has, or 5 points of probability where all changes are smaller. "
                "The range is the distance between the largest drop and the largest rise; its median is "
                (three_digits(median.unwrap_or(0.0))) ". A small range means that no single part decides: a confident network finds the same "
                "evidence in many places. Color on the parts that define the class is expected; color on a frame or a signature indicates a "
                "shortcut."
            }
        }
    }

    /// Sentences on Grad-CAM, whose layer and resolution depend on the size of the network's input alone.
    fn grad_cam(&self) -> Markup {
        html! { @if let Some(row) = self.attributions.first() { (grad_cam(row, "the true class")) } }
    }
}

/// Sentences on the layer and the resolution of a Grad-CAM of `class`.
pub(crate) fn grad_cam(row: &Attribution, class: &str) -> Markup {
    let cells = format!("{0}\u{a0}×\u{a0}{0} cells", row.cam_side);
    html! {
        @if row.cam_side < MIN_CAM_SIDE {
            "Grad-CAM is left out: at this input size its map has " (cells) ", too few to localize a part."
        } @else {
            "Grad-CAM on the right shows the activations of the ResNet's " code { (row.cam_layer) } ", in " (cells)
            ", that raise the score of " (class) "."
            @if row.cam_layer != LAST_LAYER {
                " At this input size the map of the last layer, " code { (LAST_LAYER) } ", would have too few cells. An earlier "
                "layer responds to parts, such as edges, textures and shapes, and less to classes: its map shows where the image has "
                "parts that count for the class, and is no outline of the object."
            }
        }
    }
}

/// Colors of the occlusion maps, with their meaning.
fn color_bar() -> Markup {
    let (against, none, evidence) = (hex(AGAINST), hex(NEUTRAL), hex(FOR));
    html! {
        div.color-bar {
            i style={ "background:linear-gradient(to right," (against) "," (none) "," (evidence) ")" } {}
            span { "blanking raises the probability" }
            span { "no change" }
            span { "blanking lowers it" }
        }
    }
}

fn three_digits(range: f64) -> String {
    format!("{range:.3}")
}

fn figure(row: &Attribution, annotation: Option<&Annotation>, context: &Context<'_>) -> Markup {
    let orient = Orient::by(annotation.is_some_and(|annotation| annotation.orientation != 1));
    let name = annotation.map_or_else(|| row.path.clone(), name);
    let drawn = (context.read)(&row.path)
        .map_err(|error| error.to_string())
        .and_then(|bytes| overlays(row, &bytes, orient).map_err(|error| error.to_string()));
    html! {
        figure {
            @match drawn {
                Ok(overlays) => {
                    @let () = context.shown.insert(&row.path);
                    a.pair href=[context.sample.anchors.link(&row.path)] { (overlays.images(&name)) }
                }
                Err(error) => {
                    // The page leaves out the reason, which may name a path on this machine.
                    @let () = tracing::warn!("cannot show `{}`: {error}", row.path);
                    p.missing { "This image cannot be shown." }
                }
            }
            figcaption {
                strong { (row.label) } ", range " (three_digits(row.range)) ", colors to ±" (three_digits(strongest(row))) br;
                "predicted: " (guess(row, &row.top1, row.top1_probability)) ", "
                (guess(row, &row.top2, row.top2_probability)) br;
                span title=(row.path) { (name) } ", " (subset_name(row.subset))
            }
        }
    }
}

fn guess(row: &Attribution, class: &str, probability: f64) -> Markup {
    html! {
        @if class == row.label { strong { (class) } } @else { (class) }
        " " (percent(probability))
    }
}

/// An image and its maps, as JPEG in `data:` URIs.
pub(crate) struct Overlays {
    original: String,
    occlusion: String,
    /// None of a map with too few cells.
    cam: Option<String>,
}

impl Overlays {
    /// The images side by side, for an element of class `pair`.
    pub(crate) fn images(&self, name: &str) -> Markup {
        let cam = self.cam.as_ref();
        let kinds = [
            ("Image", Some(&self.original)),
            ("Occlusion map", Some(&self.occlusion)),
            ("Grad-CAM", cam),
        ];
        html! {
            @for (kind, uri) in kinds {
                @if let Some(uri) = uri {
                    img src=(uri) width=(SIDE_PX) height=(SIDE_PX) alt={ (kind) ": " (name) };
                }
            }
        }
    }
}

/// The crop that the network sees, and the crop under its occlusion map and under its Grad-CAM heat map.
pub(crate) fn overlays(
    row: &Attribution,
    bytes: &[u8],
    orient: Orient,
) -> Result<Overlays, ReportError> {
    let crop = Crop::of(bytes, orient)?;
    let full = strongest(row);
    let occlusion = crop.under(|y, x| {
        let drop = cell(&row.probability_drops, row.cells, y, x) / full;
        (if drop > 0.0 { FOR } else { AGAINST }, drop.abs())
    })?;
    let hottest = largest(&row.cam).max(f64::MIN_POSITIVE);
    let cam = (row.cam_side >= MIN_CAM_SIDE)
        .then(|| crop.under(|y, x| (FOR, smooth(&row.cam, row.cam_side, y, x) / hottest)));
    Ok(Overlays {
        original: crop.plain()?,
        occlusion,
        cam: cam.transpose()?,
    })
}

/// Change of probability that has the strongest color of an occlusion map.
fn strongest(row: &Attribution) -> f64 {
    largest(&row.probability_drops).max(LEAST_FULL)
}

/// The largest magnitude.
fn largest(values: &[f32]) -> f64 {
    let magnitudes = values.iter().map(|value| f64::from(value.abs()));
    magnitudes.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture::{occurrences, report, study};

    #[test]
    fn an_attribution_has_the_image_and_maps_that_show_something() {
        let mut study = study();
        let page = report(&study).page;
        assert_eq!(occurrences(&page, "alt=\"Image: "), 2);
        assert_eq!(occurrences(&page, "alt=\"Occlusion map: "), 2);
        assert_eq!(occurrences(&page, "alt=\"Grad-CAM: "), 0);
        assert!(page.contains("windows of 50\u{a0}% of the image's side"));
        assert!(page.contains(
            "Grad-CAM is left out: at this input size its map has 1\u{a0}×\u{a0}1 cells"
        ));
        assert!(page.contains("range 0.500, colors to ±0.250"));
        let mut with_cells = |side: u8| {
            study.edit("attributions", |rows: &mut Vec<Attribution>| {
                for row in rows {
                    row.cam_side = side.into();
                    row.cam = vec![1.0; usize::from(side).pow(2)];
                }
            });
            report(&study).page
        };
        // As many cells as the last layer has at 160 pixels, where the map is of the layer before it.
        let page = with_cells(5);
        assert_eq!(occurrences(&page, "alt=\"Grad-CAM: "), 0);
        assert!(page.contains("its map has 5\u{a0}×\u{a0}5 cells, too few to localize a part."));
        let page = with_cells(6);
        assert_eq!(occurrences(&page, "alt=\"Grad-CAM: "), 2);
        assert!(
            page.contains(
                "activations of the ResNet's <code>layer2</code>, in 6\u{a0}×\u{a0}6 cells"
            )
        );
        assert!(page.contains("An earlier layer responds to parts"));
        study.edit("attributions", |rows: &mut Vec<Attribution>| {
            for row in rows {
                row.cam_layer = LAST_LAYER.to_owned();
            }
        });
        let page = report(&study).page;
        assert!(page.contains("activations of the ResNet's <code>layer4</code>"));
        assert!(!page.contains("An earlier layer"));
        study.edit("attributions", |rows: &mut Vec<Attribution>| rows.clear());
        let page = report(&study).page;
        assert!(page.contains("This run has no attributions."));
    }
}
