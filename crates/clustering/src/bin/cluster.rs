//! Stage `cluster`: k-means and agglomerative clusters of the chosen network's embeddings, and their maps.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clustering::{
    Candidate, KMeansParams, MapParams, Sample, Silhouettes, Umap, agglomerative_candidates, best,
    count_distinct, kmeans_candidates, points_from_rows, streams,
};
use ndarray::{Array2, ArrayView2};
use random::Seed;
use serde::Deserialize;
use stage::{Input, Output, Progress};
use table_clusters::Cluster;
use table_predictions::Prediction;
use table_silhouettes::Silhouette;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The study's seed.
    seed: Seed,
    /// Least number of clusters tried, at least 2.
    k_min: usize,
    /// Greatest number of clusters tried, besides the number of classes.
    k_max: usize,
    /// Starts of k-means for each number of clusters, at least 1.
    n_init: usize,
    /// Clusters of more images than this are found among so many, drawn by the seed; the others join the cluster of the
    /// nearest center.
    sample: usize,
    /// Silhouettes of more images than this are those of so many, drawn by the seed.
    silhouette_sample: usize,
    /// How the maps are made.
    umap: UmapParams,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UmapParams {
    /// Neighbors of an image, itself included, at least 2.
    n_neighbors: usize,
    /// Distance on the map below which images are not drawn closer, 0 to 1.
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
    for (name, sample) in [
        ("sample", params.sample),
        ("silhouette_sample", params.silhouette_sample),
    ] {
        ensure!(sample >= 3, "`{name}` is {sample}, expected at least 3");
    }
    let predictions = inputs.predictions.read()?;
    let rows: Vec<&[f32]> = predictions
        .iter()
        .map(|prediction| prediction.embedding.as_slice())
        .collect();
    let points = points_from_rows(&rows).context("cannot use the embeddings")?;
    let numbers = numbers(&params, &predictions);
    let partitions = Partitions::find(points.view(), &numbers, &params)?;
    let maps = Maps::make(points.view(), &params)?;
    outputs
        .silhouettes
        .write(partitions.silhouettes(&numbers)?)?;
    outputs
        .clusters
        .write(clusters(predictions, &partitions, &maps))
}

/// The numbers of clusters tried, ascending: a range, and the number of classes, so that clusters can be compared with
/// classes however many these are.
fn numbers(params: &Params, predictions: &[Prediction]) -> Vec<usize> {
    let classes: BTreeSet<&str> = predictions.iter().map(|row| row.label.as_str()).collect();
    let mut numbers: BTreeSet<usize> = (params.k_min..=params.k_max).collect();
    if classes.len() >= params.k_min {
        numbers.insert(classes.len());
    }
    numbers.into_iter().collect()
}

/// Partitions by each method, for each number of clusters.
struct Partitions {
    kmeans: Vec<Candidate>,
    agglomerative: Vec<Candidate>,
    /// Clusters of all points by the best of each, k-means first.
    best: [Vec<u32>; 2],
}

impl Partitions {
    fn find(
        points: ArrayView2<'_, f32>,
        numbers: &[usize],
        params: &Params,
    ) -> anyhow::Result<Self> {
        let seed = params.seed.stream(streams::CLUSTER_SAMPLE).number();
        let sample = Sample::draw(points.nrows(), params.sample, seed);
        let drawn = sample.of(points);
        if !sample.is_all() {
            tracing::info!(
                "clusters are found among {} of {} images (`cluster.sample`); the others join the nearest center",
                drawn.nrows(),
                points.nrows()
            );
        }
        let distinct = count_distinct(drawn.view());
        if numbers.last().is_some_and(|&last| distinct < last) {
            tracing::warn!("{distinct} distinct embeddings: more clusters than that are left out");
        }
        let silhouettes = Silhouettes {
            sample: params.silhouette_sample,
            seed: params.seed.stream(streams::CLUSTER_SILHOUETTES).number(),
        };
        let progress = Progress::start("numbers of clusters", numbers.len());
        let search = KMeansParams {
            n_init: params.n_init,
            seed: params.seed.stream(streams::KMEANS).number(),
        };
        let kmeans = kmeans_candidates(drawn.view(), numbers, &search, silhouettes, || {
            progress.advance(1);
        })?;
        let agglomerative = agglomerative_candidates(drawn.view(), numbers, silhouettes)?;
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
        let best = [&kmeans, &agglomerative].map(|candidates| match best(candidates) {
            Some(candidate) => sample.extend(points, &candidate.labels),
            // Where no number of clusters has a silhouette, all images are one cluster.
            None => vec![0; points.nrows()],
        });
        Ok(Self {
            kmeans,
            agglomerative,
            best,
        })
    }

    /// A row for each method and number of clusters, also for those left out.
    fn silhouettes(&self, numbers: &[usize]) -> anyhow::Result<Vec<Silhouette>> {
        let mut rows = Vec::new();
        for (method, candidates) in [
            ("kmeans", &self.kmeans),
            ("agglomerative", &self.agglomerative),
        ] {
            for &k in numbers {
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
        let seed = params.seed.stream(streams::UMAP).number();
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
    let [kmeans, agglomerative] = &partitions.best;
    let rows = predictions.into_iter().enumerate();
    rows.map(|(i, prediction)| Cluster {
        path: prediction.path,
        label: prediction.label,
        subset: prediction.subset,
        kmeans: kmeans[i],
        agglomerative: agglomerative[i],
        umap_x: maps.plane[(i, 0)],
        umap_y: maps.plane[(i, 1)],
        umap3_x: maps.space[(i, 0)],
        umap3_y: maps.space[(i, 1)],
        umap3_z: maps.space[(i, 2)],
    })
    .collect()
}
