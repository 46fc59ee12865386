//! The map of the embeddings: UMAP in the plane, by cluster and by class.

use std::collections::BTreeMap;

use maud::html;
use tables::cluster::Cluster;

use crate::figure::{Figure, row};
use crate::format::{counted, part};
use crate::palette::N_SERIES;
use crate::section::Section;
use crate::study::{PARTS, Study};
use crate::svg::{Canvas, Point, text_width};

/// Width and height of a map.
const SIZE: Point = (480.0, 420.0);

/// Room for dots and names at the edge.
const EDGE: f64 = 26.0;

/// The section.
pub(crate) fn section(study: &Study) -> Section {
    let by_cluster = |row: &Cluster| (row.kmeans, format!("{}", row.kmeans));
    let labels = study.labels();
    let by_label = |row: &Cluster| {
        let code = labels.iter().position(|label| *label == row.label);
        let code = code.and_then(|code| u32::try_from(code).ok());
        (code.unwrap_or(u32::MAX), row.label.clone())
    };
    let figures = vec![
        Figure {
            name: "map-clusters".to_owned(),
            title: "The map by k-means cluster".to_owned(),
            caption: "Numbers stand at the clusters' centers. Clusters were found in the embedding itself, not on the \
                      map, so a cluster may look torn here."
                .to_owned(),
            canvas: draw(&study.clusters, by_cluster),
        },
        Figure {
            name: "map-classes".to_owned(),
            title: "The map by true class".to_owned(),
            caption: "Names stand at the classes' centers. Strong dots far from their class's name are pictures that \
                      the network misreads; classes that run into each other are those it confuses."
                .to_owned(),
            canvas: draw(&study.clusters, by_label),
        },
    ];
    let body = html! {
        p {
            "UMAP lays the embeddings out in the plane so that neighbors stay neighbors; distances between far groups "
            "and the axes mean nothing. Training pictures are small and faint; test and validation pictures, whose "
            "authors the network doesn't know, are large and strong."
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

/// Dots that share a name, by part.
struct Group {
    name: String,
    parts: BTreeMap<String, Vec<Point>>,
}

fn draw(rows: &[Cluster], group: impl Fn(&Cluster) -> (u32, String)) -> Canvas {
    let place = placement(rows);
    let mut groups: BTreeMap<u32, Group> = BTreeMap::new();
    for row in rows.iter().filter(|row| is_finite(row)) {
        let (key, name) = group(row);
        let parts = BTreeMap::new();
        let group = groups.entry(key).or_insert(Group { name, parts });
        group
            .parts
            .entry(row.part.clone())
            .or_default()
            .push(place(row));
    }
    let mut canvas = Canvas::new(SIZE);
    // Training pictures lie under all others.
    for name in PARTS {
        for (idx, group) in groups.values().enumerate() {
            draw_dots(&mut canvas, idx, group, name);
        }
    }
    draw_names(&mut canvas, groups.values());
    canvas
}

fn is_finite(row: &Cluster) -> bool {
    row.umap_x.is_finite() && row.umap_y.is_finite()
}

/// From coordinates to places, with one scale for both axes.
fn placement(rows: &[Cluster]) -> impl Fn(&Cluster) -> Point {
    let range = |coordinate: fn(&Cluster) -> f32| {
        let values = rows.iter().filter(|row| is_finite(row)).map(coordinate);
        let ends = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        (f64::from(ends.0), f64::from(ends.1))
    };
    let (left, right) = range(|row| row.umap_x);
    let (low, high) = range(|row| row.umap_y);
    let fit = |room: f64, span: f64| (room - 2.0 * EDGE) / span.max(1e-9);
    let scale = fit(SIZE.0, right - left).min(fit(SIZE.1, high - low));
    let center = (f64::midpoint(left, right), f64::midpoint(low, high));
    move |row| {
        let x = SIZE.0 / 2.0 + (f64::from(row.umap_x) - center.0) * scale;
        let y = SIZE.1 / 2.0 - (f64::from(row.umap_y) - center.1) * scale;
        (x, y)
    }
}

fn draw_dots(canvas: &mut Canvas, idx: usize, group: &Group, name: &str) {
    let Some(points) = group.parts.get(name) else {
        return;
    };
    // Where the colors come round again, the dots are square.
    let shape = if (idx / N_SERIES).is_multiple_of(2) {
        ""
    } else {
        " square"
    };
    let class = format!("points part-{name} stroke-{}{shape}", idx % N_SERIES);
    let title = format!(
        "{}, {}: {}",
        group.name,
        part(name),
        counted(points.len(), "picture")
    );
    canvas.dots(&class, points, &title);
}

/// Writes each group's name at its center, the medians of its coordinates; a name that would lie on another moves down.
fn draw_names<'a>(canvas: &mut Canvas, groups: impl Iterator<Item = &'a Group>) {
    const LINE: f64 = 16.0;
    let mut names: Vec<(Point, &str)> = groups
        .map(|group| (center(group), group.name.as_str()))
        .collect();
    names.sort_by(|(a, _), (b, _)| a.1.total_cmp(&b.1).then(a.0.total_cmp(&b.0)));
    let mut placed: Vec<(Point, f64)> = Vec::new();
    for ((x, mut y), name) in names {
        let half = text_width(name) * 0.65 + 3.0;
        let x = x.clamp(half, SIZE.0 - half);
        // Each round moves below at least one placed name, so there are no more rounds than names.
        while let Some((other, _)) = placed.iter().find(|(other, other_half)| {
            (other.0 - x).abs() < half + other_half && (other.1 - y).abs() < LINE - 1e-6
        }) {
            y = other.1 + LINE;
        }
        placed.push(((x, y), half));
        canvas.text("middle strong name halo", (x, y + 4.0), name);
    }
}

fn center(group: &Group) -> Point {
    let median = |coordinate: fn(&Point) -> f64| {
        let mut values: Vec<f64> = group.parts.values().flatten().map(coordinate).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    (median(|point| point.0), median(|point| point.1))
}
