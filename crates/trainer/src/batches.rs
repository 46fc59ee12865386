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

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Pictures of one pixel whose three values are the number of the picture; only the first `n_readable` can be read.
    struct Numbered {
        n_readable: usize,
    }

    impl Pictures for Numbered {
        fn side_px(&self) -> usize {
            1
        }

        fn prepare(
            &self,
            image: usize,
            _: View,
            _: &mut Vec<u8>,
            values: &mut [f32],
        ) -> Result<(), TrainError> {
            if image >= self.n_readable {
                return Err(TrainError::NoPixels(image.to_string()));
            }
            values.fill(image as f32);
            Ok(())
        }
    }

    fn seen(
        order: &[usize],
        batch_size: usize,
        n_readable: usize,
    ) -> Result<Vec<Vec<f32>>, TrainError> {
        let mut seen = Vec::new();
        for_each_batch(
            &Numbered { n_readable },
            order,
            View::Plain,
            batch_size,
            &Device::Cpu,
            |batch| {
                assert_eq!(batch.values.dims(), [batch.images.len(), 1, 1, 3]);
                seen.push(
                    batch
                        .values
                        .flatten_all()?
                        .to_vec1()?
                        .into_iter()
                        .step_by(3)
                        .collect(),
                );
                Ok(())
            },
        )?;
        Ok(seen)
    }

    #[test]
    fn batches_follow_the_order_and_the_last_may_be_short() {
        assert_eq!(
            seen(&[4, 0, 3, 1, 2], 2, 5).unwrap(),
            [vec![4., 0.], vec![3., 1.], vec![2.]]
        );
        assert!(seen(&[], 2, 5).unwrap().is_empty());
    }

    #[test]
    fn a_picture_that_cannot_be_read_ends_the_batches() {
        let error = seen(&[0, 1, 2, 3, 4, 5], 2, 3).unwrap_err();
        assert!(matches!(error, TrainError::NoPixels(image) if image == "3"));
    }

    #[test]
    fn an_error_of_the_consumer_ends_the_batches() {
        let mut calls = 0;
        let order = [0; 100];
        let ended = for_each_batch(
            &Numbered { n_readable: 1 },
            &order,
            View::Plain,
            1,
            &Device::Cpu,
            |_| {
                calls += 1;
                Err(TrainError::NothingToChoose)
            },
        );
        assert!(ended.is_err());
        assert_eq!(calls, 1);
    }

    #[test]
    fn a_shuffle_keeps_every_picture() {
        let images: Vec<usize> = (0..100).collect();
        let mut order = shuffled(&images, &mut ChaCha8Rng::seed_from_u64(1));
        assert_ne!(order, images);
        order.sort_unstable();
        assert_eq!(order, images);
    }
}
