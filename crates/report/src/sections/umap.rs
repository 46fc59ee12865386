//! The map of the embeddings: UMAP in the plane, by cluster and by class.

use maud::html;
use tables::cluster::Cluster;

use crate::draw::figure::{Figure, row};
use crate::draw::scatter::{Area, Placement, Scatter};
use crate::draw::svg::{Canvas, Point};
use crate::page::sample::Shown;
use crate::page::section::Section;
use crate::page::tables::Study;

/// Width and height of a map.
const SIZE: Point = (480.0, 420.0);

/// More dots than this are small.
const DENSE: usize = 2000;

/// Room for dots and names at the edge.
const EDGE: f64 = 26.0;

/// The section.
pub(crate) fn section(study: &Study, shown: &Shown<'_>) -> Section {
    let by_cluster = |row: &Cluster| (row.kmeans, format!("{}", row.kmeans));
    let codes = study.codes();
    let by_label = |row: &Cluster| (codes.of(&row.label), row.label.clone());
    let rows = shown.dots(&study.clusters, |row| &row.path);
    let figures = vec![
        Figure {
            name: "map-clusters".to_owned(),
            title: "The map by k-means cluster".to_owned(),
            caption: "Numbers stand at the clusters' centers. Clusters were found in the embedding itself, not on the \
                      map, so a cluster may look torn here."
                .to_owned(),
            canvas: draw(&rows, by_cluster, &[]),
        },
        Figure {
            name: "map-classes".to_owned(),
            title: "The map by true class".to_owned(),
            caption: format!(
                "Names stand at the classes' centers. Strong dots far from their class's name are pictures that the network \
                 misreads; classes that run into each other are those it confuses.{}",
                study.words_on_colors()
            ),
            canvas: draw(&rows, by_label, &[]),
        },
    ];
    let hidden = if study.has_authors() {
        ", whose authors the network doesn't know, "
    } else {
        " "
    };
    let body = html! {
        p {
            "UMAP lays the embeddings out in the plane so that neighbors stay neighbors; distances between far groups "
            "and the axes mean nothing. Training images are small and faint; validation and test images"
            (hidden) "are large and strong." @if let Some(words) = shown.words() { (words) }
        }
        (row(&figures))
    };
    Section {
        id: "map",
        title: "The map",
        body,
        figures,
    }
}

/// The map by group, which has a number for its color and a name; `new` are numbered places of other pictures.
pub(crate) fn draw(
    rows: &[&Cluster],
    group: impl Fn(&Cluster) -> (u32, String),
    new: &[(usize, Point)],
) -> Canvas {
    let area = Area {
        corner: (0.0, 0.0),
        size: SIZE,
    };
    let rows = rows
        .iter()
        .copied()
        .filter(|row| row.umap_x.is_finite() && row.umap_y.is_finite());
    let point = |row: &Cluster| (f64::from(row.umap_x), f64::from(row.umap_y));
    let placement = Placement::fit(area, EDGE, rows.clone().map(point));
    let mut scatter = Scatter::new(area);
    let n_dots = rows.clone().count();
    for row in rows {
        let (number, name) = group(row);
        scatter.add(number, &name, row.subset, placement.at(point(row)));
    }
    let mut canvas = Canvas::new(SIZE);
    let dots = if n_dots > DENSE { "small-dots" } else { "" };
    scatter.draw_dots(&mut canvas, dots);
    scatter.draw_names(&mut canvas, "name", 13.0 / 11.0);
    for (number, place) in new {
        let (x, y) = placement.at(*place);
        canvas.circle("new", (x, y), 4.5);
        canvas.text("strong halo", (x + 7.0, y + 4.0), &number.to_string());
    }
    canvas
}
