//! Stage `embedding-evolution`: how the chosen fold's embedding took shape, epoch after epoch, on one map.
//!
//! The map is fitted to the training images of the chosen epoch; whatever else is shown is placed on it. Embeddings of
//! other epochs are on other scales and turned otherwise, which is the study's method and is kept: early images crowd
//! where their nearest neighbors of the chosen epoch stand, and the columns of its figure are to be read so.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clustering::{FittedMap, MapParams, Sample, Umap, points_from_rows, streams, trustworthiness};
use ndarray::{Array2, Axis};
use random::Seed;
use serde::Deserialize;
use stage::{Input, Output, Progress};
use table_annotations::Annotation;
use table_embedding_evolution::EpochCoordinates;
use table_embedding_evolution_quality::EmbeddingEvolutionQuality;
use table_epoch_outputs::EpochOutput;
use table_selection::Selection;
use tables::Subset;
use tracing::info;

/// Subset that the map is fitted to.
const FITTED: Subset = Subset::Train;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The study's seed.
    seed: Seed,
    /// Epochs shown besides the chosen one, from 0.
    epochs: BTreeSet<u32>,
    /// Of more images than this, so many are shown, drawn by the seed, the same in every epoch.
    sample: usize,
    /// How the map is made.
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
    choice: Input<Selection>,
    annotations: Input<Annotation>,
    /// One of each fold.
    epochs: Vec<Input<EpochOutput>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    evolution: Output<EpochCoordinates>,
    quality: Output<EmbeddingEvolutionQuality>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let choices = inputs.choice.read()?;
    let [choice] = choices.as_slice() else {
        bail!("`choice` has {} rows: expected 1", choices.len());
    };
    let labels = labels(inputs.annotations.read()?, &params)?;
    let mut wanted = params.epochs.clone();
    wanted.insert(choice.epoch);
    let epochs = Epoch::read(&inputs.epochs, choice.fold, &wanted, &labels)?;
    let map = Map::fit(&epochs, choice.epoch, &params)?;

    let progress = Progress::start("epochs", epochs.len());
    let mut places = outputs.evolution.writer();
    let mut qualities = Vec::new();
    for (number, epoch) in epochs {
        let at = map.places(number, &epoch)?;
        qualities.extend(map.qualities(number, &epoch, &at)?);
        places.append(rows(number, epoch, &at))?;
        progress.advance(1);
    }
    places.finish()?;
    outputs.quality.write(qualities)
}

/// The images by path: the class of each one shown, none for one left out. The number of those shown bounds time and
/// memory.
type Labels = BTreeMap<String, Option<String>>;

fn labels(annotations: Vec<Annotation>, params: &Params) -> anyhow::Result<Labels> {
    let (n_images, least) = (annotations.len(), params.umap.n_neighbors);
    ensure!(
        params.sample > least,
        "`embedding-evolution.sample` is {}, expected more than the {least} of `cluster.umap.n_neighbors`",
        params.sample
    );
    let seed = params.seed.stream(streams::EVOLVE_SAMPLE).number();
    let sample = Sample::draw(n_images, params.sample, seed);
    if !sample.is_all() {
        info!(
            "{} of {n_images} images are shown (`embedding-evolution.sample`)",
            params.sample
        );
    }
    let mut drawn = sample.rows().iter().peekable();
    let rows = annotations.into_iter().enumerate();
    Ok(rows
        .map(|(number, row)| {
            let is_drawn = drawn.next_if(|&&drawn| drawn == number).is_some();
            (row.path, is_drawn.then_some(row.label))
        })
        .collect())
}

/// The images of an epoch, `N`, with their embeddings `[N, D]`.
struct Epoch {
    images: Vec<Image>,
    points: Array2<f32>,
}

struct Image {
    path: String,
    label: String,
    subset: Subset,
}

impl Epoch {
    /// The images shown in the wanted epochs of `fold`, by number. Memory holds them and one other epoch at a time.
    fn read(
        tables: &[Input<EpochOutput>],
        fold: u32,
        wanted: &BTreeSet<u32>,
        labels: &Labels,
    ) -> anyhow::Result<BTreeMap<u32, Self>> {
        let mut epochs = BTreeMap::new();
        let mut last = None;
        for table in tables {
            for rows in table.batches()? {
                let rows = rows?;
                let Some(first) = rows.first().filter(|row| row.fold == fold) else {
                    // A table is of one fold.
                    break;
                };
                let number = first.epoch;
                last = last.max(Some(number));
                if wanted.contains(&number) {
                    let epoch = Self::of(rows, labels)
                        .with_context(|| format!("cannot use the embeddings of epoch {number}"))?;
                    epochs.insert(number, epoch);
                }
            }
        }
        let last =
            last.with_context(|| format!("no table of epochs is of fold {fold}, the chosen one"))?;
        for missing in wanted.iter().filter(|number| !epochs.contains_key(number)) {
            tracing::warn!("`epochs` has {missing}, the training 0 to {last}: not shown");
        }
        Ok(epochs)
    }

