//! The operations under autograd: each backend against the other, and against values computed by hand.

use approx::assert_abs_diff_eq;
use candle_core::{DType, Device, Result, Tensor, Var, backprop::GradStore};

use crate::{
    AdamStep, Backend, ConstantConvolution, Normalization, Tape, WeightDecay, adam::reference_step,
    adam_step, lerp, lerp::reference_lerp, relu,
};

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

/// Gradients of a weighted sum of `y`, in which each element has another weight; weights follow `[B, C, H, W]`.
fn gradients(y: &Tensor, backend: Backend) -> Result<GradStore> {
    let reference = if backend == Backend::Cpu {
        y.permute((0, 3, 1, 2))?
    } else {
        y.clone()
    };
    (&reference * numbers(reference.dims(), 9.0)?)?
        .sum_all()?
        .backward()
}

/// Runs `f` on both backends with the same variables, the first of which are activations `[B, C, H, W]`, and
/// compares the values and all gradients.
fn compare(
    variables: &[&Var],
    n_activations: usize,
    tolerance: f64,
    f: impl Fn(Backend, &[Tensor]) -> Result<Tensor>,
) -> Result<()> {
    let arguments: Vec<Tensor> = variables.iter().map(|v| v.as_tensor().clone()).collect();
    let reference = f(Backend::Reference, &arguments)?;
    let permuted: Vec<Tensor> = arguments
        .iter()
        .enumerate()
        .map(|(i, t)| {
            if i < n_activations {
                channels_last(t)
            } else {
                Ok(t.clone())
            }
        })
        .collect::<Result<_>>()?;
    let cpu = f(Backend::Cpu, &permuted)?;
    assert!(
        distance(&cpu.permute((0, 3, 1, 2))?, &reference)? < tolerance,
        "values differ"
    );
    let (on_reference, on_cpu) = (
        gradients(&reference, Backend::Reference)?,
        gradients(&cpu, Backend::Cpu)?,
    );
    for (i, variable) in variables.iter().enumerate() {
        let (found, expected) = (
            on_cpu.get(variable).unwrap(),
            on_reference.get(variable).unwrap(),
        );
        let error = distance(found, expected)?;
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
        compare(&[&x, &weight], 1, 2e-5, |backend, arguments| {
            backend.conv2d(&arguments[0], &arguments[1], stride, kernel / 2)
        })?;
    }
    Ok(())
}

