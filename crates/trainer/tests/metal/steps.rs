//! A few steps of every program that computes on a GPU, on the stand-in for Metal; prints the operations.
//! With the feature `backbones`, those of the networks of other architectures, which take minutes to compile.

#![cfg_attr(feature = "backbones", allow(dead_code, unused_imports))]

use std::path::Path;

use candle_core::dummy_metal_backend::{begin, operations};
use candle_core::{Device, Tensor};
use attribution::{OcclusionWindows, cam_layer, grad_cam, occlusion};
use metric_learning::{ArcFace, Triplet, TripletAndCrossEntropy};
use model::{Config, Depth, Freeze, Mode, Network};
use random::Seed;
use table_history::{EpochSelection, History};
use tables::Subset;
use table_timings::Timing;
use trainer::{
    Checkpoints, CrossEntropy, Decay, FineTuning, FoldSplit, ImageSource, Loss,
    LrFactors, Optimizer, Outputs, Sampling, Schedule, Settings, TrainError, TrainingObserver,
    Transform, evaluate, train,
};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const CLASSES: [&str; 3] = ["a", "b", "c"];
/// Training, validation and test images; the last training batch is shorter.
const N_IMAGES: usize = 15;

/// Images of noise with a stronger color.
struct Noise {
    side_px: usize,
}

impl ImageSource for Noise {
    fn side_px(&self, _: Transform) -> usize {
        self.side_px
    }

    fn prepare(
        &self,
        image: usize,
        _: Transform,
        _: &mut Vec<u8>,
        values: &mut [f32],
    ) -> Result<(), TrainError> {
        for (i, value) in values.iter_mut().enumerate() {
            let noise = ((i * 7919 + image * 104_729) % 97) as f32 / 97.0;
            *value = noise + f32::from(u8::from(i % 3 == image % 3));
        }
        Ok(())
    }
}

struct Silent;

impl TrainingObserver for Silent {
    fn seconds(&self) -> f64 {
        0.0
    }
    fn resumed(&mut self, _: &[History]) {}
    fn epoch_started(&mut self, _: usize) {}
    fn step_finished(&mut self, _: f64) {}
    fn epoch_finished(&mut self, _: &History, _: &Timing) {}
}

fn split() -> FoldSplit {
    let subset = |image: usize| match image % 5 {
        0 => Subset::Validation,
        1 if image < 6 => Subset::Test,
        _ => Subset::Train,
    };
    FoldSplit {
        fold: 0,
        classes: CLASSES.map(str::to_owned).to_vec(),
        class_indices: (0..N_IMAGES as u32).map(|image| image % 3).collect(),
        subsets: (0..N_IMAGES).map(subset).collect(),
    }
}

fn settings(epochs: usize, sampling: Sampling) -> Settings {
    Settings {
        epochs,
        sampling,
        batch_size: 4,
        micro_batch_size: None,
        learning_rate: Schedule::exponential(1e-3, 0.1, 10.0),
        lr_factors: LrFactors {
            backbone: 0.5,
            head: 1.0,
            layer_decay: 1.0,
            classifier: true,
        },
        weight_decay: 1e-4,
        fine_tuning: FineTuning::default(),
        selection_k: 1,
        seed: Seed::new(7),
    }
}

/// Settings with every method of fine-tuning.
fn fine_tuning(epochs: usize) -> Settings {
    Settings {
        learning_rate: Schedule {
            start: 1e-3,
            warmup_epochs: 0.5,
            decay: Decay::Cosine { factor: 0.1 },
        },
        fine_tuning: FineTuning {
            optimizer: Optimizer::AdamW,
            clip_norm: 1.0,
            ema_decay: 0.9,
            head_epochs: 1,
            selection: EpochSelection::Last,
        },
        ..settings(epochs, Sampling::Shuffle)
    }
}

fn config(depth: Depth) -> Config {
    Config {
        depth,
        classifier: true,
        embedding_size: 4,
        n_classes: CLASSES.len(),
    }
}

fn network(depth: Depth, device: &Device) -> Outcome<Network> {
    let mut rng = Seed::new(1).stream("weights").rng();
    Ok(Network::new(&config(depth), device, &mut rng)?)
}

