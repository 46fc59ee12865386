//! Loss, optimizers, schedules and averages against PyTorch and timm; the values are from `golden/golden.py`.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod close;

use std::collections::BTreeMap;

use approx::assert_relative_eq;
use candle_core::{Device, Tensor, Var};
use close::assert_close;
use model::{Config, Depth, Network};
use random::Seed;
use serde::Deserialize;
use trainer::{Adam, CrossEntropy, Decay, LrFactors, Schedule, WeightAverage};

#[derive(Deserialize)]
struct Golden {
    losses: Vec<Loss>,
    focals: Vec<Focal>,
    adams: Vec<AdamSteps>,
    schedule: Vec<f64>,
    adamws: Vec<AdamWSteps>,
    cosines: Vec<Cosine>,
    layer_decays: Vec<LayerDecay>,
    averages: Vec<Average>,
}

#[derive(Deserialize)]
struct Loss {
    smoothing: f64,
    weighted: bool,
    loss: f32,
    gradient: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct Focal {
    gamma: f64,
    #[serde(flatten)]
    loss: Loss,
}

#[derive(Deserialize)]
struct AdamSteps {
    weight_decay: f64,
    after: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct AdamWSteps {
    clip_norm: f64,
    #[serde(flatten)]
    steps: AdamSteps,
}

#[derive(Deserialize)]
struct Cosine {
    warmup_epochs: f64,
    rates: Vec<f64>,
}

#[derive(Deserialize)]
struct LayerDecay {
    decay: f64,
    factors: BTreeMap<String, f64>,
}

/// Weight, running mean and count of batches after each step.
#[derive(Deserialize)]
struct Average {
    decay: f64,
    after: Vec<(f32, f32, i64)>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/golden.json")).unwrap()
}

/// Checks the cross-entropy of 5 images of 4 classes, with focus `gamma`, and its gradient.
fn check_cross_entropy(golden: &Loss, gamma: f64, relative: f32) {
    let logit = |i: u16, j: u16| f32::from((7 * i + 3 * j) % 11) * 0.4 - 1.5;
    let rows: Vec<f32> = (0..5)
        .flat_map(|i| (0..4).map(move |j| logit(i, j)))
        .collect();
    let logits = Var::from_slice(&rows, (5, 4), &Device::Cpu).unwrap();
    let weights = if golden.weighted {
        vec![0.5, 0.25, 0.1, 1.0]
    } else {
        vec![1.0; 4]
    };
    let cross_entropy = CrossEntropy::new(weights, golden.smoothing).with_focus(gamma);
    let loss = cross_entropy.forward(&logits, &[0, 1, 3, 1, 0]).unwrap();
    let gradients = loss.backward().unwrap();
    let gradient = gradients.get(&logits).unwrap().flatten_all().unwrap();
    assert_close(&[loss.to_scalar().unwrap()], &[golden.loss], relative);
    assert_close(
        &gradient.to_vec1().unwrap(),
        &golden.gradient.concat(),
        relative,
    );
}

#[test]
fn cross_entropy_is_pytorchs() {
    for golden in golden().losses {
        check_cross_entropy(&golden, 0.0, 1e-5);
    }
}

#[test]
fn focal_loss_is_its_formula() {
    for golden in golden().focals {
        check_cross_entropy(&golden.loss, golden.gamma, 1e-4);
    }
}

#[test]
fn adam_is_pytorchs() {
    check_adam(|adam| adam);
    check_adam(Adam::flat);
}

fn check_adam(with: impl Fn(Adam) -> Adam) {
    for golden in golden().adams {
        let parameter = Var::new(&[0.5_f32, -1.0, 2.0, 0.0, -0.25, 1e-3], &Device::Cpu).unwrap();
        let adam = Adam::new(
            vec![("parameter".to_owned(), parameter.clone())],
            golden.weight_decay,
        )
        .unwrap();
        let mut adam = with(adam);
        for (step, expected) in (0_u8..).zip(&golden.after) {
            let gradient: Vec<f32> = (0..6)
                .map(|i| f32::from((step * 5 + i * 3) % 7) * 0.3 - 1.0)
                .collect();
            // The gradient of `parameter · gradient` is the gradient.
            let gradient = Tensor::new(gradient, &Device::Cpu).unwrap();
            let gradients = parameter
                .mul(&gradient)
                .unwrap()
                .sum_all()
                .unwrap()
                .backward()
                .unwrap();
            adam.step(&gradients, 0.1 / f64::from(step + 1)).unwrap();
            assert_close(&parameter.to_vec1().unwrap(), expected, 1e-6);
        }
    }
}

#[test]
fn schedule_is_pytorchs() {
    let schedule = Schedule::exponential(1e-4, 0.1, 50.0).over(51, 3).unwrap();
    for (epoch, &expected) in golden().schedule.iter().enumerate() {
        for step in 0..3 {
            let found = schedule.at(epoch, step);
            assert_relative_eq!(found, expected, max_relative = 1e-12);
        }
    }
}

#[test]
fn warmup_of_an_exponential_schedule_has_a_share_of_each_epochs_rate() {
    let schedule = Schedule {
        warmup_epochs: 1.5,
        ..Schedule::exponential(1.0, 0.5, 1.0)
    };
    let schedule = schedule.over(3, 2).unwrap();
    let found: Vec<f64> = (0..6).map(|step| schedule.at(step / 2, step % 2)).collect();
    for (found, expected) in found
        .iter()
        .zip([0.0, 1.0 / 3.0, 1.0 / 3.0, 0.5, 0.25, 0.25])
    {
        assert_relative_eq!(*found, expected, max_relative = 1e-12);
    }
}

#[test]
fn cosine_schedule_is_timms() {
    for golden in golden().cosines {
        let schedule = Schedule {
            start: 1e-3,
            warmup_epochs: golden.warmup_epochs,
            decay: Decay::Cosine { factor: 0.01 },
        };
        let schedule = schedule.over(5, 4).unwrap();
        assert_eq!(golden.rates.len(), 20);
        for (step, &expected) in golden.rates.iter().enumerate() {
            let found = schedule.at(step / 4, step % 4);
            assert_relative_eq!(found, expected, max_relative = 1e-12);
        }
    }
}

#[test]
fn a_warmup_without_end_is_refused() {
    let schedule = Schedule {
        warmup_epochs: 2.0,
        ..Schedule::exponential(1.0, 0.5, 1.0)
    };
    assert_eq!(
        schedule.over(2, 10).unwrap_err().to_string(),
        "`warmup_epochs` is 2: expected less than the 2 epochs that all parts are trained for"
    );
}

#[test]
fn layer_decay_is_timms() {
    for golden in golden().layer_decays {
        let factors = LrFactors {
            backbone: 0.5,
            head: 2.0,
            layer_decay: golden.decay,
            classifier: true,
        };
        assert_eq!(golden.factors.len(), 66);
        for (name, expected) in &golden.factors {
            // Factors of groups are multiplied by those of layers.
            let of_group = match name.split('.').next() {
                Some("embed") => 1.0,
                Some("head") => 2.0,
                _ => 0.5,
            };
            let found = factors.of(name);
            assert_relative_eq!(found, of_group * expected, max_relative = 1e-12);
        }
    }
}

#[test]
fn adamw_and_clipping_are_pytorchs() {
    check_adamw(|adam| adam);
    check_adamw(Adam::flat);
}

fn check_adamw(with: impl Fn(Adam) -> Adam) {
    for golden in golden().adamws {
        let var =
            |values: &[f32], shape: &[usize]| Var::from_slice(values, shape, &Device::Cpu).unwrap();
        let weight = var(&[0.5, -1.0, 2.0, 0.0, -0.25, 1e-3], &[2, 3]);
        let bias = var(&[0.3, -2.0], &[2]);
        let parameters = [("weight", &weight), ("bias", &bias)];
        let named = parameters.map(|(name, parameter)| (name.to_owned(), parameter.clone()));
        let adam = Adam::new(named.to_vec(), golden.steps.weight_decay).unwrap();
        let mut adam = with(adam.decoupled().with_clip_norm(golden.clip_norm));
        for (step, expected) in (0_u8..).zip(&golden.steps.after) {
            let gradient: Vec<f32> = (0..8)
                .map(|i| f32::from((step * 5 + i * 3) % 7) * 0.3 - 1.0)
                .collect();
            let (of_weight, of_bias) = gradient.split_at(6);
            // The gradient of `parameter · gradient` is the gradient.
            let product = |parameter: &Var, gradient: &[f32]| {
                let gradient = Tensor::from_slice(gradient, parameter.shape(), &Device::Cpu);
                parameter
                    .mul(&gradient.unwrap())
                    .unwrap()
                    .sum_all()
                    .unwrap()
            };
            let sum = (product(&weight, of_weight) + product(&bias, of_bias)).unwrap();
            let rate = 0.1 / f64::from(step + 1);
            adam.step(&sum.backward().unwrap(), rate).unwrap();
            let mut found: Vec<f32> = weight.flatten_all().unwrap().to_vec1().unwrap();
            found.extend(bias.to_vec1::<f32>().unwrap());
            assert_close(&found, expected, 1e-6);
        }
    }
}

#[test]
fn average_is_timms() {
    let config = Config {
        depth: Depth::D18,
        classifier: true,
        embedding_size: 2,
        n_classes: 2,
    };
    let mut rng = Seed::new(1).stream("weights").rng();
    let mut network = Network::new(&config, &Device::Cpu, &mut rng).unwrap();
    // Every weight, statistic and count is `value`.
    let fill = |network: &mut Network, value: f64| {
        let state = network.state().unwrap().into_iter();
        let filled = state.map(|(name, tensor)| {
            let filled = (tensor.ones_like().unwrap() * value).unwrap();
            (name, filled)
        });
        network.set_state(&filled.collect()).unwrap();
    };
    for golden in golden().averages {
        fill(&mut network, 1.0);
        let mut average = WeightAverage::new(&network, golden.decay).unwrap();
        for (step, (weight, running_mean, count)) in (1_u8..).zip(golden.after) {
            fill(&mut network, f64::from(3 * step % 7) - 2.0);
            average.update(&network, usize::from(step)).unwrap();
            let state = average.network().state().unwrap();
            let first =
                |name: &str| state[name].flatten_all().unwrap().to_vec1::<f32>().unwrap()[0];
            let found = [first("layer4.1.conv2.weight"), first("bn1.running_mean")];
            assert_close(&found, &[weight, running_mean], 1e-6);
            let found: i64 = state["bn1.num_batches_tracked"].to_scalar().unwrap();
            assert_eq!(found, count);
        }
    }
}

#[test]
fn a_parameter_without_gradient_is_an_error() {
    let [used, unused] = [1.0_f32, 2.0].map(|value| Var::new(value, &Device::Cpu).unwrap());
    let parameters = vec![
        ("used".to_owned(), used.clone()),
        ("unused".to_owned(), unused),
    ];
    let mut adam = Adam::new(parameters, 0.0).unwrap();
    let gradients = used.sqr().unwrap().backward().unwrap();
    let error = adam.step(&gradients, 0.1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameter `unused` has no gradient: expected the loss to depend on it"
    );
}
