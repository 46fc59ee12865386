//! Clusters of the embeddings: silhouettes by number of clusters, and classes of the best clusters.

use std::collections::BTreeMap;

use maud::{Markup, html};
use table_clusters::Cluster;
use table_silhouettes::Silhouette;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{count, method, percent, value};
use crate::draw::plot::{Margins, Plot};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Methods with their colors and the offset of the label of their best dot.
const METHODS: [(&str, &str, &str, f64); 2] = [
    ("kmeans", "stroke-0", "fill-0", -11.0),
    ("ward", "stroke-1", "fill-1", 19.0),
];

reads! {
    /// Tables of the section.
    pub(crate) struct Clusters {
        annotations: Annotations,
        clusters: Rows<Cluster>,
        silhouettes: Rows<Silhouette>,
    }
}

impl Section for Clusters {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let figures = vec![self.figure()];
        let body = html! {
            p {
                "The embedding of an image is a short vector that the network computes. Clustering finds groups among the "
                "embeddings of all subsets without the classes. The silhouette measures how well the groups are separated, from −1 to 1. "
                (self.best_numbers())
            }
            (row(&figures))
            (self.cluster_table())
        };
        Ok(Some(Content {
            id: "clusters",
            heading: "Clusters of the embeddings",
            body,
            figures,
        }))
    }
}

impl Clusters {
    fn best_numbers(&self) -> String {
        let found: Vec<String> = METHODS
            .iter()
            .filter_map(|(name, ..)| {
                let best = best(&self.silhouettes, name)?;
                Some(format!(
                    "{} clusters by {} ({})",
                    best.k,
                    method(name),
                    value(best.silhouette)
                ))
            })
            .collect();
        match found.len() {
            0 => "Here it is undefined for all numbers of clusters.".to_owned(),
            _ => format!(
                "It is highest for {}; there are {} classes.",
                crate::draw::format::list(&found),
                self.annotations.labels().len()
            ),
        }
    }

    fn figure(&self) -> Figure {
        let defined = || {
            let rows = self.silhouettes.iter();
            rows.filter_map(|row| {
                Some((f64::from(row.k), row.silhouette.filter(|s| s.is_finite())?))
            })
        };
        let least = defined().map(|(k, _)| k).fold(f64::INFINITY, f64::min);
        let k_domain = (
            least.min(2.0),
            defined().map(|(k, _)| k).fold(3.0, f64::max),
        );
        let low = defined().map(|(_, value)| value).fold(0.0, f64::min);
        let high = defined().map(|(_, value)| value).fold(0.1, f64::max);
        let margins = Margins {
            left: 40.0,
            right: 24.0,
            top: 34.0,
            bottom: 38.0,
        };
        let mut plot = Plot::new((440.0, 260.0), margins, k_domain, (low, high * 1.15));
        plot.draw_y_axis();
        plot.draw_x_axis("number of clusters, k", 1.0, false);
        for (name, stroke, fill, _) in METHODS {
            draw(&mut plot, &self.silhouettes, name, stroke, fill);
        }
        for (name, stroke, _, offset) in METHODS {
            mark_best(&mut plot, best(&self.silhouettes, name), stroke, offset);
        }
        plot.draw_legend(&[
            ("curve stroke-0", "k-means"),
            ("curve stroke-1", method("ward")),
        ]);
        Figure {
        name: "silhouettes".to_owned(),
        title: "Silhouette by number of clusters".to_owned(),
        caption: "The ringed dots are the methods' best. A peak at the number of classes means that the network separates the \
                  classes; a flat curve, that the embeddings have no clear groups."
            .to_owned(),
        canvas: plot.canvas,
    }
    }

    /// The most frequent class of each k-means cluster.
    fn cluster_table(&self) -> Markup {
        let mut clusters: BTreeMap<u32, BTreeMap<&str, u32>> = BTreeMap::new();
        for row in self.clusters.iter() {
            *clusters
                .entry(row.kmeans)
                .or_default()
                .entry(&row.label)
                .or_default() += 1;
        }
        let head = html! {
            tr { th scope="col" { "cluster" } th scope="col" { "images" } th scope="col" { "most frequent class" } th scope="col" { "share" } }
        };
        let body = html! {
            @for (cluster, classes) in &clusters {
                @let all: u32 = classes.values().sum();
                // Of equal classes the first by name.
                @let most = classes.iter().rev().max_by_key(|(_, n)| **n);
                tr {
                    th scope="row" { (cluster) }
                    td { (count(all)) }
                    @if let Some((label, n)) = most {
                        td { (label) }
                        td { (percent(f64::from(*n) / f64::from(all))) }
                    }
                }
            }
        };
        table("Clusters of k-means at its best k", &head, &body)
    }
}

/// The row of the highest silhouette of `method`; of equal ones, that of the fewest clusters.
pub(crate) fn best<'a>(silhouettes: &'a [Silhouette], method: &str) -> Option<&'a Silhouette> {
    let mut best: Option<&Silhouette> = None;
    for row in silhouettes.iter().filter(|row| row.method == method) {
        let is_better = match (row.silhouette, best.and_then(|best| best.silhouette)) {
            (Some(value), Some(best)) => value > best,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if is_better {
            best = Some(row);
        }
    }
    best
}

fn draw(plot: &mut Plot, silhouettes: &[Silhouette], method: &str, stroke: &str, fill: &str) {
    let rows = silhouettes.iter().filter(|row| row.method == method);
    let defined = rows.filter_map(|row| Some((row.k, row.silhouette.filter(|s| s.is_finite())?)));
    let places: Vec<_> = defined
        .map(|(k, silhouette)| plot.at((f64::from(k), silhouette)))
        .collect();
    plot.canvas.polyline(&format!("curve {stroke}"), &places);
    for place in places {
        plot.canvas.circle(&format!("dot {fill}"), place, 3.5);
    }
}

fn mark_best(plot: &mut Plot, best: Option<&Silhouette>, stroke: &str, offset: f64) {
    let Some((k, Some(silhouette))) = best.map(|best| (best.k, best.silhouette)) else {
        return;
    };
    let (x, y) = plot.at((f64::from(k), silhouette));
    plot.canvas.circle(&format!("ring {stroke}"), (x, y), 6.5);
    let text = format!("k = {k}: {silhouette:.2}");
    plot.canvas
        .text("middle halo strong", (x, y + offset), &text);
}

#[cfg(test)]
mod tests {
    use crate::tests::fixture::{occurrences, report, study};

    #[test]
    fn the_best_number_of_clusters_is_ringed_once_a_method() {
        let report = report(&study());
        let figure = report
            .figures
            .iter()
            .find(|f| f.name == "silhouettes.svg")
            .unwrap();
        assert_eq!(occurrences(&figure.svg, "<circle class=\"ring"), 2);
        assert_eq!(occurrences(&figure.svg, ">k = 3: 0.50<"), 2);
    }
}
