//! Groups of near-duplicates: images that are copies of each other up to size, compression, brightness or a slight crop.
//!
//! Images with an equal hash in one of several tables are candidates, those whose descriptors are close are compared by
//! their thumbnails, and confirmed pairs are joined, so that a group is a connected component. A mirrored or turned
//! copy, and a gray one of a colored image, is another image.
//!
//! Memory is linear in the number of images, and no pair is ever stored. Of a dense group few members are kept as
//! representatives, and an image is compared with few candidates, so that collections of one scene, or of images of one
//! kind, take linear time, too, but for the distances of descriptors.

use rayon::prelude::*;
use thumbnails::Thumbnail;

use crate::descriptor::{Descriptor, TABLES};
use crate::registration::{Subject, difference};

/// Largest distance of the descriptors of a candidate pair.
const CANDIDATE: f32 = 0.4;

/// Candidates that an image is compared with at most: those of the nearest descriptors.
const NEAREST: usize = 8;

/// Representatives of one group that an image is confirmed by before it is none itself.
const ENOUGH: usize = 8;

/// Number of values of a hash.
const BUCKETS: usize = 1 << 14;

/// An image of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearDuplicate {
    /// Index of the group; groups are numbered in the order of their first images.
    pub group: usize,
    /// Index of the nearest earlier image that confirmed this one, or the image itself if others were compared with it.
    pub representative: usize,
    /// Difference from the representative, in levels of 255: the largest mean over an eighth by an eighth of the image,
    /// after alignment.
    pub difference: f32,
}

/// The group of each image that has a near-duplicate.
///
/// Two images are near-duplicates if they differ by at most `max_difference` levels. A pair can be missed in which each
/// image was confirmed by another one already, or where 8 earlier images are more like the later one in its low
/// frequencies.
/// `thumbnail` returns the thumbnail of the image of an index, and `advance` is called after each image.
///
/// # Errors
/// A thumbnail cannot be read.
pub fn near_duplicates<E: Send>(
    descriptors: &[Descriptor],
    max_difference: f32,
    thumbnail: impl Fn(usize) -> Result<Thumbnail, E> + Sync,
    advance: impl Fn(),
) -> Result<Vec<Option<NearDuplicate>>, E> {
    let mut search = Search::new(descriptors);
    for image in 0..descriptors.len() {
        search.place(image, max_difference, &thumbnail)?;
        advance();
    }
    Ok(search.groups())
}

struct Search<'a> {
    descriptors: &'a [Descriptor],
    /// By table and hash: representatives.
    buckets: Vec<Vec<u32>>,
    components: Components,
    /// By image: the nearest image that it was confirmed by, and their difference.
    nearest: Vec<Option<(usize, f32)>>,
    /// By image: the last one that it was a candidate of.
    seen_by: Vec<usize>,
}

impl<'a> Search<'a> {
    fn new(descriptors: &'a [Descriptor]) -> Self {
        Self {
            descriptors,
            buckets: vec![Vec::new(); TABLES * BUCKETS],
            components: Components::new(descriptors.len()),
            nearest: vec![None; descriptors.len()],
            seen_by: vec![usize::MAX; descriptors.len()],
        }
    }

    /// Joins an image with earlier ones and, unless they represent it, makes it a representative.
    fn place<E: Send>(
        &mut self,
        image: usize,
        max_difference: f32,
        thumbnail: &(impl Fn(usize) -> Result<Thumbnail, E> + Sync),
    ) -> Result<(), E> {
        let hashes = self.descriptors[image].hashes();
        let buckets = (0..TABLES).map(|table| table * BUCKETS + usize::from(hashes[table]));
        let buckets: Vec<usize> = buckets.collect();
        let candidates = self.candidates(image, &buckets);
        let mut confirmed = 0;
        if !candidates.is_empty() {
            let own = Subject::new(thumbnail(image)?);
            // The first candidate alone: of a dense group, it is often all that is needed.
            let (first, rest) = candidates.split_at(1);
            for round in [first, rest] {
                let differences: Vec<f32> = round
                    .par_iter()
                    .map(|&other| {
                        Ok(difference(
                            &Subject::new(thumbnail(other)?),
                            &own,
                            max_difference,
                        ))
                    })
                    .collect::<Result<_, E>>()?;
                for (&other, difference) in round.iter().zip(differences) {
                    if difference > max_difference {
                        continue;
                    }
                    self.confirm(image, other, difference);
                    confirmed += 1;
                    if difference <= max_difference / 4.0 {
                        return Ok(());
                    }
                }
            }
        }
        if confirmed < ENOUGH {
            let number = u32::try_from(image).expect("fewer images than 2^32");
            buckets
                .into_iter()
                .for_each(|bucket| self.buckets[bucket].push(number));
        }
        Ok(())
    }

    /// The representatives nearest to `image`, from the nearest on.
    fn candidates(&mut self, image: usize, buckets: &[usize]) -> Vec<usize> {
        let mut candidates = Vec::new();
        for &bucket in buckets {
            for &other in &self.buckets[bucket] {
                let other = other as usize;
                if self.seen_by[other] != image {
                    self.seen_by[other] = image;
                    let distance = self.descriptors[image].distance(&self.descriptors[other]);
                    if distance <= CANDIDATE {
                        candidates.push((distance, other));
                    }
                }
            }
        }
        candidates.sort_unstable_by(|(a, one), (b, two)| a.total_cmp(b).then(one.cmp(two)));
        candidates.truncate(NEAREST);
        candidates.into_iter().map(|(_, other)| other).collect()
    }

    fn confirm(&mut self, image: usize, other: usize, difference: f32) {
        self.components.join(image, other);
        let nearest = &mut self.nearest[image];
        if nearest.is_none_or(|(_, least)| difference < least) {
            *nearest = Some((other, difference));
        }
    }

    fn groups(mut self) -> Vec<Option<NearDuplicate>> {
        let n = self.descriptors.len();
        let roots: Vec<usize> = (0..n).map(|image| self.components.root(image)).collect();
        let mut sizes = vec![0_usize; n];
        roots.iter().for_each(|&root| sizes[root] += 1);
        let mut numbers = vec![None; n];
        let mut n_groups = 0;
        let groups = roots.iter().enumerate().map(|(image, &root)| {
            if sizes[root] < 2 {
                return None;
            }
            let group = *numbers[root].get_or_insert_with(|| {
                n_groups += 1;
                n_groups - 1
            });
            let (representative, difference) = self.nearest[image].unwrap_or((image, 0.0));
            Some(NearDuplicate {
                group,
                representative,
                difference,
            })
        });
        groups.collect()
    }
}

/// Disjoint sets of images.
struct Components(Vec<usize>);

impl Components {
    fn new(n: usize) -> Self {
        Self((0..n).collect())
    }

    /// The least image of the set, as every join keeps the lesser root.
    fn root(&mut self, mut image: usize) -> usize {
        while self.0[image] != image {
            self.0[image] = self.0[self.0[image]];
            image = self.0[image];
        }
        image
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one.max(other)] = one.min(other);
    }
}

#[cfg(test)]
mod tests;
