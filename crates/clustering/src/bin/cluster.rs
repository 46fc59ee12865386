//! Stage `cluster`: k-means and agglomerative clusters of the selected network's embeddings, their agreement with the
//! classes, and the UMAP embeddings.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use cluster_validity::{adjusted_rand_index, normalized_mutual_information};
use clustering::{
    Candidate, KMeansParams, Sample, Silhouettes, Umap, UmapParams, agglomerative_candidates, best,
    count_distinct, kmeans_candidates, points_from_rows, streams,
};
use ndarray::{Array2, ArrayView2};
use numeric::Classes;
use random::Seed;
use serde::Deserialize;
use stage::{Input, Output, Progress};
use table_cluster_scores::ClusterScore;
use table_clusters::Cluster;
use table_predictions::Prediction;
use table_silhouettes::Silhouette;
use tables::Subset;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The study's seed.
    seed: Seed,
    /// Least number of clusters tried, at least 2.
    k_min: usize,
    /// Greatest number of clusters tried, besides the number of classes.
    k_max: usize,
    /// Restarts of k-means for each number of clusters, at least 1.
    n_init: usize,
    /// Images that clusters are fitted to, at most, drawn by the seed; the others join the cluster of the nearest
    /// center.
    sample: usize,
    /// Images that silhouettes are computed of, at most, drawn by the seed.
    silhouette_sample: usize,
    /// Parameters of UMAP.
    umap: UmapSettings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UmapSettings {
    /// Neighbors of an image, itself included, at least 2.
    n_neighbors: usize,
    /// Distance in the embedding below which images are not drawn closer, 0 to 1.
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
    cluster_scores: Output<ClusterScore>,
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
    let embeddings = Embeddings::make(points.view(), &params)?;
    outputs
        .silhouettes
        .write(partitions.silhouettes(&numbers)?)?;
    outputs
        .cluster_scores
        .write(partitions.scores(points.view(), &predictions)?)?;
    outputs
        .clusters
        .write(clusters(predictions, &partitions, &embeddings))
}

/// Numbers of clusters tried, ascending: a range, and the number of classes, so that clusters can be compared with
/// classes.
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
    /// The images that clusters are fitted to.
    sample: Sample,
    kmeans: Vec<Candidate>,
    ward: Vec<Candidate>,
    /// Clusters of all points by the best candidate of each method, k-means first.
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
        let ward = agglomerative_candidates(drawn.view(), numbers, silhouettes)?;
        for (method, candidates) in [("k-means", &kmeans), ("agglomerative", &ward)] {
            if let Some(Candidate {
                k,
                silhouette: Some(silhouette),
                ..
            }) = best(candidates)
            {
                tracing::info!("{method}: silhouette highest at {k} clusters, {silhouette:.3}");
            }
        }
        let best = [&kmeans, &ward].map(|candidates| match best(candidates) {
            Some(candidate) => sample.extend(points, &candidate.labels),
            // Without a silhouette for any number of clusters, all images are one cluster.
            None => vec![0; points.nrows()],
        });
        Ok(Self {
            sample,
            kmeans,
            ward,
            best,
        })
    }

    /// Partitions by name of their method.
    fn methods(&self) -> [(&'static str, &[Candidate]); 2] {
        [("kmeans", &self.kmeans), ("ward", &self.ward)]
    }

    /// A row for each method and number of clusters, infeasible ones included.
    fn silhouettes(&self, numbers: &[usize]) -> anyhow::Result<Vec<Silhouette>> {
        let mut rows = Vec::new();
        for (method, candidates) in self.methods() {
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

    /// Agreement of the clusters of `points` with the classes, by method, number of clusters and subset, and of all
    /// images together.
    fn scores(
        &self,
        points: ArrayView2<'_, f32>,
        predictions: &[Prediction],
    ) -> anyhow::Result<Vec<ClusterScore>> {
        let labels = predictions.iter().map(|row| row.label.as_str());
        let classes = Classes::of(labels.clone()).encode(labels)?;
        let mut subsets: BTreeMap<Option<Subset>, Vec<usize>> = BTreeMap::new();
        for (image, row) in predictions.iter().enumerate() {
            for subset in [None, Some(row.subset)] {
                subsets.entry(subset).or_default().push(image);
            }
        }
        let mut rows = Vec::new();
        for (method, candidates) in self.methods() {
            for candidate in candidates {
                let clusters = self.sample.extend(points, &candidate.labels);
                for (&subset, images) in &subsets {
                    let clusters: Vec<usize> = images
                        .iter()
                        .map(|&image| clusters[image] as usize)
                        .collect();
                    let classes: Vec<usize> = images.iter().map(|&image| classes[image]).collect();
                    rows.push(ClusterScore {
                        method: method.to_owned(),
                        k: u32::try_from(candidate.k)?,
                        subset,
                        ari: adjusted_rand_index(&classes, &clusters)?,
                        nmi: normalized_mutual_information(&classes, &clusters)?,
                        images: u32::try_from(images.len())?,
                    });
                }
            }
        }
        Ok(rows)
    }
}

/// UMAP embeddings of the points in two dimensions `[N, 2]` and in three `[N, 3]`.
struct Embeddings {
    plane: Array2<f32>,
    space: Array2<f32>,
}

impl Embeddings {
    fn make(points: ArrayView2<'_, f32>, params: &Params) -> anyhow::Result<Self> {
        let UmapSettings {
            n_neighbors,
            min_dist,
            epochs,
        } = params.umap;
        let progress = Progress::start("embeddings", 2);
        let umap = Umap::fit(
            points,
            UmapParams {
                n_neighbors,
                min_dist,
                epochs,
                ..UmapParams::default()
            },
        )?;
        let seed = params.seed.stream(streams::UMAP).number();
        let embed = |n_components| {
            let embedding = umap.embed(n_components, seed);
            progress.advance(1);
            embedding
        };
        let (plane, space) = rayon::join(|| embed(2), || embed(3));
        Ok(Self {
            plane: plane?,
            space: space?,
        })
    }
}

fn clusters(
    predictions: Vec<Prediction>,
    partitions: &Partitions,
    embeddings: &Embeddings,
) -> Vec<Cluster> {
    let [kmeans, ward] = &partitions.best;
    let rows = predictions.into_iter().enumerate();
    rows.map(|(i, prediction)| Cluster {
        path: prediction.path,
        label: prediction.label,
        subset: prediction.subset,
        kmeans: kmeans[i],
        ward: ward[i],
        umap_x: embeddings.plane[(i, 0)],
        umap_y: embeddings.plane[(i, 1)],
        umap3_x: embeddings.space[(i, 0)],
        umap3_y: embeddings.space[(i, 1)],
        umap3_z: embeddings.space[(i, 2)],
    })
    .collect()
}
