//! Clusters of the embeddings: silhouettes by number of clusters, agreement with the classes, and the classes of each
//! cluster.

use std::collections::BTreeMap;

use maud::{Markup, html};
use table_cluster_scores::ClusterScore;
use table_clusters::Cluster;
use table_silhouettes::Silhouette;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{count, list, method, percent, subset_name, value};
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

/// Classes that are named of a cluster, at most.
const MOST_CLASSES: usize = 3;

/// Share of a cluster's images from which a class is named.
const LEAST_SHARE: f64 = 0.1;

reads! {
    /// Tables of the section.
    pub(crate) struct Clusters {
        annotations: Annotations,
        clusters: Rows<Cluster>,
        silhouettes: Rows<Silhouette>,
        cluster_scores: Rows<ClusterScore>,
    }
}

impl Section for Clusters {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let figures = vec![self.figure()];
        let body = html! {
            p {
                "The embedding of an image is a short vector that the network computes. Clustering finds groups among the "
                "embeddings of all subsets without the classes. The silhouette measures how well the groups are separated, from −1 to 1. "
                (self.best_numbers()) (self.share_of_training())
            }
            (row(&figures))
            (self.agreement())
            @for (name, ..) in METHODS { (self.cluster_table(name)) }
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
                list(&found),
                self.annotations.labels().len()
            ),
        }
    }

    /// Sentence on the training images among the clustered ones.
    fn share_of_training(&self) -> String {
        let train = self
            .clusters
            .iter()
            .filter(|row| row.subset == Subset::Train);
        let (train, all) = (train.count(), self.clusters.len());
        if train == 0 {
            return String::new();
        }
        format!(
            " Of the images, {} are training images of the network, which it was fitted to separate by class: silhouettes and \
             clusters of all images together describe the fit more than new images.",
            percent(train as f64 / all as f64)
        )
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
            left: 52.0,
            right: 24.0,
            top: 34.0,
            bottom: 38.0,
        };
        let mut plot = Plot::new((440.0, 260.0), margins, k_domain, (low, high * 1.15));
        plot.draw_y_axis();
        plot.name_y_axis("silhouette");
        plot.draw_x_axis("number of clusters, k", 1.0, false);
        for (name, stroke, fill, _) in METHODS {
            draw(&mut plot, &self.silhouettes, name, stroke, fill);
        }
        let mut labels: Vec<String> = Vec::new();
        for (name, stroke, _, offset) in METHODS {
            let label = mark_best(&mut plot, best(&self.silhouettes, name), stroke);
            if let Some((at, text)) = label.filter(|(_, text)| !labels.contains(text)) {
                let at = (at.0, at.1 + offset);
                plot.canvas.text("middle halo strong", at, &text);
                labels.push(text);
            }
        }
        plot.draw_legend(&[
            ("curve stroke-0", "k-means"),
            ("curve stroke-1", method("ward")),
        ]);
        Figure {
            name: "silhouettes".to_owned(),
            title: "Silhouette by number of clusters".to_owned(),
            caption: "The ringed dots are the methods' best. A peak at the number of classes means that the embeddings have as many \
                      groups as there are classes; whether the groups are the classes is in the table below. A flat curve means that \
                      the embeddings have no clear groups."
                .to_owned(),
            canvas: plot.canvas,
        }
    }

    /// Agreement of the best clusters, and of as many clusters as classes, with the classes.
    fn agreement(&self) -> Markup {
        let n_classes = u32::try_from(self.annotations.labels().len()).ok();
        let mut numbers: Vec<(&str, u32)> = Vec::new();
        for (name, ..) in METHODS {
            let best = best(&self.silhouettes, name).map(|best| best.k);
            for k in best.into_iter().chain(n_classes) {
                if !numbers.contains(&(name, k)) {
                    numbers.push((name, k));
                }
            }
        }
        let rows: Vec<Vec<&ClusterScore>> = numbers
            .into_iter()
            .map(|(name, k)| {
                let rows = self.cluster_scores.iter();
                rows.filter(|row| (row.method.as_str(), row.k) == (name, k))
                    .collect()
            })
            .filter(|rows: &Vec<_>| !rows.is_empty())
            .collect();
        let head = html! {
            tr {
                th scope="col" { "method" } th scope="col" { "clusters" } th scope="col" { "subset" } th scope="col" { "images" }
                th scope="col" { "ARI" } th scope="col" { "NMI" }
            }
        };
        let body = html! {
            @for rows in &rows { @for (idx, row) in rows.iter().enumerate() {
                tr class=[(idx == 0).then_some("first")] {
                    th scope="row" { @if idx == 0 { (method(&row.method)) } }
                    td { @if idx == 0 { (row.k) } }
                    td { (row.subset.map_or("all", subset_name)) }
                    td { (count(row.images)) }
                    td { (value(row.ari)) }
                    td { (value(row.nmi)) }
                }
            } }
        };
        html! {
            @if !rows.is_empty() {
                (table("Agreement of clusters and classes", &head, &body))
                p.note {
                    "The adjusted Rand index (ARI) is 1 for clusters that are the classes, and 0 on average for random ones. The normalized "
                    "mutual information (NMI) is from 0 to 1, and above 0 by chance, the more so with few images. The clusters were fitted "
                    "to all images together, and are compared with the classes in each subset: only validation and test images show "
                    "how well classes of images that the network was not fitted to are separated."
                }
            }
        }
    }

    /// The classes of each of the best clusters by `name`; empty without clusters.
    fn cluster_table(&self, name: &str) -> Markup {
        let mut clusters: BTreeMap<u32, BTreeMap<&str, u32>> = BTreeMap::new();
        for row in self.clusters.iter() {
            let cluster = if name == "ward" { row.ward } else { row.kmeans };
            *clusters
                .entry(cluster)
                .or_default()
                .entry(&row.label)
                .or_default() += 1;
        }
        let head = html! {
            tr { th scope="col" { "cluster" } th scope="col" { "images" } th.words scope="col" { "classes" } }
        };
        let body = html! {
            @for (cluster, classes) in &clusters {
                tr {
                    th scope="row" { (cluster) }
                    td { (count(classes.values().sum::<u32>())) }
                    td.words { (description(classes)) }
                }
            }
        };
        let caption = format!(
            "Clusters of {} at its best k, with the classes that have at least {} of a cluster's images",
            method(name),
            percent(LEAST_SHARE)
        );
        html! { @if !clusters.is_empty() { (table(&caption, &head, &body)) } }
    }
}

