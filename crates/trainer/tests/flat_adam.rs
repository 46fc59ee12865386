//! Steps of Adam on all parameters at once, as on a GPU, against those on each.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};
use trainer::Adam;

const SHAPES: [(&str, &[usize]); 5] = [
    ("a.weight", &[4, 3, 2]),
    ("a.bias", &[4]),
    ("b.weight", &[5, 4]),
    ("b.bias", &[5]),
    ("c.weight", &[2, 5]),
];

fn numbers(shape: &[usize], seed: usize) -> Tensor {
    let len = shape.iter().product::<usize>();
    let numbers: Vec<f32> = (0..len)
        .map(|i| ((i * 7 + seed * 13) as f32).sin())
        .collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
}

/// Parameters and their optimizer.
struct Training {
    parameters: Vec<(String, Var)>,
    adam: Adam,
}

impl Training {
    fn new(is_flat: bool, is_decoupled: bool) -> Self {
        let var = |(i, (name, shape)): (usize, (&str, &[usize]))| {
            let var = Var::from_tensor(&numbers(shape, i)).unwrap();
            (name.to_owned(), var)
        };
        let parameters: Vec<_> = SHAPES.into_iter().enumerate().map(var).collect();
        // `a` and `c` are a group with `b` between them.
        let factor = |name: &str| if name.starts_with('b') { 0.25 } else { 1.0 };
        let mut adam = Adam::new(parameters.clone(), 0.1).unwrap();
        adam = adam.with_lr_factors(factor).with_clip_norm(1.0);
        if is_decoupled {
            adam = adam.decoupled();
        }
        if is_flat {
            adam = adam.flat();
        }
        Self { parameters, adam }
    }

    fn gradients(&self, step: usize) -> GradStore {
        let weighted = self.parameters.iter().enumerate().map(|(i, (_, var))| {
            let weights = numbers(var.dims(), 100 * step + i);
            (var.as_tensor() * weights).unwrap().sum_all().unwrap()
        });
        let sum = Tensor::stack(&weighted.collect::<Vec<_>>(), 0).unwrap();
        sum.sum_all().unwrap().backward().unwrap()
    }

    /// Two steps on `b` and `c`, then from the start on all.
    fn steps(&mut self, steps: std::ops::Range<usize>) {
        for step in steps {
            if step == 0 {
                self.adam.train_only(|name| !name.starts_with('a'));
            }
            if step == 2 {
                self.adam.train_only(|_| true);
                self.adam.reset().unwrap();
            }
            self.adam.step(&self.gradients(step), 0.01).unwrap();
        }
    }

    /// All numbers, those of parameters and of moments.
    fn numbers(&self) -> Vec<f32> {
        let parameters = self
            .parameters
            .iter()
            .map(|(_, var)| var.as_detached_tensor());
        let moments = self.adam.state().into_values();
        let numbers = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        parameters.chain(moments).flat_map(numbers).collect()
    }
}

#[test]
fn flat_steps_are_those_of_each_parameter() {
    for is_decoupled in [false, true] {
        for n_steps in [1, 2, 5] {
            let [mut each, mut flat] = [false, true].map(|flat| Training::new(flat, is_decoupled));
            let before = flat.numbers();
            each.steps(0..n_steps);
            flat.steps(0..n_steps);
            let (expected, found) = (each.numbers(), flat.numbers());
            for ((expected, found), before) in expected.iter().zip(&found).zip(&before) {
                let tolerance = 1e-6 * expected.abs().max(1e-2);
                assert!(
                    (expected - found).abs() <= tolerance,
                    "{found} for {expected}"
                );
                // Frozen parameters and their moments keep their bits.
                let is_frozen = expected.to_bits() == before.to_bits();
                assert!(!is_frozen || found.to_bits() == before.to_bits());
            }
        }
    }
}

#[test]
fn a_resumed_training_is_that_without_interruption_to_the_bit() {
    for is_decoupled in [false, true] {
        for k in 1..5 {
            let mut whole = Training::new(true, is_decoupled);
            whole.steps(0..6);
            let mut begun = Training::new(true, is_decoupled);
            begun.steps(0..k);
            let mut resumed = Training::new(true, is_decoupled);
            for ((_, to), (_, from)) in resumed.parameters.iter().zip(&begun.parameters) {
                to.set(&from.as_detached_tensor()).unwrap();
            }
            if k < 2 {
                resumed.adam.train_only(|name| !name.starts_with('a'));
            }
            let state = begun.adam.state();
            resumed.adam.set_state(&state, begun.adam.steps()).unwrap();
            // The state is a copy for the resumed training.
            begun.steps(k..k + 1);
            resumed.steps(k..6);
            let bits = |training: &Training| -> Vec<u32> {
                training.numbers().into_iter().map(f32::to_bits).collect()
            };
            assert_eq!(bits(&resumed), bits(&whole));
        }
    }
}
