//! Reliability diagrams.

use table_calibrations::Calibration;
use table_reliabilities::Reliability;
use tables::Subset;

use crate::draw::figure::Figure;
use crate::draw::format::{count, counted, subset_name, value};
use crate::draw::plot::{Margins, Plot};
use crate::draw::svg::text_width;

/// Ends of both axes: room for whole dots at confidences of 0 and 1.
const AXIS: (f64, f64) = (-0.04, 1.04);

/// Radius of the dot of the largest bin.
const RADIUS: f64 = 9.0;

/// The diagram of a model's probabilities on a subset, from its bins.
pub(super) fn figure(row: &Calibration, bins: &[&Reliability], name: &str) -> Figure {
    let margins = Margins {
        left: 54.0,
        right: 16.0,
        top: 50.0,
        bottom: 38.0,
    };
    let mut plot = Plot::new((360.0, 360.0), margins, AXIS, AXIS);
    plot.draw_y_axis();
    plot.draw_x_axis("confidence", 0.2, false);
    plot.name_y_axis("accuracy");
    let ends = [(0.0, 0.0), (1.0, 1.0)].map(|end| plot.at(end));
    plot.canvas.line("chance", ends[0], ends[1]);
    let most = bins.iter().map(|bin| bin.n).max().unwrap_or(0);
    for bin in bins {
        draw_bin(&mut plot, bin, most);
    }
    draw_legend(&mut plot, most);
    let of_subset = match row.subset {
        Subset::Test => "-test",
        _ => "",
    };
    Figure {
        name: format!("reliability-{}-{}{of_subset}", row.model, row.method),
        title: format!(
            "Reliability diagram of the {}, {name}, {} images",
            row.model,
            subset_name(row.subset)
        ),
        caption: format!(
            "Accuracy by confidence of the first guess on {}. Below the dotted line the model is overconfident, above it \
             underconfident; a whisker that crosses the line shows neither. ECE: {}.",
            counted(row.n as usize, "image"),
            value(Some(row.ece))
        ),
        canvas: plot.canvas,
    }
}

/// Radius of a dot of `n` images, whose area is in proportion to them, with a least one that can be seen.
fn radius(n: u32, most: u32) -> f64 {
    (RADIUS * (f64::from(n) / f64::from(most.max(1))).sqrt()).max(1.5)
}

fn draw_bin(plot: &mut Plot, bin: &Reliability, most: u32) {
    let Some((confidence, accuracy)) = bin.confidence.zip(bin.accuracy) else {
        return;
    };
    if let Some((low, high)) = bin.accuracy_low.zip(bin.accuracy_high) {
        let (from, to) = (plot.at((confidence, low)), plot.at((confidence, high)));
        plot.canvas.line("whisker stroke-0", from, to);
    }
    let at = plot.at((confidence, accuracy));
    plot.canvas.circle("dot fill-0", at, radius(bin.n, most));
    let title = format!(
        "{}: confidence {}, accuracy {}",
        counted(bin.n as usize, "image"),
        value(bin.confidence),
        value(bin.accuracy)
    );
    plot.canvas.hover(at, RADIUS, &title);
}

/// Names of the marks, and below them sizes of dots.
fn draw_legend(plot: &mut Plot, most: u32) {
    const LEFT: f64 = 4.0;
    const GAP: f64 = 14.0;
    let canvas = &mut plot.canvas;
    let mut x = LEFT;
    canvas.circle("dot fill-0", (x + 5.0, 10.0), 5.0);
    for (mark, name) in [
        (None, "bin of confidence"),
        (Some("whisker stroke-0"), "95 % interval"),
        (Some("chance"), "calibrated"),
    ] {
        let room = if mark.is_some() { 16.0 } else { 10.0 };
        if let Some(class) = mark {
            canvas.line(class, (x, 10.0), (x + room, 10.0));
        }
        canvas.text("", (x + room + 5.0, 14.0), name);
        x += room + 5.0 + text_width(name) + GAP;
    }
    let mut x = LEFT;
    for n in [most.div_ceil(4), most] {
        let name = counted(n as usize, "image");
        let radius = radius(n, most);
        canvas.circle("dot fill-0", (x + radius, 31.0), radius);
        canvas.text("muted", (x + 2.0 * radius + 5.0, 35.0), &name);
        x += 2.0 * radius + 5.0 + text_width(&count(n)) + text_width(" images") + GAP;
    }
}
