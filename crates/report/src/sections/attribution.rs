//! What the network looks at: occlusion maps and Grad-CAM.

use std::collections::BTreeMap;

use dataset::Orient;
use maud::{Markup, html};
use numeric::median_high;
use tables::annotation::Annotation;
use tables::explanation::Explanation;

use crate::ReportError;
use crate::draw::format::{counted, percent, subset_name};
use crate::draw::overlay::{Gray, SIDE_PX, cell, smooth};
use crate::draw::palette::{AGAINST, FOR, hex};
use crate::page::section::Section;
use crate::page::tables::{Anchors, Study};
use crate::sections::examples::name;

/// A change of probability below which no color is at its strongest, so that a map of nearly nothing looks like it.
const LEAST_FULL: f64 = 0.05;

/// A heat map of fewer cells along each side says little about where.
const COARSE: u32 = 4;

/// The section. `read` gives the bytes of a picture's file by its path.
pub(crate) fn section(
    study: &Study,
    anchors: &Anchors<'_>,
    read: impl Fn(&str) -> std::io::Result<Vec<u8>>,
) -> Section {
    let pictures = study.pictures();
    let body = html! {
        @if study.explanations.is_empty() {
            p { "No picture was explained in this run." }
        } @else {
            (words(study))
            div.explanations {
                @for row in &study.explanations { (explained(row, &pictures, anchors, &read)) }
            }
        }
    };
    Section {
        id: "attention",
        title: "What the network looks at",
        body,
        figures: Vec::new(),
    }
}

fn words(study: &Study) -> Markup {
    let amplitudes: Vec<f64> = study.explanations.iter().map(|row| row.amplitude).collect();
    let median = median_high(&amplitudes, f64::total_cmp);
    let squares = study.explanations.first().map(|row| {
        let share = f64::from(row.square) / f64::from(row.cells.max(1));
        format!("squares of {} of the picture's side", percent(share))
    });
    html! {
        p {
            (counted(study.explanations.len(), "validation or test image"))
            ", drawn by chance; right at the first guess, right at the second and wrong take turns. On the left, "
            (squares.unwrap_or_default())
            " are blanked one after another, and the network is asked each time. Where it is "
            (swatch(FOR)) " orange, blanking lowers the probability of the true class: what is there speaks for it. Where it is "
            (swatch(AGAINST)) " blue, blanking raises it. On the right, Grad-CAM shows where the last block saw what "
            "speaks for the true class" (places(study)) "."
        }
        p.note {
            "A map's strongest color stands for its largest change, or for 5 points of probability where no change is as "
            "large. The amplitude is the distance from the deepest fall to the highest rise; half of these pictures "
            "are above " (points(median.unwrap_or(0.0))) ". A small one says that no single part decides: a sure network "
            "finds the same evidence in many places. Look for color on what makes the style; color on a frame or a signature is a warning."
        }
    }
}

/// How finely Grad-CAM sees, which is a matter of the network's input alone.
fn places(study: &Study) -> String {
    let sides = study.explanations.iter().map(|row| row.cam_side);
    let side = sides.max().unwrap_or(0);
    let coarse = if side < COARSE {
        ", too few to point at much"
    } else {
        ""
    };
    format!(", in {side}\u{a0}×\u{a0}{side} places{coarse}")
}

fn swatch(color: [u8; 3]) -> Markup {
    html! { span.swatch style={ "background:" (hex(color)) } {} }
}

fn points(amplitude: f64) -> String {
    format!("{amplitude:.3}")
}

fn explained(
    row: &Explanation,
    pictures: &BTreeMap<&str, &Annotation>,
    anchors: &Anchors<'_>,
    read: impl Fn(&str) -> std::io::Result<Vec<u8>>,
) -> Markup {
    let annotation = pictures.get(row.path.as_str());
    let orient = Orient::by(annotation.is_some_and(|annotation| annotation.orientation != 1));
    let name = annotation.map_or_else(|| row.path.clone(), |annotation| name(annotation));
    let drawn = read(&row.path)
        .map_err(|error| error.to_string())
        .and_then(|bytes| maps(row, &bytes, orient).map_err(|error| error.to_string()));
    html! {
        figure {
            @match drawn {
                Ok([occlusion, cam]) => a.pair href=[anchors.link(&row.path)] {
                    img src=(occlusion) width=(SIDE_PX) height=(SIDE_PX) alt={ "Occlusion map: " (name) };
                    img src=(cam) width=(SIDE_PX) height=(SIDE_PX) alt={ "Grad-CAM: " (name) };
                },
                Err(error) => {
                    // The page says nothing of the reason, which may name a place on this machine.
                    @let () = tracing::warn!("cannot show `{}`: {error}", row.path);
                    p.missing { "This picture cannot be shown." }
                }
            }
            figcaption {
                strong { (row.label) } ", amplitude " (points(row.amplitude)) br;
                "said: " (guess(row, &row.top1, row.top1_probability)) ", "
                (guess(row, &row.top2, row.top2_probability)) br;
                span title=(row.path) { (name) } ", " (subset_name(row.subset))
            }
        }
    }
}

fn guess(row: &Explanation, class: &str, probability: f64) -> Markup {
    html! {
        @if class == row.label { strong { (class) } } @else { (class) }
        " " (percent(probability))
    }
}

/// The picture under its occlusion map and under its heat map.
pub(crate) fn maps(
    row: &Explanation,
    bytes: &[u8],
    orient: Orient,
) -> Result<[String; 2], ReportError> {
    let gray = Gray::of(bytes, orient)?;
    let full = largest(&row.drops).max(LEAST_FULL);
    let occlusion = gray.under(|y, x| {
        let drop = cell(&row.drops, row.cells, y, x) / full;
        (if drop > 0.0 { FOR } else { AGAINST }, drop.abs())
    })?;
    let hottest = largest(&row.cam).max(f64::MIN_POSITIVE);
    let cam = gray.under(|y, x| (FOR, smooth(&row.cam, row.cam_side, y, x) / hottest))?;
    Ok([occlusion, cam])
}

/// The largest magnitude.
fn largest(values: &[f32]) -> f64 {
    let magnitudes = values.iter().map(|value| f64::from(value.abs()));
    magnitudes.fold(0.0, f64::max)
}
