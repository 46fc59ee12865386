//! UMAP of the embeddings in two dimensions, by cluster and by class.

use maud::html;
use table_clusters::Cluster;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::scatter::{Area, Placement, Scatter};
use crate::draw::svg::{Canvas, Point};
use crate::page::annotations::Annotations;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Width and height of a figure.
const SIZE: Point = (480.0, 420.0);

/// More dots than this are small.
const DENSE: usize = 2000;

/// Room for dots and names at the edge.
const EDGE: f64 = 26.0;

reads! {
    /// Tables of the section.
    pub(crate) struct Umap {
        annotations: Annotations,
        clusters: Rows<Cluster>,
    }
}

impl Section for Umap {
    fn draw(&self, context: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let by_cluster = |row: &Cluster| (row.kmeans, format!("{}", row.kmeans));
        let classes = self.annotations.class_indices();
        let by_label = |row: &Cluster| (classes.of(&row.label), row.label.clone());
        let rows = context.sample.dots(&self.clusters, |row| &row.path);
        let figures = vec![
        Figure {
            name: "umap-clusters".to_owned(),
            title: "UMAP by k-means cluster".to_owned(),
            caption: "Numbers are at the clusters' centers. Clusters were found in the embedding itself and not in the \
                      projection, so a cluster can look torn here."
                .to_owned(),
            canvas: draw_umap(&rows, by_cluster, &[]),
        },
        Figure {
            name: "umap-classes".to_owned(),
            title: "UMAP by true class".to_owned(),
            caption: format!(
                "Names are at the classes' centers. Strong dots far from their class's name are images that the network \
                 misclassifies; classes that overlap are those that it confuses.{}",
                self.annotations.color_note()
            ),
            canvas: draw_umap(&rows, by_label, &[]),
        },
    ];
        let hidden = if self.annotations.has_authors() {
            ", whose authors are not in the training images, "
        } else {
            " "
        };
        let body = html! {
            p {
                "UMAP projects the embeddings to two dimensions and preserves neighborhoods; the axes and distances between far groups "
                "have no meaning. Training images are small and faint; validation and test images"
                (hidden) "are large and strong." @if let Some(note) = context.sample.note() { (note) }
            }
            (row(&figures))
        };
        Ok(Some(Content {
            id: "umap",
            heading: "UMAP of the embeddings",
            body,
            figures,
        }))
    }
}

/// Coordinates by group, which has a number for its color and a name; `new` are numbered coordinates of other images.
pub(crate) fn draw_umap(
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
    for (number, point) in new {
        let (x, y) = placement.at(*point);
        canvas.circle("new", (x, y), 4.5);
        canvas.text("strong halo", (x + 7.0, y + 4.0), &number.to_string());
    }
    canvas
}
