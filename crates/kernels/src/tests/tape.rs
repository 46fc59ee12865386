//! Gradients of the kernels: those of a tape, and none of candle.

use candle_core::{Result, Var};

use super::{Gradients, channels_last, distance, numbers, values, variable};
use crate::{Backend, ConstantConvolution, Normalization, Operations, Tape};

#[test]
fn a_tape_names_an_operation_whose_output_others_used() -> Result<()> {
    let x = variable(&[2, 5, 6, 4], 1.0)?;
    let weight = variable(&[8, 4, 3, 3], 2.0)?;
    let tape = Tape::new();
    let y = tape.conv2d(&x, &weight, 1, 1)?;
    // The squares are candle's, and no output of the tape.
    let found = tape.average_pool(&y.sqr()?);
    let message = found.unwrap_err().to_string();
    assert!(
        message.contains("not on this tape") && message.contains("[2, 5, 6, 8]"),
        "{message}"
    );
    let means = tape.average_pool(&y.sqr()?.detach())?;
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
fn candles_backward_fails_at_the_kernels() -> Result<()> {
    let x = variable(&[2, 5, 6, 4], 1.0)?;
    let weight = variable(&[4, 4, 3, 3], 2.0)?;
    let (four, ones) = (variable(&[4], 3.0)?, numbers(&[4], 4.0)?.ones_like()?);
    let norm = Normalization {
        gamma: &ones,
        beta: &ones,
        mean: &ones,
        variance: &ones,
        epsilon: 1e-5,
    };
    let constant = ConstantConvolution::new(&weight, 1, 1, &norm)?;
    let (image, residual) = (x.as_detached_tensor(), Some(x.as_tensor()));
    let fixed = weight.as_detached_tensor();
    for operations in [&Backend::Cpu as &dyn Operations, &Tape::new()] {
        // One operand of each is a variable.
        for (name, y) in [
            ("conv2d", operations.conv2d(&x, &fixed, 1, 1)?),
            ("conv2d", operations.conv2d(&image, &weight, 1, 1)?),
            (
                "batch-norm",
                operations
                    .batch_norm_train(&image, &ones, &four, 1e-5, None, true)?
                    .0,
            ),
            (
                "batch-norm",
                operations.batch_norm_eval(&image, &norm, residual, true)?,
            ),
            ("max-pool", operations.max_pool(&x)?),
            ("average-pool", operations.average_pool(&x)?),
            ("conv2d", constant.forward(&x, None, true)?),
            ("conv2d", constant.forward(&image, residual, true)?),
        ] {
            // The result is like any other, and other operations follow.
            assert_eq!(values(&y)?.len(), y.elem_count());
            let error = y.sqr()?.sum_all()?.backward().unwrap_err().to_string();
            let expected = format!("no gradient of {name} on CPU");
            assert!(
                error.contains(&expected) && error.contains("Tape"),
                "{error}"
            );
        }
        let y = operations.conv2d_batch_norm_eval(&image, &fixed, 1, 1, &norm, residual, true)?;
        assert!(y.backward().is_err());
        // Without a variable, the results are constants.
        let y = operations.conv2d(&image, &fixed, 1, 1)?;
        assert!(!y.track_op() && !operations.max_pool(&image)?.track_op());
    }
    Ok(())
}

#[test]
fn a_tape_adds_the_gradients_of_a_value_used_twice() -> Result<()> {
    let x = variable(&[2, 4, 6, 32], 1.0)?;
    let weight = variable(&[32, 32, 3, 3], 2.0)?;
    let tape = Tape::new();
    let once = tape.conv2d(&x, &weight, 1, 1)?;
    let twice = tape.conv2d(&once, &weight, 1, 1)?;
    let found = Gradients::of_tape(tape, &twice, &twice)?;
    assert_eq!(found.0.len(), 2);
    let x_first = Var::from_tensor(&x.permute((0, 3, 1, 2))?.contiguous()?)?;
    let once = Backend::Reference.conv2d(&x_first, &weight, 1, 1)?;
    let twice = Backend::Reference.conv2d(&once, &weight, 1, 1)?;
    let expected = Gradients::of_candle(&(twice.sqr()?.sum_all()? * 0.5)?)?;
    let of_x = channels_last(expected.get(&x_first).unwrap())?;
    assert!(distance(found.get(&x).unwrap(), &of_x)? < 1e-6);
    let [found, expected] = [&found, &expected].map(|of| of.get(&weight).unwrap());
    assert!(distance(found, expected)? < 1e-6);
    Ok(())
}
