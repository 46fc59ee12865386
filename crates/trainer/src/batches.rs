//! The order of pictures, and batches of them prepared one ahead of the network.

use std::sync::mpsc::sync_channel;
use std::thread;

use candle_core::{Device, Tensor};
use rand::Rng;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use crate::TrainError;

/// How a picture is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// As it is in the training pass of an epoch: changed at random, differently in each.
    Augmented {
        /// From 0.
        epoch: usize,
    },
    /// As it is: the center of the picture.
    Plain,
}

/// Where the values of a picture come from.
///
/// Called from several threads at once; what it writes depends on the picture and the view alone.
pub trait Pictures: Sync {
    /// Height and width of a prepared picture, in pixels.
    fn side_px(&self) -> usize;

    /// Writes picture `image` as `side_px · side_px · 3` normalized values in the order height, width, color.
    /// `buffer` is room to decode into, reused from picture to picture.
    ///
    /// # Errors
    /// The picture cannot be read.
    fn prepare(
        &self,
        image: usize,
        view: View,
        buffer: &mut Vec<u8>,
        values: &mut [f32],
    ) -> Result<(), TrainError>;
}

/// Some pictures as the network takes them.
pub struct Batch<'a> {
    /// Which pictures, `B` of them.
    pub images: &'a [usize],
    /// Their values, `[B, side, side, 3]`.
    pub values: Tensor,
}

/// The same pictures in a random order.
pub fn shuffled(images: &[usize], rng: &mut impl Rng) -> Vec<usize> {
    let mut order = images.to_vec();
    order.shuffle(rng);
    order
}

/// Calls `consume` with `order` in batches of `batch_size`, the last one shorter if need be.
///
/// While a batch is consumed, the next one is prepared in the background on rayon's threads.
///
/// # Errors
/// What `pictures` or `consume` return; nothing further is prepared then.
pub fn for_each_batch(
    pictures: &dyn Pictures,
    order: &[usize],
    view: View,
    batch_size: usize,
    device: &Device,
    mut consume: impl FnMut(Batch<'_>) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let side = pictures.side_px();
    // No room in the channel: the batch that waits to be taken is the one ahead.
    let (sender, receiver) = sync_channel(0);
    thread::scope(|scope| {
        scope.spawn(move || {
            for images in order.chunks(batch_size) {
                // The consumer hangs up when it fails.
                if sender
                    .send((images, prepare(pictures, images, view)))
                    .is_err()
                {
                    break;
                }
            }
        });
        for (images, values) in receiver {
            let values = Tensor::from_vec(values?, (images.len(), side, side, 3), device)?;
            consume(Batch { images, values })?;
        }
        Ok(())
    })
}

fn prepare(pictures: &dyn Pictures, images: &[usize], view: View) -> Result<Vec<f32>, TrainError> {
    let size = pictures.side_px().pow(2) * 3;
    let mut values = vec![0.0; images.len() * size];
    values
        .par_chunks_mut(size)
        .zip(images)
        .try_for_each_init(Vec::new, |buffer, (values, &image)| {
            pictures.prepare(image, view, buffer, values)
        })?;
    Ok(values)
}
