//! Evaluation: outputs of the network for images, without augmentation.

use model::{Mode, Network};

use crate::batches::{ImageSource, Transform, for_each_batch};
use crate::pending_steps::PendingSteps;
use crate::{Outputs, TrainError};

/// Number of images in a batch of an evaluation.
pub const EVALUATION_BATCH_SIZE: usize = 32;

/// Sets `outputs` of `images` to those of the network in eval mode. `done` receives the size of each finished batch.
///
/// # Errors
/// An image cannot be read, or the device fails.
pub fn evaluate(
    network: &Network,
    source: &dyn ImageSource,
    images: &[usize],
    outputs: &mut Outputs,
    mut done: impl FnMut(usize),
) -> Result<(), TrainError> {
    let mut pending = PendingSteps::for_device(network.device());
    for_each_batch(
        source,
        images,
        Transform::Plain,
        EVALUATION_BATCH_SIZE,
        network.device(),
        |batch| {
            let output = network.forward(&batch.values, Mode::Eval)?;
            pending.push(batch.images, &output, None);
            if pending.is_full() {
                pending.take(outputs)?;
            }
            done(batch.images.len());
            Ok::<_, TrainError>(())
        },
    )?;
    pending.take(outputs)?;
    Ok(())
}
