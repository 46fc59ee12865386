//! Clusters of embeddings.

use anyhow::Context;
use clustering::{
    Candidate, KMeansParams, Silhouettes, agglomerative_candidates, kmeans_candidates,
    points_from_rows,
};
use serde_json::json;

use crate::answer::Measurement;
use crate::case::{Case, Peer, Quality, Work};
use crate::workbench::{Points, Workbench, seed};

const N: usize = 1421;
const DIMENSIONS: usize = 16;
const RESTARTS: usize = 20;

/// K-means with 20 restarts and Ward's clusters, each for 2 to 11 clusters, with the silhouettes of all points.
///
/// The same: points, numbers of clusters, restarts by k-means++ with at most 300 iterations, silhouettes. Different: the
/// random numbers of the restarts, and where iterations of k-means end; ours makes Ward's tree once and cuts it,
/// scikit-learn's estimator makes it for each number.
pub(crate) const CASE: Case = Case {
    name: "clusters",
    peers: &[Peer {
        name: "scikit-learn",
        function: "clusters",
        goal: 0.5,
    }],
    quality: Some(Quality {
        name: "mean silhouette",
        tolerance: Some(0.02),
    }),
    by_name_only: false,
    prepare,
};

fn prepare(bench: &Workbench) -> anyhow::Result<Vec<Work>> {
    let drawn = Points::draw("clusters", N, DIMENSIONS);
    let rows: Vec<&[f32]> = drawn.rows.iter().map(Vec::as_slice).collect();
    let points = points_from_rows(&rows)?;
    let numbers: Vec<usize> = (2..=11).collect();
    let request = json!({
        "points": bench.floats("clusters", &[N, DIMENSIONS], &drawn.flat())?,
        "numbers": &numbers,
        "n_init": RESTARTS,
    });
    let seed = seed().stream("restarts").number();
    let params = KMeansParams {
        n_init: RESTARTS,
        seed,
    };
    let silhouettes = Silhouettes { sample: N, seed };
    let cluster = move || -> anyhow::Result<Vec<Candidate>> {
        let points = points.view();
        let mut candidates = kmeans_candidates(points, &numbers, &params, silhouettes, || ())?;
        candidates.extend(agglomerative_candidates(points, &numbers, silhouettes)?);
        Ok(candidates)
    };
    Ok(vec![Work {
        size: format!("{N} × {DIMENSIONS}"),
        request,
        ours: Box::new(move || {
            let (measured, candidates) = Measurement::of(&cluster)?;
            Ok(measured.with(mean_silhouette(&candidates)?))
        }),
        warm_up: true,
    }])
}

fn mean_silhouette(candidates: &[Candidate]) -> anyhow::Result<f64> {
    let silhouettes = candidates.iter().map(|candidate| candidate.silhouette);
    let silhouettes: Option<Vec<f64>> = silhouettes.collect();
    let silhouettes = silhouettes.context("a partition has no silhouette")?;
    Ok(silhouettes.iter().sum::<f64>() / silhouettes.len() as f64)
}
