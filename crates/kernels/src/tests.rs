//! The operations and their gradients: each backend against the other, and against values computed by hand.

mod nan;
mod tape;
mod updates;

use approx::assert_abs_diff_eq;
use candle_core::{DType, Device, Result, Tensor, TensorId, Var};

use crate::{Backend, ConstantConvolution, Normalization, Operations, Tape, relu};

/// Reproducible numbers spread over `[−1, 1]`.
fn numbers(shape: &[usize], seed: f64) -> Result<Tensor> {
    let len = u32::try_from(shape.iter().product::<usize>()).map_err(candle_core::Error::wrap)?;
    let angles = (Tensor::arange(0, len, &Device::Cpu)?.to_dtype(DType::F64)?
        * (1.7 + 0.37 * seed))?
        .sqr()?;
    ((angles + seed)?.sin()? * (0.7 + 0.3 * seed.cos()))?
        .to_dtype(DType::F32)?
        .reshape(shape)
}

fn variable(shape: &[usize], seed: f64) -> Result<Var> {
    Var::from_tensor(&numbers(shape, seed)?)
}

fn distance(a: &Tensor, b: &Tensor) -> Result<f64> {
    assert_eq!(a.shape(), b.shape());
    let norm = |t: Tensor| t.sqr()?.sum_all()?.to_dtype(DType::F64)?.to_scalar::<f64>();
    Ok((norm((a - b)?)? / norm(b.clone())?.max(1e-30)).sqrt())
}

/// Activations `[B, C, H, W]` as `[B, H, W, C]`.
fn channels_last(x: &Tensor) -> Result<Tensor> {
    x.permute((0, 2, 3, 1))?.contiguous()
}

/// The output of `f` and the gradients of a weighted sum of it, in which each element has another weight; weights follow
/// `[B, C, H, W]`.
fn gradients(
    backend: Backend,
    f: impl FnOnce(&dyn Operations) -> Result<Tensor>,
) -> Result<(Tensor, Gradients)> {
    gradients_by(backend, f, |y| match (backend, y.dims()) {
        (Backend::Cpu, &[b, h, w, c]) => channels_last(&numbers(&[b, c, h, w], 9.0)?),
        (_, dims) => numbers(dims, 9.0),
    })
}

