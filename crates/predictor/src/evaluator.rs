//! Evaluation of an image's file by the network.

use std::path::Path;

use attribution::{OcclusionWindows, cam_layer, grad_cam, occlusion, range};
use candle_core::Tensor;
use export::ModelConfig;
use images::{Geometry, Preprocess};
use metrics::calibration::NetworkCalibrators;
use model::{Mode, Network};
use numeric::{ranking, softmax};
use serde::Serialize;
use table_attributions::Attribution;
use table_clusters::Cluster;
use table_predictions::Prediction;
use tables::Subset;

use crate::ensemble::{Ensemble, Votes};
use crate::neighbors::{Neighbor, coordinates, nearest};

/// Number of classes in a prediction.
const N_CLASSES: usize = 3;

/// Network, calibration and collection for the evaluation of images.
pub(crate) struct Evaluator {
    pub(crate) network: Network,
    pub(crate) config: ModelConfig,
    pub(crate) calibrators: NetworkCalibrators,
    /// Networks that predict in place of `network`; embedding and attributions are those of `network`.
    pub(crate) ensemble: Option<Ensemble>,
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
    /// Predictions of the ensemble's networks; none of the selected network.
    #[serde(flatten)]
    pub(crate) votes: Option<Votes>,
    /// Those of them of which the calibrator has seen no image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) uncalibrated_classes: Vec<String>,
    /// The nearest images of the collection in the selected network's embedding, nearest first.
    pub(crate) neighbors: Vec<Neighbor>,
    /// Approximate coordinates in the UMAP embedding of stage `cluster`.
    pub(crate) coordinates: Option<[f64; 2]>,
    /// Attribution of the first of `classes`, with the maps and the probabilities of the selected network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attribution: Option<Attribution>,
}

impl ImagePrediction {
    /// Agreement of the ensemble's networks, as text; none of the selected network.
    pub(crate) fn agreement(&self) -> Option<String> {
        let top = self.classes.first()?;
        Some(self.votes.as_ref()?.text(&top.label))
    }
}

/// A class and its probability.
#[derive(Debug, Serialize)]
pub(crate) struct ClassProbability {
    pub(crate) label: String,
    pub(crate) probability: f64,
}

/// Logits `[K]` of a prediction, with its probabilities.
struct Scores {
    logits: Vec<f32>,
    probabilities: Vec<f64>,
    votes: Option<Votes>,
}

impl Evaluator {
    /// Predicts the image with these bytes: logits and embedding are the means over its views, the maps of an
    /// attribution are those of the center.
    ///
    /// # Errors
    /// The bytes are no whole image, or the device fails.
    pub(crate) fn predict(&self, file: &Path, bytes: &[u8]) -> anyhow::Result<ImagePrediction> {
        let views = self.inputs(bytes)?;
        let output = self.network.forward(&views, Mode::Eval)?;
        let selected = self.by_network(output.logits.mean(0)?.to_vec1()?);
        let ensemble = self.ensemble.as_ref();
        let by_ensemble = ensemble.map(|ensemble| self.by_ensemble(ensemble, &views));
        let by_ensemble = by_ensemble.transpose()?;
        let scores = by_ensemble.as_ref().unwrap_or(&selected);
        let order = ranking(&scores.logits);
        let embedding: Vec<f32> = output.embedding.mean(0)?.to_vec1()?;
        let classes: Vec<ClassProbability> = order
            .iter()
            .take(N_CLASSES)
            .map(|&class| ClassProbability {
                label: self.config.classes[class].clone(),
                probability: scores.probabilities[class],
            })
            .collect();
        let unseen = &self.calibrators.unseen_classes;
        // No class of an ensemble is calibrated.
        let is_uncalibrated =
            |class: &&ClassProbability| self.ensemble.is_none() && unseen.contains(&class.label);
        let uncalibrated = classes.iter().filter(is_uncalibrated);
        let neighbors = nearest(&embedding, &self.predictions);
        let file = file.display().to_string();
        let attribution = self
            .windows
            .map(|windows| self.attribute(&file, &views.get(0)?, order[0], &selected, windows));
        Ok(ImagePrediction {
            coordinates: coordinates(&neighbors, &self.clusters),
            attribution: attribution.transpose()?,
            file,
            uncalibrated_classes: uncalibrated.map(|class| class.label.clone()).collect(),
            classes,
            votes: scores.votes.clone(),
            neighbors,
        })
    }

    /// Calibrated scores of the selected network with these logits.
    fn by_network(&self, logits: Vec<f32>) -> Scores {
        Scores {
            probabilities: self.calibrators.temperature.apply(&logits),
            logits,
            votes: None,
        }
    }