#[test]
fn convolution_of_constant_images_has_no_gradient_of_them() -> Result<()> {
    for backend in [Backend::Cpu, Backend::Reference] {
        let x = backend.images(&numbers(&[2, 6, 6, 3], 1.0)?)?;
        let weight = variable(&[4, 3, 3, 3], 2.0)?;
        let y = backend.conv2d(&x, &weight, 1, 1)?;
        let gradients = y.sum_all()?.backward()?;
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
        compare(&[&x, &gamma, &beta], 1, 2e-5, |backend, a| {
            Ok(backend
                .batch_norm_train(&a[0], &a[1], &a[2], 1e-5, None, with_relu)?
                .0)
        })?;
        compare(&[&x, &residual, &gamma, &beta], 2, 2e-5, |backend, a| {
            Ok(backend
                .batch_norm_train(&a[0], &a[2], &a[3], 1e-5, Some(&a[1]), with_relu)?
                .0)
        })?;
        compare(&[&x, &residual, &gamma, &beta], 2, 2e-5, |backend, a| {
            let (gamma, beta) = (&a[2], &a[3]);
            let norm = Normalization {
                gamma,
                beta,
                ..norm
            };
            backend.batch_norm_eval(&a[0], &norm, Some(&a[1]), with_relu)
        })?;
        compare(&[&x, &gamma, &beta], 1, 2e-5, |backend, a| {
            let (gamma, beta) = (&a[1], &a[2]);
            let norm = Normalization {
                gamma,
                beta,
                ..norm
            };
            backend.batch_norm_eval(&a[0], &norm, None, with_relu)
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
            let found =
                backend.conv2d_batch_norm_eval(&input, &weight, 1, 1, &norm, residual, relu)?;
            assert_eq!(values(&found)?, values(&expected)?, "{backend:?}");
            assert!(found.backward()?.get(&input).is_some(), "{backend:?}");
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
        compare(&[&x], 1, 1e-7, |backend, a| backend.max_pool(&a[0]))?;
    }
    Ok(())
}

#[test]
fn average_pools_agree() -> Result<()> {
    let x = numbers(&[2, 3, 4, 5], 1.0)?;
    let reference = Backend::Reference.average_pool(&x)?;
    let cpu = Backend::Cpu.average_pool(&channels_last(&x)?)?;
    assert_eq!(reference.dims(), [2, 3]);
    assert!(distance(&cpu, &reference)? < 1e-6);
    // Each pixel has an equal share of the gradient: (∂/∂x) Σ mean² / 2 = mean / 20.
    let x = Var::from_tensor(&channels_last(&x)?)?;
    let means = Backend::Cpu.average_pool(&x)?;
    let gradients = (means.sqr()?.sum_all()? * 0.5)?.backward()?;
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
fn first_step_of_adam_is_the_learning_rate() -> Result<()> {
    // After bias correction the moments of the first step are g and g², so that it is lr · sign(g).
    let parameter = Var::new(&[1_f32, 2.0], &Device::Cpu)?;
    let moments = || Var::zeros(2, DType::F32, &Device::Cpu);
    let gradient = Tensor::new(&[0.5_f32, -3.0], &Device::Cpu)?;
    let step = AdamStep {
        learning_rate: 0.1,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-12,
        weight_decay: WeightDecay::Penalty(0.0),
        step: 1,
    };
    adam_step(&parameter, &gradient, &moments()?, &moments()?, &step)?;
    let found = parameter.to_vec1::<f32>()?;
    assert_abs_diff_eq!(found[0], 0.9, epsilon = 1e-6);
    assert_abs_diff_eq!(found[1], 2.1, epsilon = 1e-6);
    Ok(())
}

#[test]
fn adam_agrees_with_reference_operations() -> Result<()> {
    compare_adam(WeightDecay::Penalty(0.1))?;
    compare_adam(WeightDecay::Decoupled(0.1))
}

fn compare_adam(weight_decay: WeightDecay) -> Result<()> {
    let shape = [300, 401];
    let start = |seed| variable(&shape, seed);
    let (fused, reference) = (
        [start(1.0)?, start(0.0)?, start(0.0)?],
        [start(1.0)?, start(0.0)?, start(0.0)?],
    );
    for moments in [&fused, &reference] {
        moments[1].set(&Tensor::zeros(&shape[..], DType::F32, &Device::Cpu)?)?;
        moments[2].set(&Tensor::zeros(&shape[..], DType::F32, &Device::Cpu)?)?;
    }
    for i in 1..=3 {
        let gradient = numbers(&shape, 1.0 + f64::from(u8::try_from(i).unwrap()))?;
        let step = AdamStep {
            learning_rate: 1e-2,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay,
            step: i,
        };
        adam_step(&fused[0], &gradient, &fused[1], &fused[2], &step)?;
        reference_step(
            &reference[0],
            &gradient,
            &reference[1],
            &reference[2],
            &step,
        )?;
    }
    for (found, expected) in fused.iter().zip(&reference) {
        assert!(distance(found, expected)? < 1e-6);
    }
    Ok(())
}

#[test]
fn decoupled_decay_leaves_the_moments_alone() -> Result<()> {
    // Without a gradient, the parameter falls by lr · decay of itself: 2 · (1 − 0.1 · 0.5).
    let parameter = Var::new(&[2_f32], &Device::Cpu)?;
    let zeros = || Var::zeros(1, DType::F32, &Device::Cpu);
    let (first, second) = (zeros()?, zeros()?);
    let step = AdamStep {
        learning_rate: 0.1,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: WeightDecay::Decoupled(0.5),
        step: 1,
    };
    adam_step(
        &parameter,
        &Tensor::new(&[0_f32], &Device::Cpu)?,
        &first,
        &second,
        &step,
    )?;
    assert_abs_diff_eq!(parameter.to_vec1::<f32>()?[0], 1.9, epsilon = 1e-6);
    assert_eq!([first.to_vec1::<f32>()?, second.to_vec1()?], [[0.0], [0.0]]);
    Ok(())
}

#[test]
fn interpolation_agrees_with_reference_operations() -> Result<()> {
    let target = numbers(&[300, 401], 2.0)?;
    for weight in [0.0, 0.25, 0.75, 1.0] {
        let [fused, reference] = [variable(&[300, 401], 1.0)?, variable(&[300, 401], 1.0)?];
        let start = fused.copy()?;
        lerp(&fused, &target, weight)?;
        reference_lerp(&reference, &target, weight)?;
        assert!(distance(&fused, &reference)? < 1e-7);
        let expected = ((&start * (1.0 - weight))? + (&target * weight)?)?;
        assert!(distance(&fused, &expected)? < 1e-6);
        // Both ends are exact.
        if [0.0, 1.0].contains(&weight) {
            assert!(distance(&fused, &expected)? <= 0.0);
        }
    }
    let short = variable(&[3], 1.0)?;
    assert!(
        lerp(&short, &target, 0.5)
            .unwrap_err()
            .to_string()
            .contains("[300, 401]")
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
    let parameter = variable(&[3], 1.0)?;
    let step = AdamStep {
        learning_rate: 0.1,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: WeightDecay::Penalty(0.0),
        step: 1,
    };
    let found = adam_step(
        &parameter,
        &numbers(&[4], 1.0)?,
        &parameter,
        &parameter,
        &step,
    )
    .unwrap_err()
    .to_string();
    assert!(found.contains("[3]") && found.contains("[4]"), "{found}");
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
fn relu_keeps_nan_and_passes_its_gradient() -> Result<()> {
    let x = [f32::NAN, -1.0, 0.0, 2.0, f32::INFINITY, f32::NEG_INFINITY];
    let x = Var::new(&x, &Device::Cpu)?;
    let y = relu(&x)?;
    let infinite = Some(f32::INFINITY);
    let [zero, one] = [0.0, 1.0].map(Some);
    assert_eq!(values(&y)?, [None, zero, zero, Some(2.0), infinite, zero]);
    let gradients = y.backward()?;
    let gradient = values(gradients.get(&x).unwrap())?;
    assert_eq!(gradient, [one, zero, zero, one, one, zero]);
    Ok(())
}

#[test]
fn batch_norm_with_relu_keeps_nan() -> Result<()> {
    // One channel, normalized by mean 0 and variance 1.
    let row = |backend: Backend, x: [f32; 4]| {
        let width_dim = if backend == Backend::Cpu { 2 } else { 3 };
        let mut shape = [1; 4];
        shape[width_dim] = 4;
        Tensor::new(&x, &Device::Cpu)?.reshape(&shape[..])
    };
    let channel = |value: f32| Tensor::new(&[value], &Device::Cpu);
    let (zero, one) = (channel(0.0)?, channel(1.0)?);
    let identity = Normalization {
        gamma: &one,
        beta: &zero,
        mean: &zero,
        variance: &one,
        epsilon: 0.0,
    };
    for backend in [Backend::Cpu, Backend::Reference] {
        let x = Var::from_tensor(&row(backend, [f32::NAN, -1.0, 1.0, 2.0])?)?;
        let residual = row(backend, [0.0, 0.0, f32::NAN, 1.0])?;
        for (residual, expected) in [
            (None, [None, Some(0.0), Some(1.0), Some(2.0)]),
            (Some(&residual), [None, Some(0.0), None, Some(3.0)]),
        ] {
            let y = backend.batch_norm_eval(&x, &identity, residual, true)?;
            assert_eq!(values(&y)?, expected, "{backend:?}");
            // As in PyTorch, the gradient is 0 where the output is 0.
            let gradients = y.backward()?;
            let gradient = values(gradients.get(&x).unwrap())?;
            assert_eq!(gradient[1..], [0.0, 1.0, 1.0].map(Some), "{backend:?}");
        }
        // In training, a NaN makes its whole channel NaN.
        let (y, _) = backend.batch_norm_train(&x, &one, &zero, 0.0, None, true)?;
        assert_eq!(values(&y)?, [None; 4], "{backend:?}");
    }
    Ok(())
}

#[test]
fn max_pool_keeps_nan_in_the_windows_over_it() -> Result<()> {
    // Columns 0 to 5 of one row: windows are -1..=1, 1..=3 and 3..=5.
    for (at, expected) in [
        (0, [None, Some(3.0), Some(5.0)]),
        (2, [Some(1.0), None, Some(5.0)]),
        (3, [Some(1.0), None, None]),
    ] {
        let mut row: [f32; 6] = std::array::from_fn(|column| column as f32);
        row[at] = f32::NAN;
        let x = Tensor::new(&row, &Device::Cpu)?;
        for (backend, shape) in [
            (Backend::Cpu, [1, 1, 6, 1]),
            (Backend::Reference, [1, 1, 1, 6]),
        ] {
            let y = backend.max_pool(&x.reshape(&shape[..])?)?;
            assert_eq!(values(&y)?, expected, "{backend:?}, NaN at {at}");
        }
    }
    // An infinite border pixel stays infinite.
    let x = Tensor::new(&[f32::INFINITY, 1.0, 2.0], &Device::Cpu)?.reshape((1, 1, 1, 3))?;
    let y = Backend::Reference.max_pool(&x)?;
    assert_eq!(values(&y)?, [Some(f32::INFINITY), Some(2.0)]);
    Ok(())
}

#[test]
fn a_tape_names_an_operation_whose_output_others_used() -> Result<()> {
    let x = variable(&[2, 5, 6, 4], 1.0)?;
    let weight = variable(&[8, 4, 3, 3], 2.0)?;
    let tape = Tape::new();
    let y = tape.conv2d(&x, &weight, 1, 1)?;
    let means = tape.average_pool(&y.sqr()?)?;
    // The squares are candle's, and no output of the tape.
    let found = tape.backward(&means, &means).map(|_| ());
    let message = found.unwrap_err().to_string();
    assert!(message.contains("of conv2d has no gradient"), "{message}");
    let tape = Tape::new();
    let y = tape.conv2d(&x, &weight, 1, 1)?;
    let found = tape.backward(&y, &means).map(|_| ());
    let message = found.unwrap_err().to_string();
    assert!(
        message.contains("[2, 5, 6, 8]") && message.contains("[2, 8]"),
        "{message}"
    );
    // Without a variable there is nothing to go backward over.
    let tape = Tape::new();
    let y = tape.conv2d(&x.detach(), &weight.detach(), 1, 1)?;
    assert_eq!(tape.backward(&y, &y)?.count(), 0);
    Ok(())
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

#[test]
fn a_tape_adds_the_gradients_of_a_value_used_twice() -> Result<()> {
    let x = variable(&[2, 4, 6, 32], 1.0)?;
    let weight = variable(&[32, 32, 3, 3], 2.0)?;
    let tape = Tape::new();
    let once = tape.conv2d(&x, &weight, 1, 1)?;
    let twice = tape.conv2d(&once, &weight, 1, 1)?;
    let gradients: Vec<_> = tape.backward(&twice, &twice)?.collect::<Result<_>>()?;
    let once = Backend::Cpu.conv2d(&x, &weight, 1, 1)?;
    let twice = Backend::Cpu.conv2d(&once, &weight, 1, 1)?;
    let expected = (twice.sqr()?.sum_all()? * 0.5)?.backward()?;
    assert_eq!(gradients.len(), 2);
    for (id, found) in gradients {
        assert!(distance(&found, expected.get_id(id).unwrap())? < 1e-6);
    }
    Ok(())
}
