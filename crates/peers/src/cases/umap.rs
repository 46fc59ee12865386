//! UMAP of embeddings.

use anyhow::Context;
use clustering::{Umap, UmapParams, points_from_rows, trustworthiness};
use ndarray::{Array2, s};
use serde_json::json;

use crate::answer::Measurement;
use crate::case::{Case, Peer, Quality, Work};
use crate::workbench::{Points, Workbench, seed};

/// Neighbors of the trustworthiness.
const NEIGHBORS: usize = 15;

/// First points that the trustworthiness is computed of, as its time grows with their square.
const SCORED: usize = 2000;

const PEERS: &[Peer] = &[Peer {
    name: "umap-learn",
    function: "umap",
    goal: 0.5,
}];

const QUALITY: Option<Quality> = Some(Quality {
    name: "trustworthiness",
    tolerance: None,
});

/// The embedding of a study's size in two dimensions, from the neighbors to the layout.
///
/// The same: points, neighbors, distances, negative samples, epochs, the start from principal components. Different: the
/// random numbers; ours are seeded and don't depend on the threads, umap-learn has no seed, as with one it uses a single
/// thread. The trustworthiness isn't timed.
pub(crate) const CASE: Case = Case {
    name: "umap",
    peers: PEERS,
    quality: QUALITY,
    by_name_only: false,
    prepare: |bench| prepare(bench, 1421, 16, 500),
};

/// The same of a large collection, with the 200 epochs of umap-learn's default for it.
///
/// Different besides: our neighbors are exact, umap-learn's are those of its approximate search. What it compiles at the
/// first call is compiled on some of the points before, and no round is run in vain.
pub(crate) const LARGE: Case = Case {
    name: "umap-large",
    peers: PEERS,
    quality: QUALITY,
    by_name_only: true,
    prepare: |bench| prepare(bench, 70_000, 50, 200),
};

fn prepare(
    bench: &Workbench,
    n: usize,
    n_dimensions: usize,
    epochs: usize,
) -> anyhow::Result<Vec<Work>> {
    let name = format!("umap {n}");
    let drawn = Points::draw(&name, n, n_dimensions);
    let rows: Vec<&[f32]> = drawn.rows.iter().map(Vec::as_slice).collect();
    let points = points_from_rows(&rows)?;
    let params = UmapParams {
        epochs,
        ..UmapParams::default()
    };
    let request = json!({
        "points": bench.floats(&name, &[n, n_dimensions], &drawn.flat())?,
        "n_neighbors": params.n_neighbors,
        "min_dist": params.min_dist,
        "negative_samples": params.negative_samples,
        "epochs": epochs,
        "scored": SCORED,
        "trustworthiness_neighbors": NEIGHBORS,
    });
    let seed = seed().stream("layout").number();
    Ok(vec![Work {
        size: format!("{n} × {n_dimensions}"),
        request,
        ours: Box::new(move || {
            let (measured, embedding) =
                Measurement::of(|| Ok(Umap::fit(points.view(), params)?.embed(2, seed)?))?;
            Ok(measured.with(quality(&points, &embedding)?))
        }),
        warm_up: n < 10_000,
    }])
}

fn quality(points: &Array2<f32>, embedding: &Array2<f32>) -> anyhow::Result<f64> {
    let n = points.nrows().min(SCORED);
    let (points, embedding) = (points.slice(s![..n, ..]), embedding.slice(s![..n, ..]));
    trustworthiness(points, embedding, NEIGHBORS)?.context("too few points for the trustworthiness")
}
