//! Loss, optimizer and schedule against PyTorch; the values are from `golden/golden.py`.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod close;

use approx::assert_relative_eq;
use candle_core::{Device, Tensor, Var};
use close::assert_close;
use serde::Deserialize;
use trainer::{Adam, CrossEntropy, ExponentialDecay};

#[derive(Deserialize)]
struct Golden {
    losses: Vec<Loss>,
    focals: Vec<Focal>,
    adams: Vec<AdamSteps>,
    schedule: Vec<f64>,
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
    for golden in golden().adams {
        let parameter = Var::new(&[0.5_f32, -1.0, 2.0, 0.0, -0.25, 1e-3], &Device::Cpu).unwrap();
        let mut adam = Adam::new(
            vec![("parameter".to_owned(), parameter.clone())],
            golden.weight_decay,
        )
        .unwrap();
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
    let decay = ExponentialDecay::new(1e-4, 0.1, 50.0);
    for (epoch, &expected) in golden().schedule.iter().enumerate() {
        assert_relative_eq!(decay.at(epoch), expected, max_relative = 1e-12);
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
