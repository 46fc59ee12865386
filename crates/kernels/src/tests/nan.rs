//! NaN as input.

use candle_core::{Device, Result, Tensor, Var};

use super::{gradients_by, values};
use crate::{Backend, Normalization, Operations, relu};

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
            // As in PyTorch, the gradient is 0 where the output is 0.
            let normalize = |o: &dyn Operations| o.batch_norm_eval(&x, &identity, residual, true);
            let (y, gradients) = gradients_by(backend, normalize, Tensor::ones_like)?;
            assert_eq!(values(&y)?, expected, "{backend:?}");
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
