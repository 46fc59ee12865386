//! The network's word on pictures, without augmentation.

use model::{Mode, Network};

use crate::batches::{Pictures, View, for_each_batch};
use crate::pending::Pending;
use crate::{Outputs, TrainError};

/// How many pictures are evaluated at once.
pub(crate) const BATCH_SIZE: usize = 32;

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
        BATCH_SIZE,
        network.device(),
        |batch| {
            let output = network.forward(&batch.values, Mode::Eval)?;
            pending.push(batch.images, &output, None);
            if pending.is_full() {
                pending.take(outputs)?;
            }
            done(batch.images.len());
            Ok(())
        },
    )?;
    pending.take(outputs)?;
    Ok(())
}
