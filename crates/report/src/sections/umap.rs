//! UMAP of the embeddings in two dimensions, by class and by cluster.

use maud::html;
use table_clusters::Cluster;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{count, counted};
use crate::draw::palette::Palette;
use crate::draw::scatter::{Placement, Scatter};
use crate::draw::svg::{Canvas, Point};
use crate::page::annotations::Annotations;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Width of a figure.
const WIDTH: f64 = 400.0;

/// Room for marks at the edge.
const EDGE: f64 = 12.0;

reads! {
    /// Tables of the section.
    pub(crate) struct Umap {
        annotations: Annotations,
        clusters: Rows<Cluster>,
    }
}

impl Section for Umap {
    fn draw(&self, context: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let rows = context.sample.dots(&self.clusters, |row| &row.path);
        let figures = self.figures(&rows);
        let n_train = self.n_train();
        let body = html! {
            p {
                "UMAP projects the embeddings to two dimensions and preserves neighborhoods; the axes and distances between far groups "
                "have no meaning. Of the " (counted(self.clusters.len(), "image")) ", the network was fitted to "
                (count(n_train)) ": groups of training images that are far apart show the fit, and only validation and test images show "
                "how new images are embedded."
                @if let Some(note) = context.sample.note() { (note) }
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

impl Umap {
    fn n_train(&self) -> usize {
        let rows = self.clusters.iter();
        rows.filter(|row| row.subset == Subset::Train).count()
    }

    fn figures(&self, rows: &[&Cluster]) -> Vec<Figure> {
        let classes = self.annotations.class_indices();
        let by_label = |row: &Cluster| (classes.of(&row.label), row.label.clone());
        let of_classes = Figure {
            name: "umap-classes".to_owned(),
            title: "UMAP by true class".to_owned(),
            caption: format!(
                "An image among those of another class has an embedding like theirs. Whether it is misclassified stands in \
                 the table of images.{}",
                self.annotations.color_note()
            ),
            canvas: draw_umap(rows, Palette::Classes, by_label, &[]),
        };
        let of_clusters = |name: &str, method: &str, cluster: fn(&Cluster) -> u32| {
            Figure {
            name: name.to_owned(),
            title: format!("UMAP by cluster, {method}"),
            caption: "Clusters were found in the embedding itself and not in the projection, so that a cluster can look torn \
                      here. Their colors are not those of classes."
                .to_owned(),
            canvas: draw_umap(
                rows,
                Palette::Clusters,
                |row| (cluster(row), format!("cluster {}", cluster(row))),
                &[],
            ),
        }
        };
        vec![
            of_classes,
            of_clusters("umap-clusters", "k-means", |row| row.kmeans),
            of_clusters("umap-clusters-ward", "agglomerative", |row| row.ward),
        ]
    }
}

/// Coordinates by group, which has a number for its color and shape, and a name; `new` are numbered coordinates of other
/// images.
pub(crate) fn draw_umap(
    rows: &[&Cluster],
    palette: Palette,
    group: impl Fn(&Cluster) -> (u32, String),
    new: &[(usize, Point)],
) -> Canvas {
    let rows = rows
        .iter()
        .copied()
        .filter(|row| row.umap_x.is_finite() && row.umap_y.is_finite());
    let point = |row: &Cluster| (f64::from(row.umap_x), f64::from(row.umap_y));
    let placement = Placement::fit_width(WIDTH, EDGE, rows.clone().map(point));
    let mut scatter = Scatter::new(palette);
    for row in rows {
        let (number, name) = group(row);
        scatter.add(number, &name, row.subset, placement.at(point(row)));
    }
    let legend = scatter.legend(WIDTH);
    let area = placement.area();
    let height = area.size.1 + legend.height();
    let mut canvas = Canvas::new((WIDTH, height));
    canvas.rect("panel", area.corner, area.size, 1.0);
    scatter.draw(&mut canvas);
    for (number, point) in new {
        let (x, y) = placement.at(*point);
        canvas.circle("new", (x, y), 4.5);
        canvas.text("strong halo", (x + 7.0, y + 4.0), &number.to_string());
    }
    legend.draw(&mut canvas, area.size.1);
    canvas
}

#[cfg(test)]
mod tests {
    use crate::tests::fixture::{occurrences, report, study};

    #[test]
    fn classes_and_clusters_differ_in_their_marks() {
        let report = report(&study());
        let figure = |name: &str| {
            let mut figures = report.figures.iter();
            &figures.find(|figure| figure.name == name).unwrap().svg
        };
        let classes = figure("umap-classes.svg");
        assert!(classes.contains(">photo</text>") && !classes.contains("tone-cluster-0\""));
        for name in ["umap-clusters.svg", "umap-clusters-ward.svg"] {
            let clusters = figure(name);
            assert!(clusters.contains(">cluster 1</text>"));
            assert_eq!(occurrences(clusters, "class=\"mark-hollow tone-series"), 0);
        }
        assert!(report.page.contains("the network was fitted to 8"));
    }
}
