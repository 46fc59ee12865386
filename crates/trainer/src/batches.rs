//! The order of pictures, and batches of them prepared one ahead of the network.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::mpsc::sync_channel;
use std::thread;

use candle_core::{Device, Tensor};
use numeric::balanced_draws;
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
        /// How often the picture was looked at before in this pass.
        repeat: usize,
    },
    /// As it is: the center of the picture.
    Plain,
}

impl View {
    /// The first look at a picture in the training pass of `epoch`.
    pub fn augmented(epoch: usize) -> Self {
        Self::Augmented { epoch, repeat: 0 }
    }

    /// The look at a picture that was looked at `repeat` times before.
    fn repeated(self, repeat: usize) -> Self {
        match self {
            Self::Augmented { epoch, .. } => Self::Augmented { epoch, repeat },
            Self::Plain => Self::Plain,
        }
    }
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

/// As many pictures as there are, drawn with replacement so that every class is as likely as any other: first the class,
/// then one of its pictures (PyTorch's `WeightedRandomSampler` with weights 1 over the number of the class's pictures).
///
/// `codes` are the classes of `images`, one for each.
pub fn balanced(images: &[usize], codes: &[u32], rng: &mut impl Rng) -> Vec<usize> {
    let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (&image, &code) in images.iter().zip(codes) {
        classes.entry(code).or_default().push(image);
    }
    let classes: Vec<Vec<usize>> = classes.into_values().collect();
    balanced_draws(&classes, images.len(), rng)
}

/// Number of steps of a training pass over `n_images` images: batches of `batch_size`, the last one shorter if need be.
///
/// A last batch of a single image joins the one before it: batch normalization has no variance over one image that
/// shrinks to one pixel, and a poor estimate of it over one larger image.
pub fn training_steps(n_images: usize, batch_size: usize) -> usize {
    let leaves_one = batch_size > 1 && n_images > batch_size && n_images % batch_size == 1;
    n_images.div_ceil(batch_size) - usize::from(leaves_one)
}

/// Position of each batch of `view` in an order of `n_images` images.
fn ranges(n_images: usize, view: View, batch_size: usize) -> impl Iterator<Item = Range<usize>> {
    let n_batches = match view {
        View::Augmented { .. } => training_steps(n_images, batch_size),
        View::Plain => n_images.div_ceil(batch_size),
    };
    (0..n_batches).map(move |batch| {
        let is_last = batch + 1 == n_batches;
        let end = (batch + 1) * batch_size;
        batch * batch_size..if is_last { n_images } else { end }
    })
}

/// Calls `consume` with `order` in batches of `batch_size`, the last one shorter if need be; in a training pass, as
/// [`training_steps`] has it.
///
/// While a batch is consumed, the next one is prepared in the background on rayon's threads. A picture that `order` names
/// several times is augmented differently each time.
///
/// # Errors
/// What `pictures` or `consume` return; nothing further is prepared then.
pub fn for_each_batch<E: From<TrainError>>(
    pictures: &dyn Pictures,
    order: &[usize],
    view: View,
    batch_size: usize,
    device: &Device,
    mut consume: impl FnMut(Batch<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let side = pictures.side_px();
    let looks: Vec<Look> = looks(order, view).collect();
    // No room in the channel: the batch that waits to be taken is the one ahead.
    let (sender, receiver) = sync_channel(0);
    thread::scope(|scope| {
        scope.spawn(move || {
            for range in ranges(order.len(), view, batch_size) {
                let prepared = prepare(pictures, &looks[range.clone()]);
                // The consumer hangs up when it fails.
                if sender.send((&order[range], prepared)).is_err() {
                    break;
                }
            }
        });
        for (images, values) in receiver {
            let values = Tensor::from_vec(values?, (images.len(), side, side, 3), device);
            let values = values.map_err(TrainError::from)?;
            consume(Batch { images, values })?;
        }
        Ok(())
    })
}

/// A picture and how it is looked at.
struct Look {
    image: usize,
    view: View,
}

fn looks(order: &[usize], view: View) -> impl Iterator<Item = Look> {
    let mut times: BTreeMap<usize, usize> = BTreeMap::new();
    order.iter().map(move |&image| {
        let times = times.entry(image).or_default();
        let view = view.repeated(*times);
        *times += 1;
        Look { image, view }
    })
}

fn prepare(pictures: &dyn Pictures, looks: &[Look]) -> Result<Vec<f32>, TrainError> {
    let size = pictures.side_px().pow(2) * 3;
    let mut values = vec![0.0; looks.len() * size];
    values
        .par_chunks_mut(size)
        .zip(looks)
        .try_for_each_init(Vec::new, |buffer, (values, look)| {
            pictures.prepare(look.image, look.view, buffer, values)
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
                Ok::<_, TrainError>(())
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
    fn last_training_batch_of_one_image_joins_the_one_before() {
        let lengths = |n_images, batch_size| -> Vec<usize> {
            let ranges = ranges(n_images, View::augmented(0), batch_size);
            ranges.map(|range| range.len()).collect()
        };
        assert_eq!(lengths(51, 10), [10, 10, 10, 10, 11]);
        assert_eq!(lengths(9, 8), [9]);
        // Any other remainder stays a batch of its own, and a size of one is kept.
        assert_eq!(lengths(52, 10), [10, 10, 10, 10, 10, 2]);
        assert_eq!(lengths(50, 10), [10; 5]);
        assert_eq!(lengths(3, 1), [1; 3]);
        assert_eq!(lengths(1, 8), [1]);
        assert!(lengths(0, 8).is_empty());
    }

    #[test]
    fn training_batches_cover_every_image_once() {
        for n_images in 0..40 {
            for batch_size in 1..9 {
                let view = View::augmented(0);
                let covered = ranges(n_images, view, batch_size).flatten();
                assert!(covered.eq(0..n_images), "{n_images} by {batch_size}");
                let n_batches = ranges(n_images, view, batch_size).count();
                assert_eq!(n_batches, training_steps(n_images, batch_size));
            }
        }
    }

    #[test]
    fn evaluation_batches_keep_a_remainder_of_one() {
        let lengths = ranges(9, View::Plain, 8).map(|range| range.len());
        assert_eq!(lengths.collect::<Vec<_>>(), [8, 1]);
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
                Err(TrainError::OtherTraining)
            },
        );
        assert!(ended.is_err());
        assert_eq!(calls, 1);
    }

    #[test]
    fn balanced_draws_are_as_likely_of_every_class() {
        // 90 pictures of class 0 and 10 of class 1.
        let images: Vec<usize> = (100..200).collect();
        let codes: Vec<u32> = (0..100).map(|number| u32::from(number >= 90)).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let draws: Vec<usize> = (0..100)
            .flat_map(|_| balanced(&images, &codes, &mut rng))
            .collect();
        assert_eq!(draws.len(), 10_000);
        let rare = draws.iter().filter(|&&image| image >= 190).count();
        // Half of them, give or take four standard deviations.
        assert!((4800..=5200).contains(&rare), "{rare}");
        let first = draws.iter().filter(|&&image| image == 190).count();
        assert!((410..=590).contains(&first), "{first}");
    }

    #[test]
    fn a_repeated_picture_is_looked_at_anew() {
        let repeats = |view| -> Vec<(usize, View)> {
            let looks = looks(&[7, 3, 7, 7, 3], view);
            looks.map(|look| (look.image, look.view)).collect()
        };
        let augmented = |image, repeat| (image, View::Augmented { epoch: 2, repeat });
        assert_eq!(
            repeats(View::augmented(2)),
            [(7, 0), (3, 0), (7, 1), (7, 2), (3, 1)]
                .map(|(image, repeat)| augmented(image, repeat))
        );
        assert_eq!(repeats(View::Plain)[2], (7, View::Plain));
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
