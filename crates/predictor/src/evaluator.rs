//! The network's word on an image's file.

use std::path::Path;

use anyhow::{Context, ensure};
use attribution::{OcclusionWindows, amplitude, grad_cam, occlusion};
use candle_core::Tensor;
use export::ModelConfig;
use images::{Geometry, Preprocess};
use metrics::calibration::Temperature;
use model::{Config, Depth, Mode, Network};
use numeric::ranking;
use serde::Serialize;
use table_attributions::Attribution;
use table_clusters::Cluster;
use table_predictions::Prediction;
use tables::Subset;

use crate::neighbors::{Neighbor, nearest, place};

/// How many classes are told.
const N_GUESSES: usize = 3;

/// What all images are judged with.
pub(crate) struct Judge {
    pub(crate) network: Network,
    pub(crate) config: ModelConfig,
    pub(crate) temperature: Temperature,
    /// None where nothing is explained.
    pub(crate) squares: Option<OcclusionWindows>,
    pub(crate) predictions: Vec<Prediction>,
    pub(crate) clusters: Vec<Cluster>,
}

/// What is said of an image.
#[derive(Debug, Serialize)]
pub(crate) struct Judged {
    pub(crate) file: String,
    /// The likeliest classes, falling.
    pub(crate) guesses: Vec<Guess>,
    /// The nearest images of the collection, nearest first.
    pub(crate) neighbors: Vec<Neighbor>,
    /// About where it stands on the map of stage `cluster`.
    pub(crate) place: Option<[f64; 2]>,
    /// What speaks for the likeliest class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) explanation: Option<Attribution>,
}

/// A class and its probability.
#[derive(Debug, Serialize)]
pub(crate) struct Guess {
    pub(crate) label: String,
    pub(crate) probability: f64,
}

/// The network of a model file.
pub(crate) fn network(config: &ModelConfig, device: &str, model: &Path) -> anyhow::Result<Network> {
    let shape = Config {
        depth: Depth::try_from(config.depth as u64)?,
        embedding_size: config.embedding_size,
        n_classes: config.classes.len(),
    };
    ensure!(
        shape.n_classes > 1,
        "the model's configuration has fewer than two classes"
    );
    let device = model::device(device)?;
    Network::open(&shape, &device, model).context("cannot load the chosen model")
}

impl Judge {
    /// Judges the image with these bytes.
    ///
    /// # Errors
    /// They are no whole image, or the device fails.
    pub(crate) fn judge(&self, file: &Path, bytes: &[u8]) -> anyhow::Result<Judged> {
        let image = self.view(bytes)?;
        let output = self.network.forward(&image.unsqueeze(0)?, Mode::Eval)?;
        let logits: Vec<f32> = output.logits.get(0)?.to_vec1()?;
        let embedding: Vec<f32> = output.embedding.get(0)?.to_vec1()?;
        let probabilities = self.temperature.apply(&logits);
        let guesses: Vec<Guess> = ranking(&logits)
            .into_iter()
            .take(N_GUESSES)
            .map(|class| Guess {
                label: self.config.classes[class].clone(),
                probability: probabilities[class],
            })
            .collect();
        let neighbors = nearest(&embedding, &self.predictions);
        let file = file.display().to_string();
        let explained = self
            .squares
            .map(|squares| self.explain(&file, &image, ranking(&logits)[0], &guesses, squares));
        Ok(Judged {
            place: place(&neighbors, &self.clusters),
            explanation: explained.transpose()?,
            file,
            guesses,
            neighbors,
        })
    }

    /// The network's view, `[S, S, 3]`.
    fn view(&self, bytes: &[u8]) -> anyhow::Result<Tensor> {
        let rules = self.config.images;
        let preprocess = Preprocess::new(Geometry::new(self.config.side_px)?);
        let side = self.config.side_px as usize;
        Ok(Tensor::from_vec(
            preprocess.file(bytes, rules.limits(), rules.orient())?,
            (side, side, 3),
            self.network.device(),
        )?)
    }

    /// What speaks for `class`, the likeliest. As in the report, its drops are those of the plain softmax.
    fn explain(
        &self,
        file: &str,
        image: &Tensor,
        class: usize,
        guesses: &[Guess],
        squares: OcclusionWindows,
    ) -> anyhow::Result<Attribution> {
        let [first, second, ..] = guesses else {
            anyhow::bail!("the model knows fewer than two classes");
        };
        let drops = occlusion(&self.network, image, class, squares)?;
        let cam = grad_cam(&self.network, image, class)?;
        Ok(Attribution {
            path: file.to_owned(),
            label: first.label.clone(),
            subset: Subset::Unseen,
            top1: first.label.clone(),
            top1_probability: first.probability,
            top2: second.label.clone(),
            top2_probability: second.probability,
            probability: first.probability,
            amplitude: range(&drops),
            cells: u32::try_from(squares.cells())?,
            square: u32::try_from(squares.square())?,
            drops: drops.into_iter().map(to_f32).collect(),
            cam_side: u32::try_from(cam.dim(0)?)?,
            cam: cam.flatten_all()?.to_vec1()?,
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "tables hold probabilities as f32"
)]
fn to_f32(probability: f64) -> f32 {
    probability as f32
}
