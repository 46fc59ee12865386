//! The network's word on pictures, without augmentation.

use model::{Mode, Network};

use crate::batches::{Pictures, View, for_each_batch};
use crate::pending::Pending;
use crate::{Outputs, TrainError};

/// Number of images that are evaluated at once.
pub const EVALUATION_BATCH_SIZE: usize = 32;

/// Notes in `outputs` what the network says of `images` in eval mode. `done` hears how many pictures were added.
///
/// # Errors
/// A picture cannot be read, or the device fails.
pub fn evaluate(
    network: &Network,
    pictures: &dyn Pictures,
    images: &[usize],
    outputs: &mut Outputs,
    mut done: impl FnMut(usize),
) -> Result<(), TrainError> {
    let mut pending = Pending::on(network.device());
    for_each_batch(
        pictures,
        images,
        View::Plain,
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