/// The output of `f` and the gradients of its sum by the `weights`: on CPU from a tape, on the reference backend from
/// candle's autograd.
fn gradients_by(
    backend: Backend,
    f: impl FnOnce(&dyn Operations) -> Result<Tensor>,
    weights: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<(Tensor, Gradients)> {
    match backend {
        Backend::Cpu => {
            let tape = Tape::new();
            let y = f(&tape)?;
            let gradients = Gradients::of_tape(tape, &y, &weights(&y)?)?;
            Ok((y, gradients))
        }
        Backend::Reference => {
            let y = f(&backend)?;
            let gradients = Gradients::of_candle(&(&y * weights(&y)?)?.sum_all()?)?;
            Ok((y, gradients))
        }
    }
}

/// Gradients of variables; with candle, also of all between.
struct Gradients(Vec<(TensorId, Tensor)>);

impl Gradients {
    fn of_tape(tape: Tape, y: &Tensor, gradient: &Tensor) -> Result<Self> {
        Ok(Self(tape.backward(y, gradient)?.collect::<Result<_>>()?))
    }

    fn of_candle(y: &Tensor) -> Result<Self> {
        let gradients = y.backward()?;
        let ids = gradients.get_ids();
        let pairs = ids.map(|&id| (id, gradients.get_id(id).unwrap().clone()));
        Ok(Self(pairs.collect()))
    }

    fn get(&self, of: &Tensor) -> Option<&Tensor> {
        let found = self.0.iter().find(|(id, _)| *id == of.id());
        found.map(|(_, gradient)| gradient)
    }
}

/// Runs `f` on both backends with the same variables, the first of which are activations `[B, C, H, W]`, and
/// compares the values and all gradients.
fn compare(
    variables: &[&Var],
    n_activations: usize,
    tolerance: f64,
    f: impl Fn(&dyn Operations, &[Tensor]) -> Result<Tensor>,
) -> Result<()> {
    let tensors = |variables: &[Var]| -> Vec<Tensor> {
        { variables.iter() }
            .map(|it| it.as_tensor().clone())
            .collect()
    };
    let reference: Vec<Var> = variables.iter().map(|&variable| variable.clone()).collect();
    let permuted = variables
        .iter()
        .enumerate()
        .map(|(i, &variable)| match i < n_activations {
            true => Var::from_tensor(&channels_last(variable)?),
            false => Ok(variable.clone()),
        });
    let cpu: Vec<Var> = permuted.collect::<Result<_>>()?;
    let (expected, on_reference) = gradients(Backend::Reference, |o| f(o, &tensors(&reference)))?;
    let (found, on_cpu) = gradients(Backend::Cpu, |o| f(o, &tensors(&cpu)))?;
    let channels_first = |x: &Tensor| match x.rank() {
        4 => x.permute((0, 3, 1, 2)),
        _ => Ok(x.clone()),
    };
    let error = distance(&channels_first(&found)?, &expected)?;
    assert!(error < tolerance, "values differ by {error:.1e}");
    for (i, (cpu, reference)) in cpu.iter().zip(&reference).enumerate() {
        let mut found = on_cpu.get(cpu).unwrap().clone();
        if i < n_activations {
            found = channels_first(&found)?;
        }
        let error = distance(&found, on_reference.get(reference).unwrap())?;
        assert!(
            error < tolerance,
            "gradients of argument {i} differ by {error:.1e}"
        );
    }
    Ok(())
}

#[test]
fn convolutions_agree() -> Result<()> {
    for (batch, channels, outputs, side, kernel, stride) in [
        (3, 4, 5, 12, 3, 1),
        (2, 3, 6, 17, 7, 2),
        (3, 4, 5, 7, 3, 2),
        (2, 16, 32, 23, 3, 1),
        (2, 8, 8, 9, 1, 2),
        (1, 6, 4, 5, 1, 1),
    ] {
        let x = variable(&[batch, channels, side, side + 2], 1.0)?;
        let weight = variable(&[outputs, channels, kernel, kernel], 2.0)?;
        compare(&[&x, &weight], 1, 2e-5, |operations, arguments| {
            operations.conv2d(&arguments[0], &arguments[1], stride, kernel / 2)
        })?;
    }
    Ok(())
}

#[test]
fn convolution_of_constant_images_has_no_gradient_of_them() -> Result<()> {
    for backend in [Backend::Cpu, Backend::Reference] {
        let x = backend.images(&numbers(&[2, 6, 6, 3], 1.0)?)?;
        let weight = variable(&[4, 3, 3, 3], 2.0)?;
        let (_, gradients) = gradients(backend, |o| o.conv2d(&x, &weight, 1, 1))?;
        assert!(gradients.get(&x).is_none() && gradients.get(&weight).is_some());
    }
    Ok(())
}

#[test]
fn batch_norms_agree() -> Result<()> {
    let (x, residual) = (variable(&[3, 6, 5, 4], 1.0)?, variable(&[3, 6, 5, 4], 2.0)?);
    let (gamma, beta) = (variable(&[6], 3.0)?, variable(&[6], 4.0)?);
    let (mean, variance) = (numbers(&[6], 5.0)?, (numbers(&[6], 6.0)?.sqr()? + 0.1)?);
    let norm = Normalization {
        gamma: &gamma,
        beta: &beta,
        mean: &mean,
        variance: &variance,
        epsilon: 1e-5,
    };
    for with_relu in [true, false] {
        compare(&[&x, &gamma, &beta], 1, 2e-5, |operations, a| {
            Ok(operations
                .batch_norm_train(&a[0], &a[1], &a[2], 1e-5, None, with_relu)?
                .0)
        })?;
        compare(&[&x, &residual, &gamma, &beta], 2, 2e-5, |operations, a| {
            Ok(operations
                .batch_norm_train(&a[0], &a[2], &a[3], 1e-5, Some(&a[1]), with_relu)?
                .0)
        })?;
        compare(&[&x, &residual, &gamma, &beta], 2, 2e-5, |operations, a| {
            let (gamma, beta) = (&a[2], &a[3]);
            let norm = Normalization {
                gamma,
                beta,
                ..norm
            };
            operations.batch_norm_eval(&a[0], &norm, Some(&a[1]), with_relu)
        })?;
        compare(&[&x, &gamma, &beta], 1, 2e-5, |operations, a| {
            let (gamma, beta) = (&a[1], &a[2]);
            let norm = Normalization {
                gamma,
                beta,
                ..norm
            };
            operations.batch_norm_eval(&a[0], &norm, None, with_relu)
        })?;
    }
    Ok(())
}

/// `conv2d_batch_norm_eval` of constants and of variables.
#[test]
fn convolution_and_batch_norm_at_once_are_those_one_by_one() -> Result<()> {
    let channels = |seed| numbers(&[32], seed);
    let (gamma, beta, mean) = (channels(3.0)?, channels(4.0)?, channels(5.0)?);
    let variance = (channels(6.0)?.sqr()? + 0.1)?;
    let norm = Normalization {
        gamma: &gamma,
        beta: &beta,
        mean: &mean,
        variance: &variance,
        epsilon: 1e-5,
    };
    for backend in [Backend::Cpu, Backend::Reference] {
        let layout = |x: Tensor| match backend {
            Backend::Cpu => channels_last(&x),
            Backend::Reference => Ok(x),
        };
        let x = layout(numbers(&[2, 16, 9, 8], 1.0)?)?;
        let weight = numbers(&[32, 16, 3, 3], 2.0)?;
        let residual = layout(numbers(&[2, 32, 9, 8], 7.0)?)?;
        for (residual, relu) in [
            (None, true),
            (Some(&residual), true),
            (Some(&residual), false),
        ] {
            let y = backend.conv2d(&x, &weight, 1, 1)?;
            let expected = backend.batch_norm_eval(&y, &norm, residual, relu)?;
            let found = backend.conv2d_batch_norm_eval(&x, &weight, 1, 1, &norm, residual, relu)?;
            assert!(!found.track_op(), "{backend:?}");
            assert_eq!(values(&found)?, values(&expected)?, "{backend:?}");
            let input = Var::from_tensor(&x)?;
            let (found, gradients) = gradients(backend, |o| {
                o.conv2d_batch_norm_eval(&input, &weight, 1, 1, &norm, residual, relu)
            })?;
            assert_eq!(values(&found)?, values(&expected)?, "{backend:?}");
            assert!(gradients.get(&input).is_some(), "{backend:?}");
        }
        let other = numbers(&[2, 3, 9, 8], 7.0)?;
        let found = backend.conv2d_batch_norm_eval(&x, &weight, 1, 1, &norm, Some(&other), true);
        let message = found.unwrap_err().to_string();
        assert!(message.contains("[2, 3, 9, 8]"), "{message}");
    }
    Ok(())
}

#[test]
fn batch_statistics_are_those_of_pytorch() -> Result<()> {
    // Values 1, 2, 3, 6: mean 3, squared deviations 4 + 1 + 0 + 9 = 14, unbiased variance 14/3.
    for (backend, shape) in [
        (Backend::Cpu, [2, 2, 1, 1]),
        (Backend::Reference, [2, 1, 2, 1]),
    ] {
        let x = Tensor::new(&[1_f32, 2.0, 3.0, 6.0], &Device::Cpu)?.reshape(&shape)?;
        let (one, zero) = (
            Tensor::ones(1, DType::F32, &Device::Cpu)?,
            Tensor::zeros(1, DType::F32, &Device::Cpu)?,
        );
        let (_, statistics) = backend.batch_norm_train(&x, &one, &zero, 1e-5, None, false)?;
        assert_abs_diff_eq!(statistics.mean.to_vec1::<f32>()?[0], 3.0, epsilon = 1e-6);
        assert_abs_diff_eq!(
            statistics.variance.to_vec1::<f32>()?[0],
            14.0 / 3.0,
            epsilon = 1e-6
        );
    }
    Ok(())
}

#[test]
fn max_pools_agree() -> Result<()> {
    for [height, width] in [[1, 1], [1, 6], [4, 4], [7, 5], [8, 9]] {
        // Rounded, so that there are ties.
        let values = (numbers(&[2, 3, height, width], 1.0)? * 3.0)?.round()?;
        let x = Var::from_tensor(&values)?;
        compare(&[&x], 1, 1e-7, |operations, a| operations.max_pool(&a[0]))?;
    }
    Ok(())
}

#[test]
fn average_pools_agree() -> Result<()> {
    let x = variable(&[2, 3, 4, 5], 1.0)?;
    compare(&[&x], 1, 1e-6, |operations, a| {
        operations.average_pool(&a[0])
    })?;
    // Each pixel has an equal share of the gradient: (∂/∂x) Σ mean² / 2 = mean / 20.
    let x = Var::from_tensor(&channels_last(&x)?)?;
    let tape = Tape::new();
    let means = tape.average_pool(&x)?;
    assert_eq!(means.dims(), [2, 3]);
    let gradients = Gradients::of_tape(tape, &means, &means)?;
    let expected = (means.reshape((2, 1, 1, 3))? / 20.0)?.broadcast_as(x.shape())?;
    assert!(distance(gradients.get(&x).unwrap(), &expected.contiguous()?)? < 1e-6);
    let empty = Tensor::zeros((2, 0, 5, 3), DType::F32, &Device::Cpu)?;
    for backend in [Backend::Cpu, Backend::Reference] {
        assert!(backend.average_pool(&empty).is_err() && backend.max_pool(&empty).is_err());
    }
    Ok(())
}

#[test]
fn relu_passes_no_gradient_at_zero() -> Result<()> {
    let x = Var::new(&[-1_f32, 0.0, 2.0], &Device::Cpu)?;
    let y = relu(&x)?;
    assert_eq!(y.to_vec1::<f32>()?, [0.0, 0.0, 2.0]);
    assert_eq!(
        y.sum_all()?.backward()?.get(&x).unwrap().to_vec1::<f32>()?,
        [0.0, 0.0, 1.0]
    );
    Ok(())
}

#[test]
fn wrong_shapes_are_errors_that_state_both() -> Result<()> {
    let x = numbers(&[2, 5, 6, 4], 1.0)?;
    let message = |result: Result<Tensor>| result.unwrap_err().to_string();
    let weight = numbers(&[8, 3, 3, 3], 2.0)?;
    for backend in [Backend::Cpu, Backend::Reference] {
        let found = message(backend.conv2d(&x, &weight, 1, 1));
        assert!(
            found.contains('4') && found.contains("[8, 3, 3, 3]"),
            "{found}"
        );
        assert!(
            message(backend.conv2d(&x, &numbers(&[8, 4, 9, 9], 2.0)?, 1, 0))
                .contains("[8, 4, 9, 9]")
        );
        let (gamma, beta) = (numbers(&[3], 1.0)?, numbers(&[3], 1.0)?);
        let found = backend
            .batch_norm_train(&x, &gamma, &beta, 1e-5, None, true)
            .map(|(y, _)| y);
        assert!(message(found).contains("[3]"));
        assert!(backend.max_pool(&gamma).is_err() && backend.average_pool(&gamma).is_err());
        assert!(backend.conv2d(&gamma, &weight, 1, 1).is_err());
    }
    Ok(())
}

/// The numbers of a tensor, with NaN as `None`: NaN differs from itself.
fn values(x: &Tensor) -> Result<Vec<Option<f32>>> {
    let values: Vec<f32> = x.flatten_all()?.to_vec1()?;
    Ok(values
        .into_iter()
        .map(|value| (!value.is_nan()).then_some(value))
        .collect())
}

#[test]
fn a_constant_convolution_states_shapes_that_do_not_fit() -> Result<()> {
    let weight = numbers(&[8, 4, 3, 3], 1.0)?;
    let (four, eight) = (numbers(&[4], 2.0)?, numbers(&[8], 2.0)?.sqr()?);
    let norm = Normalization {
        gamma: &eight,
        beta: &eight,
        mean: &eight,
        variance: &eight,
        epsilon: 1e-5,
    };
    let wrong = Normalization {
        beta: &four,
        ..norm
    };
    let found = ConstantConvolution::new(&weight, 1, 1, &wrong).unwrap_err();
    assert!(found.to_string().contains("[8]"), "{found}");
    let convolution = ConstantConvolution::new(&weight, 1, 1, &norm)?;
    // Not contiguous.
    let x = numbers(&[2, 4, 5, 6], 3.0)?.permute((0, 2, 3, 1))?;
    let found = convolution.forward(&x, None, true)?;
    let expected = Backend::Cpu.conv2d_batch_norm_eval(&x, &weight, 1, 1, &norm, None, true)?;
    assert!(distance(&found, &expected)? < 1e-6);
    let found = convolution.forward(&x, Some(&x), true).unwrap_err();
    assert!(found.to_string().contains("[2, 5, 6, 4]"), "{found}");
    assert!(
        convolution
            .forward(&numbers(&[2, 5, 6, 3], 1.0)?, None, true)
            .is_err()
    );
    Ok(())
}
