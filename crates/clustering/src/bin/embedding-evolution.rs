//! Stage `embedding-evolution`: the selected fold's embedding in several epochs, in one UMAP embedding.
//!
//! UMAP is fitted to the training images of the selected epoch, and transforms all others. Embeddings of other epochs
//! differ in scale and rotation, which is the study's method and is kept: images of early epochs crowd near their
//! nearest neighbors of the selected epoch.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clustering::{
    FittedUmap, Sample, Umap, UmapParams, points_from_rows, streams, trustworthiness,
};
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

/// Subset that UMAP is fitted to.
const FITTED: Subset = Subset::Train;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The study's seed.
    seed: Seed,
    /// Epochs shown besides the selected one, from 0.
    epochs: BTreeSet<u32>,
    /// Images shown, at most, drawn by the seed, the same in every epoch.
    sample: usize,
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
    selection: Input<Selection>,
    annotations: Input<Annotation>,
    /// One of each fold.
    epoch_outputs: Vec<Input<EpochOutput>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    embedding_evolution: Output<EpochCoordinates>,
    embedding_evolution_quality: Output<EmbeddingEvolutionQuality>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let selections = inputs.selection.read()?;
    let [selection] = selections.as_slice() else {
        bail!("`selection` has {} rows: expected 1", selections.len());
    };
    let labels = labels(inputs.annotations.read()?, &params)?;
    let mut requested = params.epochs.clone();
    requested.insert(selection.epoch);
    let epochs = Epoch::read(&inputs.epoch_outputs, selection.fold, &requested, &labels)?;
    let reference = Reference::fit(&epochs, selection.epoch, &params)?;

    let progress = Progress::start("epochs", epochs.len());
    let mut coordinates = outputs.embedding_evolution.writer();
    let mut qualities = Vec::new();
    for (number, epoch) in epochs {
        let at = reference.coordinates(number, &epoch)?;
        qualities.extend(reference.qualities(number, &epoch, &at)?);
        coordinates.append(rows(number, epoch, &at))?;
        progress.advance(1);
    }
    coordinates.finish()?;
    outputs.embedding_evolution_quality.write(qualities)
}

/// Class of each image shown, by path; none for an image left out. The number of those shown bounds time and memory.
type Labels = BTreeMap<String, Option<String>>;

fn labels(annotations: Vec<Annotation>, params: &Params) -> anyhow::Result<Labels> {
    let (n_images, least) = (annotations.len(), params.umap.n_neighbors);
    ensure!(
        params.sample > least,
        "`embedding-evolution.sample` is {}, expected more than the {least} of `cluster.umap.n_neighbors`",
        params.sample
    );
    let seed = params
        .seed
        .stream(streams::EMBEDDING_EVOLUTION_SAMPLE)
        .number();
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
    /// The images shown in the requested epochs of `fold`, by number. Memory has these and one other epoch at a time.
    fn read(
        tables: &[Input<EpochOutput>],
        fold: u32,
        requested: &BTreeSet<u32>,
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
                if requested.contains(&number) {
                    let epoch = Self::of(rows, labels)
                        .with_context(|| format!("cannot use the embeddings of epoch {number}"))?;
                    epochs.insert(number, epoch);
                }
            }
        }
        let last = last
            .with_context(|| format!("no table of epochs is of fold {fold}, the selected one"))?;
        for missing in requested
            .iter()
            .filter(|number| !epochs.contains_key(number))
        {
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

/// UMAP fitted to one epoch's training images.
struct Reference {
    epoch: u32,
    /// Coordinates of the images that it is fitted to.
    layout: Array2<f32>,
    fitted: FittedUmap,
    n_neighbors: usize,
}

impl Reference {
    fn fit(epochs: &BTreeMap<u32, Epoch>, selected: u32, params: &Params) -> anyhow::Result<Self> {
        let UmapSettings {
            n_neighbors,
            min_dist,
            epochs: umap_epochs,
        } = params.umap;
        let umap_params = UmapParams {
            n_neighbors,
            min_dist,
            epochs: umap_epochs,
            ..UmapParams::default()
        };
        let epoch = epochs.get(&selected);
        let epoch = epoch.with_context(|| format!("the training has no epoch {selected}"))?;
        let train = epoch.subsets().remove(&FITTED);
        let train = train.with_context(|| {
            format!(
                "epoch {selected} has no training images among those shown: increase `embedding-evolution.sample`"
            )
        })?;
        let points = epoch.points.select(Axis(0), &train);
        let seed = params.seed.stream(streams::EMBEDDING_EVOLUTION).number();
        let layout = Umap::fit(points.view(), umap_params)?.embed(2, seed)?;
        let fitted = FittedUmap::new(points.view(), layout.view(), umap_params, seed)?;
        info!(
            "UMAP is fitted to the {} training images of epoch {selected}",
            train.len()
        );
        Ok(Self {
            epoch: selected,
            layout,
            fitted,
            n_neighbors,
        })
    }

    fn is_fitted_to(&self, epoch: u32, subset: Subset) -> bool {
        epoch == self.epoch && subset == FITTED
    }
    /// Coordinates `[N, 2]` of an epoch's images.
    fn coordinates(&self, number: u32, epoch: &Epoch) -> anyhow::Result<Array2<f32>> {
        let mut coordinates = Array2::zeros((epoch.images.len(), 2));
        for (subset, images) in epoch.subsets() {
            let of_subset = if self.is_fitted_to(number, subset) {
                self.layout.clone()
            } else {
                let points = epoch.points.select(Axis(0), &images);
                self.fitted.transform(points.view())?
            };
            for (&i, row) in images.iter().zip(of_subset.rows()) {
                coordinates.row_mut(i).assign(&row);
            }
        }
        Ok(coordinates)
    }

    fn qualities(
        &self,
        number: u32,
        epoch: &Epoch,
        coordinates: &Array2<f32>,
    ) -> anyhow::Result<Vec<EmbeddingEvolutionQuality>> {
        let subsets = epoch.subsets().into_iter();
        let qualities = subsets.map(|(subset, images)| {
            let points = epoch.points.select(Axis(0), &images);
            let embedding = coordinates.select(Axis(0), &images);
            let quality = EmbeddingEvolutionQuality {
                epoch: number,
                subset,
                fitted: self.is_fitted_to(number, subset),
                images: u32::try_from(images.len()).context("too many images")?,
                neighbors: u32::try_from(self.n_neighbors)
                    .context("`umap.n_neighbors` is too large")?,
                trustworthiness: trustworthiness(
                    points.view(),
                    embedding.view(),
                    self.n_neighbors,
                )?,
            };
            if let Some(value) = quality.trustworthiness {
                info!("epoch {number}, {subset}: trustworthiness {value:.3}");
            }
            Ok(quality)
        });
        qualities.collect()
    }
}

fn rows(number: u32, epoch: Epoch, coordinates: &Array2<f32>) -> Vec<EpochCoordinates> {
    let rows = epoch.images.into_iter().zip(coordinates.rows());
    rows.map(|(image, row)| EpochCoordinates {
        epoch: number,
        label: image.label,
        path: image.path,
        subset: image.subset,
        x: row[0],
        y: row[1],
    })
    .collect()
}
