//! Evaluation: outputs of the network for images, without augmentation.

use images::View;
use model::{Mode, Network};

use crate::batches::{ImageSource, Transform, for_each_batch};
use crate::pending_steps::PendingSteps;
use crate::{Outputs, TrainError};

/// Number of images in a batch of an evaluation.
pub const EVALUATION_BATCH_SIZE: usize = 32;

/// Sets `outputs` of `images` to those of the network in eval mode: the means of logits and embeddings over the views of
/// `source`. `done` receives the size of each finished batch of the last view.
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
    let views = source.views();
    let mut sums: Option<Outputs> = None;
    for (number, &view) in (1..).zip(views) {
        let is_last = number == views.len();
        evaluate_view(network, source, view, images, outputs, |n| {
            if is_last {
                done(n);
            }
        })?;
        match &mut sums {
            Some(sums) => sums.add(images, outputs),
            None if !is_last => sums = Some(outputs.clone()),
            None => {}
        }
    }
    if let Some(sums) = sums {
        outputs.set_means(images, &sums, views.len());
    }
    Ok(())
}

fn evaluate_view(
    network: &Network,
    source: &dyn ImageSource,
    view: View,
    images: &[usize],
    outputs: &mut Outputs,
    mut done: impl FnMut(usize),
) -> Result<(), TrainError> {
    let mut pending = PendingSteps::for_device(network.device());
    for_each_batch(
        source,
        images,
        Transform::View(view),
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