    fn of(rows: Vec<EpochOutput>, labels: &Labels) -> anyhow::Result<Self> {
        let (mut images, mut embeddings) = (Vec::new(), Vec::new());
        for row in rows {
            let label = labels.get(&row.path);
            let label = label
                .with_context(|| format!("the image `{}` is not in the annotations", row.path))?;
            if let Some(label) = label {
                embeddings.push(row.embedding);
                images.push(Image {
                    path: row.path,
                    label: label.clone(),
                    subset: row.subset,
                });
            }
        }
        let rows: Vec<&[f32]> = embeddings.iter().map(Vec::as_slice).collect();
        let points = points_from_rows(&rows)?;
        Ok(Self { images, points })
    }

    /// Indices of the images of each subset.
    fn subsets(&self) -> BTreeMap<Subset, Vec<usize>> {
        let mut subsets: BTreeMap<Subset, Vec<usize>> = BTreeMap::new();
        for (i, image) in self.images.iter().enumerate() {
            subsets.entry(image.subset).or_default().push(i);
        }
        subsets
    }
}

/// The map of one epoch's training images.
struct Map {
    epoch: u32,
    /// Places of the images that it was fitted to.
    layout: Array2<f32>,
    fitted: FittedMap,
    n_neighbors: usize,
}

impl Map {
    fn fit(epochs: &BTreeMap<u32, Epoch>, chosen: u32, params: &Params) -> anyhow::Result<Self> {
        let UmapParams {
            n_neighbors,
            min_dist,
            epochs: passes,
        } = params.umap;
        let umap_params = MapParams {
            n_neighbors,
            min_dist,
            epochs: passes,
            ..MapParams::default()
        };
        let epoch = epochs.get(&chosen);
        let epoch = epoch.with_context(|| format!("the training has no epoch {chosen}"))?;
        let train = epoch.subsets().remove(&FITTED);
        let train = train.with_context(|| {
            format!(
                "epoch {chosen} has no training images among those shown: increase `embedding-evolution.sample`"
            )
        })?;
        let points = epoch.points.select(Axis(0), &train);
        let seed = params.seed.stream(streams::EVOLVE).number();
        let layout = Umap::learn(points.view(), umap_params)?.project(2, seed)?;
        let fitted = FittedMap::new(points.view(), layout.view(), umap_params, seed)?;
        info!(
            "a map of the {} training images of epoch {chosen}",
            train.len()
        );
        Ok(Self {
            epoch: chosen,
            layout,
            fitted,
            n_neighbors,
        })
    }

    fn is_fitted_to(&self, epoch: u32, subset: Subset) -> bool {
        epoch == self.epoch && subset == FITTED
    }

    /// Places `[N, 2]` of an epoch's images.
    fn places(&self, number: u32, epoch: &Epoch) -> anyhow::Result<Array2<f32>> {
        let mut places = Array2::zeros((epoch.images.len(), 2));
        for (subset, images) in epoch.subsets() {
            let of_subset = if self.is_fitted_to(number, subset) {
                self.layout.clone()
            } else {
                let points = epoch.points.select(Axis(0), &images);
                self.fitted.transform(points.view())?
            };
            for (&i, place) in images.iter().zip(of_subset.rows()) {
                places.row_mut(i).assign(&place);
            }
        }
        Ok(places)
    }

    fn qualities(
        &self,
        number: u32,
        epoch: &Epoch,
        places: &Array2<f32>,
    ) -> anyhow::Result<Vec<EmbeddingEvolutionQuality>> {
        let subsets = epoch.subsets().into_iter();
        let qualities = subsets.map(|(subset, images)| {
            let points = epoch.points.select(Axis(0), &images);
            let map = places.select(Axis(0), &images);
            let quality = EmbeddingEvolutionQuality {
                epoch: number,
                subset,
                fitted: self.is_fitted_to(number, subset),
                pictures: u32::try_from(images.len()).context("too many images")?,
                neighbors: u32::try_from(self.n_neighbors)
                    .context("`umap.n_neighbors` is too large")?,
                trustworthiness: trustworthiness(points.view(), map.view(), self.n_neighbors)?,
            };
            if let Some(value) = quality.trustworthiness {
                info!("epoch {number}, {subset}: trustworthiness {value:.3}");
            }
            Ok(quality)
        });
        qualities.collect()
    }
}

fn rows(number: u32, epoch: Epoch, places: &Array2<f32>) -> Vec<EpochCoordinates> {
    let rows = epoch.images.into_iter().zip(places.rows());
    rows.map(|(image, place)| EpochCoordinates {
        epoch: number,
        label: image.label,
        path: image.path,
        subset: image.subset,
        x: place[0],
        y: place[1],
    })
    .collect()
}