    /// Scores of the ensemble for the views of an image.
    fn by_ensemble(&self, ensemble: &Ensemble, views: &Tensor) -> anyhow::Result<Scores> {
        let networks = ensemble.logits(views)?;
        let logits = metrics::ensemble(&networks.iter().map(Vec::as_slice).collect::<Vec<_>>());
        Ok(Scores {
            probabilities: softmax(&logits, 1.0),
            votes: Some(Votes::of(&networks, &logits, &self.config.classes)),
            logits,
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

    /// Attribution of `class`, the predicted one, by the selected network. `selected` are the scores of that network,
    /// whose most probable class may differ from that of an ensemble. Their probabilities are calibrated; probability
    /// drops are those of the plain softmax, as in the report.
    fn attribute(
        &self,
        file: &str,
        image: &Tensor,
        class: usize,
        selected: &Scores,
        windows: OcclusionWindows,
    ) -> anyhow::Result<Attribution> {
        let order = ranking(&selected.logits);
        let [first, second, ..] = order[..] else {
            anyhow::bail!("the model has fewer than two classes");
        };
        let label = |class: usize| self.config.classes[class].clone();
        let probability_drops = occlusion(&self.network, image, class, windows)?;
        let layer = cam_layer(image.dim(0)?, image.dim(1)?);
        let cam = grad_cam(&self.network, image, class, layer)?;
        Ok(Attribution {
            path: file.to_owned(),
            label: label(class),
            subset: Subset::Unseen,
            top1: label(first),
            top1_probability: selected.probabilities[first],
            top2: label(second),
            top2_probability: selected.probabilities[second],
            probability: selected.probabilities[class],
            range: range(&probability_drops),
            cells: u32::try_from(windows.cells())?,
            window: u32::try_from(windows.window())?,
            probability_drops: probability_drops.into_iter().map(to_f32).collect(),
            cam_layer: layer.name().to_owned(),
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

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use candle_core::Device;
    use export::{FormatVersion, ImageRules, OnnxInterface, Preprocessing};
    use metrics::calibration::Temperature;
    use model::{Config, Depth};

    use super::*;

    const SIDE_PX: u32 = 32;

    /// A network that predicts these probabilities for every image: its head has no weights, only a bias.
    fn network(probabilities: [f32; 3]) -> Network {
        let config = Config {
            depth: Depth::D18,
            classifier: false,
            embedding_size: 4,
            n_classes: 3,
        };
        let mut network = Network::new(&config, &Device::Cpu, &mut random::numbered(1, 0)).unwrap();
        let mut state = network.state().unwrap();
        let weight = state["head.weight"].zeros_like().unwrap();
        let bias = Tensor::from_vec(probabilities.map(f32::ln).to_vec(), 3, &Device::Cpu).unwrap();
        state.insert("head.weight".to_owned(), weight);
        state.insert("head.bias".to_owned(), bias);
        network.set_state(&state).unwrap();
        network
    }

    fn evaluator(selected: [f32; 3], ensemble: Option<Ensemble>) -> Evaluator {
        Evaluator {
            network: network(selected),
            config: ModelConfig {
                format_version: FormatVersion,
                architecture: "resnet18".to_owned(),
                head: ["embed", "relu", "head"].map(str::to_owned).to_vec(),
                depth: 18,
                embedding_size: 4,
                classes: ["cubism", "fauvism", "photo"].map(str::to_owned).to_vec(),
                side_px: SIDE_PX,
                resize_px: SIDE_PX,
                mean: images::MEAN,
                std: images::STD,
                preprocessing: Preprocessing::default(),
                images: ImageRules::default(),
                temperature: 1.0,
                onnx: OnnxInterface::default(),
                test_time_flip: false,
                test_time_crops: 1,
            },
            calibrators: NetworkCalibrators {
                temperature: Temperature::ONE,
                unseen_classes: Vec::new(),
            },
            ensemble,
            windows: Some(OcclusionWindows::new(2, 1).unwrap()),
            predictions: Vec::new(),
            clusters: Vec::new(),
        }
    }

    fn predict(evaluator: &Evaluator) -> ImagePrediction {
        let image = image::RgbImage::from_pixel(SIDE_PX, SIDE_PX, image::Rgb([200, 100, 50]));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        evaluator
            .predict(Path::new("new.png"), bytes.get_ref())
            .unwrap()
    }

    fn check(attribution: &Attribution, class: &str, probability: f64) {
        assert_eq!(attribution.label, class);
        assert_eq!(attribution.top1, "cubism");
        assert_eq!(attribution.top2, "fauvism");
        let probabilities = [
            attribution.top1_probability,
            attribution.top2_probability,
            attribution.probability,
        ];
        for (found, expected) in probabilities.into_iter().zip([0.6, 0.3, probability]) {
            assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
        }
    }

    #[test]
    fn probabilities_of_an_attribution_are_those_of_the_selected_network() {
        let selected = [0.6, 0.3, 0.1];
        let image = predict(&evaluator(selected, None));
        assert_eq!(image.classes[0].label, "cubism");
        check(&image.attribution.unwrap(), "cubism", 0.6);

        // The other network is sure of `photo`: the mean of both is (0.1 + 0.9) / 2 = 0.5.
        let networks = vec![network(selected), network([0.05, 0.05, 0.9])];
        let image = predict(&evaluator(selected, Some(Ensemble::of(networks))));
        assert_eq!(image.classes[0].label, "photo");
        assert!((image.classes[0].probability - 0.5).abs() < 1e-6);
        check(&image.attribution.unwrap(), "photo", 0.1);
    }
}
