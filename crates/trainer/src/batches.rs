//! The order of images, and batches of them, prepared one ahead of the network.

use std::collections::BTreeMap;
use std::ops::Range;

use candle_core::{Device, Tensor};
use images::View;
use numeric::balanced_draws;
use rand::Rng;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use crate::TrainError;
use crate::mixing::Mixture;

/// Transform of an image to an input of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transform {
    /// Random augmentation in the training pass of an epoch, different in each.
    Augmented {
        /// The epoch, from 0.
        epoch: usize,
        /// Number of earlier samples of the image in this pass.
        repeat: usize,
    },
    /// A view of the image in an evaluation, without augmentation.
    View(View),
}

impl Transform {
    /// The center of the image, without augmentation.
    pub const PLAIN: Self = Self::View(View::CENTER);

    /// The transform of the first sample of an image in the training pass of `epoch`.
    pub fn augmented(epoch: usize) -> Self {
        Self::Augmented { epoch, repeat: 0 }
    }

    /// The transform of a sample after `repeat` earlier ones of the same image.
    fn repeated(self, repeat: usize) -> Self {
        match self {
            Self::Augmented { epoch, .. } => Self::Augmented { epoch, repeat },
            Self::View(view) => Self::View(view),
        }
    }
}

/// A source of the values of images.
///
/// It is called from several threads at once; the values depend on the image and the transform alone.
pub trait ImageSource: Sync {
    /// Height and width of an image prepared by `transform`, in pixels.
    fn side_px(&self, transform: Transform) -> usize;

    /// Views of an image in an evaluation, of whose outputs the mean counts; at least one.
    fn views(&self) -> &[View] {
        &[View::CENTER]
    }

    /// The mixture of the batch of a training step, if batches are mixed.
    fn mixture(&self, _epoch: usize, _step: usize) -> Option<Mixture> {
        None
    }

    /// Writes image number `image` as `side · side · 3` normalized values in the order height, width, color.
    /// `buffer` is memory to decode into, reused from image to image. The consumer's thread may call it, too, while it waits
    /// for others of rayon's.
    ///
    /// # Errors
    /// The image cannot be read.
    fn prepare(
        &self,
        image: usize,
        transform: Transform,
        buffer: &mut Vec<u8>,
        values: &mut [f32],
    ) -> Result<(), TrainError>;
}

/// A batch of images, as inputs of the network.
pub struct Batch<'a> {
    /// Numbers of the `B` images.
    pub images: &'a [usize],
    /// Their values, `[B, side, side, 3]`.
    pub values: Tensor,
    /// The mixture of the values, if they are mixed.
    pub mixture: Option<Mixture>,
}

/// The same images in a random order.
pub fn shuffled(images: &[usize], rng: &mut impl Rng) -> Vec<usize> {
    let mut order = images.to_vec();
    order.shuffle(rng);
    order
}

/// As many images, drawn with replacement with equal probability of every class: first the class, then one of its images
/// (PyTorch's `WeightedRandomSampler` with weights 1 over the number of the class's images).
///
/// `class_indices` has the class of each of `images`.
pub fn balanced(images: &[usize], class_indices: &[u32], rng: &mut impl Rng) -> Vec<usize> {
    let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (&image, &class) in images.iter().zip(class_indices) {
        classes.entry(class).or_default().push(image);
    }
    let classes: Vec<Vec<usize>> = classes.into_values().collect();
    balanced_draws(&classes, images.len(), rng)
}

/// Number of steps of a training pass over `n_images` images: batches of `batch_size`, of which the last may be shorter.
///
/// A last batch of a single image joins the one before it: batch normalization has no variance over one image that
/// shrinks to one pixel, and a poor estimate of it over one larger image.
pub fn training_steps(n_images: usize, batch_size: usize) -> usize {
    let leaves_one = batch_size > 1 && n_images > batch_size && n_images % batch_size == 1;
    n_images.div_ceil(batch_size) - usize::from(leaves_one)
}

