//! Updates in place: Adam and interpolation.

use approx::assert_abs_diff_eq;
use candle_core::{DType, Device, Result, Tensor, Var};

use super::{distance, numbers, variable};
use crate::{AdamStep, WeightDecay, adam::reference_step, adam_step, lerp, lerp::reference_lerp};

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
fn wrong_shapes_of_an_update_are_errors_that_state_both() -> Result<()> {
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
