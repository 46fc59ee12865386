//! Evaluation of an image's file by the network.

use std::path::Path;

use anyhow::{Context, ensure};
use attribution::{OcclusionWindows, grad_cam, occlusion, range};
use candle_core::Tensor;
use export::ModelConfig;
use images::{Geometry, Preprocess};
use metrics::calibration::NetworkCalibrators;
use model::{Config, Depth, Mode, Network};
use numeric::ranking;
use serde::Serialize;
use table_attributions::Attribution;
use table_clusters::Cluster;
use table_predictions::Prediction;
use tables::Subset;

use crate::neighbors::{Neighbor, coordinates, nearest};

/// Number of classes in a prediction.
const N_CLASSES: usize = 3;

/// Network, calibration and collection for the evaluation of images.
pub(crate) struct Evaluator {
    pub(crate) network: Network,
    pub(crate) config: ModelConfig,
    pub(crate) calibrators: NetworkCalibrators,
    /// None without attribution.
    pub(crate) windows: Option<OcclusionWindows>,
    pub(crate) predictions: Vec<Prediction>,
    pub(crate) clusters: Vec<Cluster>,
}

/// Prediction for an image.
#[derive(Debug, Serialize)]
pub(crate) struct ImagePrediction {
    pub(crate) file: String,
    /// The most probable classes, in descending order.
    pub(crate) classes: Vec<ClassProbability>,
    /// Those of them of which the calibrator has seen no image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) uncalibrated_classes: Vec<String>,
    /// The nearest images of the collection, nearest first.
    pub(crate) neighbors: Vec<Neighbor>,
    /// Approximate coordinates in the UMAP embedding of stage `cluster`.
    pub(crate) coordinates: Option<[f64; 2]>,
    /// Attribution of the most probable class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attribution: Option<Attribution>,
}

/// A class and its probability.
#[derive(Debug, Serialize)]
pub(crate) struct ClassProbability {
    pub(crate) label: String,
    pub(crate) probability: f64,
}

/// The network of a model file.
pub(crate) fn network(config: &ModelConfig, device: &str, model: &Path) -> anyhow::Result<Network> {
    let shape = Config {
        depth: Depth::try_from(config.depth as u64)?,
        classifier: config.has_classifier(),
        embedding_size: config.embedding_size,
        n_classes: config.classes.len(),
    };
    ensure!(
        shape.n_classes > 1,
        "the model's configuration has fewer than two classes"
    );
    let device = model::device(device)?;
    Network::open(&shape, &device, model).context("cannot load the selected model")
}

impl Evaluator {
    /// Predicts the image with these bytes: logits and embedding are the means over its views, an attribution is that of
    /// the center.
    ///
    /// # Errors
    /// The bytes are no whole image, or the device fails.
    pub(crate) fn predict(&self, file: &Path, bytes: &[u8]) -> anyhow::Result<ImagePrediction> {
        let views = self.inputs(bytes)?;
        let output = self.network.forward(&views, Mode::Eval)?;
        let logits: Vec<f32> = output.logits.mean(0)?.to_vec1()?;
        let embedding: Vec<f32> = output.embedding.mean(0)?.to_vec1()?;
        let probabilities = self.calibrators.temperature.apply(&logits);
        let classes: Vec<ClassProbability> = ranking(&logits)
            .into_iter()
            .take(N_CLASSES)
            .map(|class| ClassProbability {
                label: self.config.classes[class].clone(),
                probability: probabilities[class],
            })
            .collect();
        let unseen = &self.calibrators.unseen_classes;
        let uncalibrated = classes.iter().filter(|class| unseen.contains(&class.label));
        let neighbors = nearest(&embedding, &self.predictions);
        let file = file.display().to_string();
        let attribution = self.windows.map(|windows| {
            self.attribute(
                &file,
                &views.get(0)?,
                ranking(&logits)[0],
                &classes,
                windows,
            )
        });
        Ok(ImagePrediction {
            coordinates: coordinates(&neighbors, &self.clusters),
            attribution: attribution.transpose()?,
            file,
            uncalibrated_classes: uncalibrated.map(|class| class.label.clone()).collect(),
            classes,
            neighbors,
        })
    }

    /// Network inputs of the views of an image, `[V, S, S, 3]`; the first is the center.
    fn inputs(&self, bytes: &[u8]) -> anyhow::Result<Tensor> {
        let rules = self.config.images;
        let evaluation = self.config.evaluation()?;
        let geometry = Geometry::new(self.config.side_px)?;
        let preprocess = Preprocess::new(match evaluation.needs_whole_image() {
            true => geometry.whole(),
            false => geometry,
        });
        let views = evaluation.views();
        let inputs = preprocess.file(bytes, rules.limits(), rules.orient(), &views)?;
        let side = self.config.side_px as usize;
        Ok(Tensor::from_vec(
            inputs.concat(),
            (views.len(), side, side, 3),
            self.network.device(),
        )?)
    }

    /// Attribution of `class`, the most probable. As in the report, its probability drops are those of the plain
    /// softmax.
    fn attribute(
        &self,
        file: &str,
        image: &Tensor,
        class: usize,
        classes: &[ClassProbability],
        windows: OcclusionWindows,
    ) -> anyhow::Result<Attribution> {
        let [first, second, ..] = classes else {
            anyhow::bail!("the model has fewer than two classes");
        };
        let probability_drops = occlusion(&self.network, image, class, windows)?;
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
            range: range(&probability_drops),
            cells: u32::try_from(windows.cells())?,
            window: u32::try_from(windows.window())?,
            probability_drops: probability_drops.into_iter().map(to_f32).collect(),
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