/// Trains for one epoch, and for another from its checkpoint.
fn trained(
    make: impl Fn() -> Outcome<Network>,
    side_px: usize,
    sampling: Sampling,
    loss: &dyn Loss,
    folder: &Path,
) -> Outcome<Network> {
    trained_for([1, 2], make, side_px, |epochs| settings(epochs, sampling), loss, folder)
}

/// Trains for the first number of epochs, and from its checkpoint to the second.
fn trained_for(
    numbers: [usize; 2],
    make: impl Fn() -> Outcome<Network>,
    side_px: usize,
    settings: impl Fn(usize) -> Settings,
    loss: &dyn Loss,
    folder: &Path,
) -> Outcome<Network> {
    for epochs in numbers {
        let mut network = make()?;
        let mut checkpoints = Checkpoints::open(folder, &"steps")?;
        let history = train(
            &mut network,
            &Noise { side_px },
            &split(),
            &settings(epochs),
            loss,
            &mut checkpoints,
            &mut Silent,
        )?;
        assert_eq!(history.n_epochs(), epochs);
        if epochs == numbers[1] {
            network.save(&folder.join("model.safetensors"))?;
            return Ok(network);
        }
    }
    unreachable!("the second training returns")
}

fn stage_train(device: &Device, folder: &Path) -> Outcome<()> {
    begin("train");
    let weights = vec![1.0, 2.0, 0.5];
    let cross_entropy = CrossEntropy::new(weights, 0.0);
    let smoothed = CrossEntropy::new(vec![1.0; 3], 0.1);
    let focal = smoothed.clone().with_focus(1.5);
    let at = |name: &str| folder.join(name);
    let make = || network(Depth::D18, device);
    trained(make, 32, Sampling::Shuffle, &cross_entropy, &at("train"))?;
    trained(make, 70, Sampling::Balanced, &smoothed, &at("smoothed"))?;
    trained(make, 32, Sampling::Shuffle, &focal, &at("focal"))?;
    for (name, cnn, fc) in [("cnn", true, false), ("both", true, true)] {
        let make = || -> Outcome<Network> {
            let mut network = make()?;
            network.freeze(Freeze {
                cnn,
                fc,
                batch_norm: false,
            });
            Ok(network)
        };
        trained(make, 32, Sampling::Shuffle, &cross_entropy, &at(name))?;
    }
    let make = || -> Outcome<Network> {
        let mut network = make()?;
        network.freeze(Freeze {
            batch_norm: true,
            ..Freeze::default()
        });
        Ok(network)
    };
    trained_for([2, 3], make, 32, fine_tuning, &cross_entropy, &at("fine-tuned"))?;
    let deeper = || network(Depth::D50, device);
    trained(deeper, 64, Sampling::Shuffle, &cross_entropy, &at("deeper"))?;
    Ok(())
}

fn stage_metric_learning(device: &Device, folder: &Path) -> Outcome<()> {
    begin("metric-learning");
    let arcface = ArcFace::new(vec![1.0, 2.0, 0.5], 16.0, 28.6);
    let cosine = || -> Outcome<Network> {
        let mut rng = Seed::new(1).stream("weights").rng();
        let config = config(Depth::D18);
        Ok(Network::with_cosine_head(&config, device, &mut rng)?)
    };
    trained(cosine, 32, Sampling::Shuffle, &arcface, &folder.join("arcface"))?;
    let triplet = TripletAndCrossEntropy {
        triplet: Triplet::new(0.1),
        cross_entropy: CrossEntropy::new(vec![1.0; 3], 0.0),
    };
    let make = || network(Depth::D18, device);
    trained(make, 32, Sampling::Shuffle, &triplet, &folder.join("triplet"))?;
    Ok(())
}

/// The model of `train`, loaded as in later stages.
fn loaded(device: &Device, folder: &Path) -> Outcome<Network> {
    let path = folder.join("train/model.safetensors");
    Ok(Network::open(&config(Depth::D18), device, &path)?)
}

fn stage_predict(device: &Device, folder: &Path) -> Outcome<()> {
    begin("predict");
    let network = loaded(device, folder)?;
    let images: Vec<usize> = (0..N_IMAGES).collect();
    let mut outputs = Outputs::zeros(N_IMAGES, 3, 4);
    evaluate(&network, &Noise { side_px: 32 }, &images, &mut outputs, |_| ())?;
    Ok(())
}

