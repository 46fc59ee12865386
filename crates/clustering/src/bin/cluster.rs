//! Stage `cluster`: k-means and agglomerative clusters of the chosen network's embeddings, and their maps.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use clustering::{
    Candidate, KMeansParams, MapParams, Umap, agglomerative_candidates, best, count_distinct,
    kmeans_candidates, points_from_rows,
};
use ndarray::{Array2, ArrayView2};
use serde::Deserialize;
use stage::{Input, Output, Progress, Seed};
use tables::cluster::Cluster;
use tables::prediction::Prediction;
use tables::silhouette::Silhouette;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The study's seed.
    seed: Seed,
    /// Least number of clusters tried, at least 2.
    k_min: usize,
    /// Greatest number of clusters tried.
    k_max: usize,
    /// Starts of k-means for each number of clusters, at least 1.
    starts: usize,
    /// How the maps are made.
    umap: UmapParams,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UmapParams {
    /// Neighbors of a picture, itself included, at least 2.
    n_neighbors: usize,
    /// Distance on the map below which pictures are not drawn closer, 0 to 1.
    min_dist: f64,
    /// Passes over the graph of neighbors.
    epochs: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    predictions: Input<Prediction>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    clusters: Output<Cluster>,
    silhouettes: Output<Silhouette>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    ensure!(
        params.k_min >= 2,
        "`k_min` is {}, expected at least 2",
        params.k_min
    );
    ensure!(
        params.k_max >= params.k_min,
        "`k_max` is {}, expected at least `k_min`, {}",
        params.k_max,
        params.k_min
    );
    let predictions = inputs.predictions.read()?;
    let rows: Vec<&[f32]> = predictions
        .iter()
        .map(|prediction| prediction.embedding.as_slice())
        .collect();
    let points = points_from_rows(&rows).context("cannot use the embeddings")?;
    let partitions = Partitions::find(points.view(), &params)?;
    let maps = Maps::make(points.view(), &params)?;
    outputs
        .silhouettes
        .write(partitions.silhouettes(&params)?)?;
    outputs
        .clusters
        .write(clusters(predictions, &partitions, &maps))
}

/// Partitions by each method, for each number of clusters.
struct Partitions {
    kmeans: Vec<Candidate>,
    agglomerative: Vec<Candidate>,
}

impl Partitions {
    fn find(points: ArrayView2<'_, f32>, params: &Params) -> anyhow::Result<Self> {
        let range = params.k_min..=params.k_max;
        let distinct = count_distinct(points);
        if distinct < params.k_max {
            tracing::warn!("{distinct} distinct embeddings: more clusters than that are left out");
        }
        let progress = Progress::start("numbers of clusters", range.clone().count());
        let search = KMeansParams {
            starts: params.starts,
            seed: params.seed.stream("kmeans").number(),
        };
        let kmeans = kmeans_candidates(points, range.clone(), &search, || progress.advance(1))?;
        let agglomerative = agglomerative_candidates(points, range)?;
        for (method, candidates) in [("k-means", &kmeans), ("agglomerative", &agglomerative)] {
            if let Some(Candidate {
                k,
                silhouette: Some(silhouette),
                ..
            }) = best(candidates)
            {
                tracing::info!("{method}: silhouette highest at {k} clusters, {silhouette:.3}");
            }
        }
        Ok(Self {
            kmeans,
            agglomerative,
        })
    }

    /// A row for each method and number of clusters, also for those left out.
    fn silhouettes(&self, params: &Params) -> anyhow::Result<Vec<Silhouette>> {
        let mut rows = Vec::new();
        for (method, candidates) in [
            ("kmeans", &self.kmeans),
            ("agglomerative", &self.agglomerative),
        ] {
            for k in params.k_min..=params.k_max {
                let found = candidates.iter().find(|candidate| candidate.k == k);
                rows.push(Silhouette {
                    method: method.to_owned(),
                    k: u32::try_from(k).context("`k_max` is too large")?,
                    silhouette: found.and_then(|candidate| candidate.silhouette),
                    inertia: found.and_then(|candidate| candidate.inertia),
                });
            }
        }
        Ok(rows)
    }
}

/// Maps of the points in the plane `[N, 2]` and in space `[N, 3]`.
struct Maps {
    plane: Array2<f32>,
    space: Array2<f32>,
}

impl Maps {
    fn make(points: ArrayView2<'_, f32>, params: &Params) -> anyhow::Result<Self> {
        let UmapParams {
            n_neighbors,
            min_dist,
            epochs,
        } = params.umap;
        let progress = Progress::start("maps", 2);
        let umap = Umap::learn(
            points,
            MapParams {
                n_neighbors,
                min_dist,
                epochs,
                ..MapParams::default()
            },
        )?;
        let seed = params.seed.stream("umap").number();
        let map = |n_components| {
            let map = umap.project(n_components, seed);
            progress.advance(1);
            map
        };
        let (plane, space) = rayon::join(|| map(2), || map(3));
        Ok(Self {
            plane: plane?,
            space: space?,
        })
    }
}

fn clusters(predictions: Vec<Prediction>, partitions: &Partitions, maps: &Maps) -> Vec<Cluster> {
    // Where no number of clusters has a silhouette, all pictures are one cluster.
    let label = |candidates, i: usize| best(candidates).map_or(0, |candidate| candidate.labels[i]);
    let rows = predictions.into_iter().enumerate();
    rows.map(|(i, prediction)| Cluster {
        path: prediction.path,
        label: prediction.label,
        part: prediction.part,
        kmeans: label(&partitions.kmeans, i),
        agglomerative: label(&partitions.agglomerative, i),
        umap_x: maps.plane[(i, 0)],
        umap_y: maps.plane[(i, 1)],
        umap3_x: maps.space[(i, 0)],
        umap3_y: maps.space[(i, 1)],
        umap3_z: maps.space[(i, 2)],
    })
    .collect()
}
