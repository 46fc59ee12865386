//! Time and results of one operation on one side.

use std::time::{Duration, Instant};

use candle_core::{Tensor, Var};
use kernels::{Backend, Operations, Tape};
use serde::Serialize;
use trainer::TrainError;

use crate::fixture;
use crate::named::Named;
use crate::operation::{Argument, Operation};
use crate::side::{Layout, Side};

/// Repeats of an operation whose median counts.
pub const REPEATS: usize = 5;

/// No repeat begins after this time.
const LIMIT: Duration = Duration::from_secs(2);

/// Times of an operation, in milliseconds: medians of `repeats` runs after a first one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Times {
    /// Forward pass, or the whole of an update in place.
    pub forward_ms: f64,
    /// Backward pass from a gradient of the output; none of an update.
    pub backward_ms: Option<f64>,
    /// Number of runs.
    pub repeats: usize,
}

/// Times and results of an operation on a side.
#[derive(Clone)]
pub(crate) struct Measurement {
    pub(crate) times: Times,
    /// Outputs, then gradients.
    pub(crate) results: Vec<Named>,
}

/// Measures `operation` on `side`. The results are those of the first run.
///
/// # Errors
/// The device fails.
pub(crate) fn measure(operation: &Operation, side: &Side) -> Result<Measurement, TrainError> {
    let workload = Workload::new(operation, side)?;
    let results = workload.results()?;
    let samples = repeated(REPEATS, LIMIT, || workload.run())?;
    let forward: Vec<f64> = samples.iter().map(|sample| sample.forward_ms).collect();
    let backward = samples.iter().filter_map(|sample| sample.backward_ms);
    let backward: Vec<f64> = backward.collect();
    Ok(Measurement {
        times: Times {
            forward_ms: median(forward),
            backward_ms: (!backward.is_empty()).then(|| median(backward)),
            repeats: samples.len(),
        },
        results,
    })
}

/// Results of up to `most` calls of `run`, none of which begins after `limit`; of one at least.
pub(crate) fn repeated<T, E>(
    most: usize,
    limit: Duration,
    mut run: impl FnMut() -> Result<T, E>,
) -> Result<Vec<T>, E> {
    let started = Instant::now();
    let mut samples = vec![run()?];
    while samples.len() < most && started.elapsed() < limit {
        samples.push(run()?);
    }
    Ok(samples)
}

/// The median; of an even count, the mean of the middle two.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ if values.is_empty() => f64::NAN,
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// Milliseconds of `work`, with all that the device has yet to do.
pub(crate) fn timed<T, E: From<candle_core::Error>>(
    side: &Side,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<(f64, T), E> {
    side.device.synchronize()?;
    let started = Instant::now();
    let done = work()?;
    side.device.synchronize()?;
    Ok((started.elapsed().as_secs_f64() * 1e3, done))
}

/// Milliseconds of one run.
struct Sample {
    forward_ms: f64,
    backward_ms: Option<f64>,
}

/// An operation with its arguments on a side.
struct Workload<'a> {
    operation: &'a Operation,
    side: &'a Side,
    arguments: Vec<Argument>,
    tensors: Vec<Tensor>,
    /// Gradient of the first output, from which the backward pass starts.
    gradient: Option<Tensor>,
}

impl<'a> Workload<'a> {
    fn new(operation: &'a Operation, side: &'a Side) -> Result<Self, TrainError> {
        let arguments = operation.arguments();
        let mut tensors = Vec::new();
        for (seed, argument) in (1_u32..).zip(&arguments) {
            let numbers = argument.numbers(f64::from(seed));
            let tensor = side.place(numbers, &argument.shape, argument.layout)?;
            tensors.push(match argument.has_gradient {
                true => Var::from_tensor(&tensor)?.into_inner(),
                false => tensor,
            });
        }
        let mut workload = Self {
            operation,
            side,
            arguments,
            tensors,
            gradient: None,
        };
        if !operation.is_update() {
            workload.gradient = Some(workload.gradient_of_output()?);
        }
        Ok(workload)
    }

    fn gradient_of_output(&self) -> Result<Tensor, TrainError> {
        let output = &self.forward()?.outputs[0].1;
        let layout = Layout::of_output(output);
        let shape = self.side.shape(output, layout);
        let numbers = fixture::numbers(shape.iter().product(), 9.0);
        Ok(self.side.place(numbers, &shape, layout)?)
    }