fn stage_features(device: &Device, folder: &Path) -> Outcome<()> {
    begin("features");
    let mut network = network(Depth::D18, device)?;
    network.load_backbone(&folder.join("train/model.safetensors"))?;
    let features = network.features(&image(64, device)?.unsqueeze(0)?)?;
    features.to_vec2::<f32>()?;
    Ok(())
}

fn image(side_px: usize, device: &Device) -> Outcome<Tensor> {
    let mut values = vec![0.0; side_px * side_px * 3];
    Noise { side_px }.prepare(1, Transform::PLAIN, &mut Vec::new(), &mut values)?;
    Ok(Tensor::from_vec(values, (side_px, side_px, 3), device)?)
}

fn stage_attribution(device: &Device, folder: &Path) -> Outcome<()> {
    begin("attribution");
    let network = loaded(device, folder)?;
    let image = image(64, device)?;
    occlusion(&network, &image, 1, OcclusionWindows::new(4, 2)?)?;
    for layer in [cam_layer(64, 64), cam_layer(224, 224)] {
        let cam = grad_cam(&network, &image, 2, layer)?;
        cam.flatten_all()?.to_vec1::<f32>()?;
    }
    Ok(())
}

fn program_predictor(device: &Device, folder: &Path) -> Outcome<()> {
    begin("predictor");
    let network = loaded(device, folder)?;
    let output = network.forward(&image(32, device)?.unsqueeze(0)?, Mode::Eval)?;
    output.logits.get(0)?.to_vec1::<f32>()?;
    output.embedding.get(0)?.to_vec1::<f32>()?;
    Ok(())
}

#[cfg(feature = "backbones")]
#[derive(serde::Deserialize)]
struct Golden {
    side: usize,
    shapes: std::collections::BTreeMap<String, Vec<usize>>,
}

/// A network of each family that backbones have, with weights near zero.
#[cfg(feature = "backbones")]
fn stage_backbones(device: &Device, folder: &Path, goldens: &Path) -> Outcome<()> {
    use backbones::{Backbone, Name};

    begin("backbones");
    for name in [
        "convnext_atto",
        "convnextv2_atto",
        "hiera_tiny_224",
        "mobilenetv4_conv_small",
        "mobilenetv4_hybrid_medium",
        "repvgg_a0",
        "repvgg_b1g4",
    ] {
        let text = std::fs::read_to_string(goldens.join(format!("{name}.json")))?;
        let golden: Golden = serde_json::from_str(&text)?;
        let tensor = |(name, shape): (&String, &Vec<usize>)| -> Outcome<(String, Tensor)> {
            let numbers = vec![0.01_f32; shape.iter().product()];
            let tensor = Tensor::from_vec(numbers, shape.as_slice(), &Device::Cpu)?;
            Ok((name.clone(), tensor))
        };
        let tensors = golden.shapes.iter().map(tensor);
        let tensors = tensors.collect::<Outcome<std::collections::HashMap<_, _>>>()?;
        let path = folder.join("backbone.safetensors");
        candle_core::safetensors::save(&tensors, &path)?;
        let backbone = Backbone::load(&Name::try_from(name.to_owned())?, &path, device)?;
        let one = image(golden.side, device)?;
        let features = backbone.features(&Tensor::stack(&[&one, &one], 0)?)?;
        features.to_vec2::<f32>()?;
    }
    Ok(())
}

#[cfg(feature = "backbones")]
fn programs(device: &Device, folder: &Path, goldens: &Path) -> Outcome<()> {
    stage_backbones(device, folder, goldens)
}

#[cfg(not(feature = "backbones"))]
fn programs(device: &Device, folder: &Path, _: &Path) -> Outcome<()> {
    stage_train(device, folder)?;
    stage_metric_learning(device, folder)?;
    stage_predict(device, folder)?;
    stage_features(device, folder)?;
    stage_attribution(device, folder)?;
    program_predictor(device, folder)
}

fn main() -> Outcome<()> {
    let folders: Vec<String> = std::env::args().skip(1).collect();
    let [folder, goldens] = folders.as_slice() else {
        return Err("expected two folders: one to write in, and that of the backbones' shapes".into());
    };
    let device = model::device("metal")?;
    programs(&device, Path::new(folder), Path::new(goldens))?;
    for operation in operations() {
        println!("{operation}");
    }
    Ok(())
}