/// Largest classes of a cluster with their shares; those that equal the last named one are counted.
fn description(classes: &BTreeMap<&str, u32>) -> String {
    let all: u32 = classes.values().sum();
    let share = |n: u32| f64::from(n) / f64::from(all);
    let mut sorted: Vec<(&str, u32)> = classes.iter().map(|(label, n)| (*label, *n)).collect();
    // Of equal classes the first by name.
    sorted.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    // The largest is named in any case.
    let large = sorted.iter().enumerate();
    let large: Vec<_> = large
        .filter(|(idx, (_, n))| *idx == 0 || share(*n) >= LEAST_SHARE)
        .map(|(_, class)| class)
        .collect();
    let named = large.iter().take(MOST_CLASSES);
    let mut texts: Vec<String> = named
        .map(|(label, n)| format!("{label} {}", percent(share(*n))))
        .collect();
    match large.len().saturating_sub(MOST_CLASSES) {
        0 => {}
        n => texts.push(format!("{n} more")),
    }
    texts.join(", ")
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

/// Rings the dot of `best`; the dot's place and label.
fn mark_best(
    plot: &mut Plot,
    best: Option<&Silhouette>,
    stroke: &str,
) -> Option<((f64, f64), String)> {
    let best = best?;
    let silhouette = best.silhouette?;
    let at = plot.at((f64::from(best.k), silhouette));
    plot.canvas.circle(&format!("ring {stroke}"), at, 6.5);
    Some((at, format!("k = {}: {silhouette:.2}", best.k)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture::{occurrences, report, study};

    #[test]
    fn the_best_number_of_clusters_is_ringed_and_named_once() {
        let mut study = study();
        let figure = |study: &crate::Tables| {
            let figures = report(study).figures;
            let figure = figures.into_iter().find(|f| f.name == "silhouettes.svg");
            figure.unwrap().svg
        };
        let svg = figure(&study);
        assert_eq!(occurrences(&svg, "<circle class=\"ring"), 2);
        assert_eq!(occurrences(&svg, ">k = 3: 0.50<"), 1);
        study.edit("silhouettes", |rows: &mut Vec<Silhouette>| {
            let ward = rows.iter_mut().filter(|row| row.method == "ward");
            ward.for_each(|row| row.silhouette = row.silhouette.map(|value| value - 0.1))
        });
        let svg = figure(&study);
        assert_eq!(occurrences(&svg, ">k = 3: 0.50<"), 1);
        assert_eq!(occurrences(&svg, ">k = 3: 0.40<"), 1);
    }

    #[test]
    fn agreement_is_given_for_subsets_apart() {
        let page = report(&study()).page;
        let row = "<td></td><td>validation</td><td>8</td><td>0.250</td><td>0.375</td>";
        // Both methods, at the best k and at the number of classes.
        assert_eq!(occurrences(&page, row), 4);
        assert!(page.contains("33\u{a0}% are training images of the network"));
    }

    #[test]
    fn equal_classes_of_a_cluster_are_both_named() {
        let of = |counts: &[(&'static str, u32)]| description(&counts.iter().copied().collect());
        assert_eq!(of(&[("a", 5), ("b", 5)]), "a 50\u{a0}%, b 50\u{a0}%");
        assert_eq!(of(&[("a", 1), ("b", 99)]), "b 99\u{a0}%");
        let four = [("a", 1), ("b", 1), ("c", 1), ("d", 1)];
        assert_eq!(of(&four), "a 25\u{a0}%, b 25\u{a0}%, c 25\u{a0}%, 1 more");
        let twenty: BTreeMap<String, u32> = (0..20).map(|i| (format!("{i:02}"), 1)).collect();
        let twenty = twenty
            .iter()
            .map(|(label, n)| (label.as_str(), *n))
            .collect();
        assert_eq!(description(&twenty), "00 5\u{a0}%");
    }
}