/// Position of each batch of a training pass, those of [`training_steps`].
pub(crate) fn training_ranges(
    n_images: usize,
    batch_size: usize,
) -> impl Iterator<Item = Range<usize>> {
    ranges(n_images, batch_size, training_steps(n_images, batch_size))
}

/// Position of each of `n_batches` batches in an order of `n_images` images; the last has the rest.
fn ranges(
    n_images: usize,
    batch_size: usize,
    n_batches: usize,
) -> impl Iterator<Item = Range<usize>> {
    (0..n_batches).map(move |batch| {
        let is_last = batch + 1 == n_batches;
        let end = (batch + 1) * batch_size;
        batch * batch_size..if is_last { n_images } else { end }
    })
}

/// Calls `consume` with `order` in batches of `batch_size`, of which the last may be shorter; in a training pass,
/// those of [`training_steps`].
///
/// While a batch is consumed, the next one is prepared by rayon's threads, of which the consumer's may be one: a GPU has
/// the others meanwhile. An image that occurs several times in `order` is augmented differently each time. Batches of a training pass are mixed if the source has a mixture.
///
/// # Errors
/// Those of `source` and `consume`; no more than the next batch is prepared then.
pub fn for_each_batch<E: From<TrainError>>(
    source: &dyn ImageSource,
    order: &[usize],
    transform: Transform,
    batch_size: usize,
    device: &Device,
    mut consume: impl FnMut(Batch<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let side = source.side_px(transform);
    let samples: Vec<Sample> = samples(order, transform).collect();
    let n_batches = match transform {
        Transform::Augmented { .. } => training_steps(order.len(), batch_size),
        Transform::View(_) => order.len().div_ceil(batch_size),
    };
    let mut batches =
        ranges(order.len(), batch_size, n_batches)
            .enumerate()
            .map(|(step, range)| {
                let mixture = match transform {
                    Transform::Augmented { epoch, .. } => source.mixture(epoch, step),
                    Transform::View(_) => None,
                };
                let values = prepare(source, &samples[range.clone()], side, mixture)?;
                Ok::<_, TrainError>((&order[range], values, mixture))
            });
    let mut next = batches.next();
    while let Some(batch) = next {
        let (images, values, mixture) = batch?;
        let shape = (images.len(), side, side, 3);
        let batch = Batch {
            images,
            values: Tensor::from_vec(values, shape, device).map_err(TrainError::from)?,
            mixture,
        };
        next = None;
        // A task, and no thread that would wait for rayon's threads: this one may be the only one of them.
        rayon::in_place_scope(|scope| {
            scope.spawn(|_| next = batches.next());
            consume(batch)
        })?;
    }
    Ok(())
}

/// An image and its transform.
struct Sample {
    image: usize,
    transform: Transform,
}

fn samples(order: &[usize], transform: Transform) -> impl Iterator<Item = Sample> {
    let mut times: BTreeMap<usize, usize> = BTreeMap::new();
    order.iter().map(move |&image| {
        let times = times.entry(image).or_default();
        let transform = transform.repeated(*times);
        *times += 1;
        Sample { image, transform }
    })
}

fn prepare(
    source: &dyn ImageSource,
    samples: &[Sample],
    side: usize,
    mixture: Option<Mixture>,
) -> Result<Vec<f32>, TrainError> {
    let size = side.pow(2) * 3;
    let mut values = vec![0.0; samples.len() * size];
    values
        .par_chunks_mut(size)
        .zip(samples)
        .try_for_each_init(Vec::new, |buffer, (values, sample)| {
            source.prepare(sample.image, sample.transform, buffer, values)
        })?;
    if let Some(mixture) = mixture {
        mixture.apply(&mut values, side);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Images of one pixel whose three values are the number of the image; only the first `n_readable` can be read.
    struct Numbered {
        n_readable: usize,
    }

    impl ImageSource for Numbered {
        fn side_px(&self, _: Transform) -> usize {
            1
        }

        fn prepare(
            &self,
            image: usize,
            _: Transform,
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

    fn batches(
        order: &[usize],
        batch_size: usize,
        n_readable: usize,
    ) -> Result<Vec<Vec<f32>>, TrainError> {
        let mut batches = Vec::new();
        for_each_batch(
            &Numbered { n_readable },
            order,
            Transform::PLAIN,
            batch_size,
            &Device::Cpu,
            |batch| {
                assert_eq!(batch.values.dims(), [batch.images.len(), 1, 1, 3]);
                batches.push(
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
        Ok(batches)
    }

    #[test]
    fn batches_follow_the_order_and_the_last_may_be_short() {
        assert_eq!(
            batches(&[4, 0, 3, 1, 2], 2, 5).unwrap(),
            [vec![4., 0.], vec![3., 1.], vec![2.]]
        );
        assert!(batches(&[], 2, 5).unwrap().is_empty());
    }

    #[test]
    fn last_training_batch_of_one_image_joins_the_one_before() {
        let lengths = |n_images, batch_size| -> Vec<usize> {
            let ranges = training_ranges(n_images, batch_size);
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
                let covered = training_ranges(n_images, batch_size).flatten();
                assert!(covered.eq(0..n_images), "{n_images} by {batch_size}");
            }
        }
    }

    #[test]
    fn evaluation_batches_keep_a_remainder_of_one() {
        let batches = batches(&[0; 9], 8, 1).unwrap();
        let lengths = batches.iter().map(Vec::len);
        assert_eq!(lengths.collect::<Vec<_>>(), [8, 1]);
    }

    #[test]
    fn an_unreadable_image_ends_the_batches() {
        let error = batches(&[0, 1, 2, 3, 4, 5], 2, 3).unwrap_err();
        assert!(matches!(error, TrainError::NoPixels(image) if image == "3"));
    }

    #[test]
    fn an_error_of_the_consumer_ends_the_batches() {
        let mut calls = 0;
        let order = [0; 100];
        let ended = for_each_batch(
            &Numbered { n_readable: 1 },
            &order,
            Transform::PLAIN,
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
    fn batches_need_no_thread_besides_the_consumer() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let batches = pool.unwrap().install(|| batches(&[3, 0, 2], 1, 4));
        assert_eq!(batches.unwrap(), [vec![3.], vec![0.], vec![2.]]);
    }

    #[test]
    fn balanced_draws_have_equal_probability_of_every_class() {
        // 90 images of class 0 and 10 of class 1.
        let images: Vec<usize> = (100..200).collect();
        let class_indices: Vec<u32> = (0..100).map(|number| u32::from(number >= 90)).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let draws: Vec<usize> = (0..100)
            .flat_map(|_| balanced(&images, &class_indices, &mut rng))
            .collect();
        assert_eq!(draws.len(), 10_000);
        let rare = draws.iter().filter(|&&image| image >= 190).count();
        // Half of them, ± four standard deviations.
        assert!((4800..=5200).contains(&rare), "{rare}");
        let first = draws.iter().filter(|&&image| image == 190).count();
        assert!((410..=590).contains(&first), "{first}");
    }

    #[test]
    fn a_repeated_image_is_another_sample() {
        let repeats = |transform| -> Vec<(usize, Transform)> {
            let samples = samples(&[7, 3, 7, 7, 3], transform);
            samples
                .map(|sample| (sample.image, sample.transform))
                .collect()
        };
        let augmented = |image, repeat| (image, Transform::Augmented { epoch: 2, repeat });
        assert_eq!(
            repeats(Transform::augmented(2)),
            [(7, 0), (3, 0), (7, 1), (7, 2), (3, 1)]
                .map(|(image, repeat)| augmented(image, repeat))
        );
        assert_eq!(repeats(Transform::PLAIN)[2], (7, Transform::PLAIN));
    }

    #[test]
    fn a_shuffle_keeps_every_image() {
        let images: Vec<usize> = (0..100).collect();
        let mut order = shuffled(&images, &mut ChaCha8Rng::seed_from_u64(1));
        assert_ne!(order, images);
        order.sort_unstable();
        assert_eq!(order, images);
    }
}