    /// The arguments as variables that an update changes: those of the tensors themselves.
    fn variables(&self) -> Result<Vec<Var>, TrainError> {
        let variables = self.tensors.iter().map(Var::from_tensor);
        Ok(variables.collect::<Result<_, _>>()?)
    }

    fn run(&self) -> Result<Sample, TrainError> {
        let Some(gradient) = &self.gradient else {
            let variables = self.variables()?;
            let (forward_ms, ()) = timed(self.side, || {
                self.operation.update(&variables).map_err(TrainError::from)
            })?;
            return Ok(Sample {
                forward_ms,
                backward_ms: None,
            });
        };
        let (forward_ms, pass) = timed(self.side, || self.forward())?;
        let backward = pass.backward(gradient)?;
        let (backward_ms, _) = timed(self.side, || backward.gradients(&self.tensors))?;
        Ok(Sample {
            forward_ms,
            backward_ms: Some(backward_ms),
        })
    }

    /// Outputs and gradients, or the arguments after one update, on the host.
    fn results(&self) -> Result<Vec<Named>, TrainError> {
        let mut results = Vec::new();
        let Some(gradient) = &self.gradient else {
            self.operation.update(&self.variables()?)?;
            for (argument, tensor) in self.arguments.iter().zip(&self.tensors) {
                let values = self.side.host(tensor, argument.layout)?;
                results.push((argument.name.to_owned(), values));
            }
            return Ok(results);
        };
        let pass = self.forward()?;
        for (name, tensor) in &pass.outputs {
            let values = self.side.host(tensor, Layout::of_output(tensor))?;
            results.push(((*name).to_owned(), values));
        }
        let gradients = pass.backward(gradient)?.gradients(&self.tensors)?;
        for (argument, gradient) in self.arguments.iter().zip(gradients) {
            if argument.has_gradient {
                let name = format!("gradient of {}", argument.name);
                let gradient = gradient.ok_or_else(|| TrainError::NoGradient(name.clone()))?;
                results.push((name, self.side.host(&gradient, argument.layout)?));
            }
        }
        Ok(results)
    }

    /// A forward pass as in training: the kernels of the ResNet are recorded on a tape.
    fn forward(&self) -> Result<Pass, TrainError> {
        let backend = self.side.backend;
        let has_tape = backend == Backend::Cpu && self.operation.is_of_resnet();
        let tape = has_tape.then(Tape::new);
        let operations: &dyn Operations = match &tape {
            Some(tape) => tape,
            None => &backend,
        };
        let outputs = self.operation.apply(operations, &self.tensors)?;
        Ok(Pass { outputs, tape })
    }
}

/// A forward pass.
struct Pass {
    outputs: Vec<(&'static str, Tensor)>,
    tape: Option<Tape>,
}

impl Pass {
    /// The backward pass, given the gradient of the first output.
    fn backward(self, gradient: &Tensor) -> candle_core::Result<Backward> {
        let output = &self.outputs[0].1;
        Ok(match self.tape {
            Some(tape) => Backward::Tape {
                tape,
                output: output.clone(),
                gradient: gradient.clone(),
            },
            // candle starts from ones, whose product with the gradient is the gradient.
            None => Backward::Autograd {
                product: (output * gradient)?,
            },
        })
    }
}

/// A backward pass yet to run.
enum Backward {
    /// Over the tape.
    Tape {
        tape: Tape,
        output: Tensor,
        gradient: Tensor,
    },
    /// By candle's autograd.
    Autograd {
        /// The output times its gradient.
        product: Tensor,
    },
}

impl Backward {
    /// The gradient of each tensor that has one.
    fn gradients(self, of: &[Tensor]) -> Result<Vec<Option<Tensor>>, TrainError> {
        match self {
            Self::Tape {
                tape,
                output,
                gradient,
            } => {
                let mut found = vec![None; of.len()];
                for gradient in tape.backward(&output, &gradient)? {
                    let (id, gradient) = gradient?;
                    if let Some(at) = of.iter().position(|tensor| tensor.id() == id) {
                        found[at] = Some(gradient);
                    }
                }
                Ok(found)
            }
            Self::Autograd { product } => {
                let mut gradients = product.backward()?;
                Ok(of.iter().map(|tensor| gradients.remove(tensor)).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_repeats() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
        let once = repeated(5, Duration::ZERO, || Ok::<_, TrainError>(1)).unwrap();
        assert_eq!(once, [1]);
        let all = repeated(3, Duration::from_secs(60), || Ok::<_, TrainError>(1)).unwrap();
        assert_eq!(all, [1, 1, 1]);
    }
}
