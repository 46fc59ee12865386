//! Groups of near-duplicates: images that are copies of each other up to size, compression, brightness or a slight crop.
//!
//! Images whose hashes share a prefix in one of several tables are candidates, those whose descriptors are close are
//! compared by their thumbnails, and confirmed pairs are joined, so that a group is a connected component. A mirrored or
//! turned copy, and a gray one of a colored image, is another image.
//!
//! Memory is linear in the number of images, and no pair is ever stored. Time is linear, too, but for the logarithm of a
//! look-up in a sorted table. Of a dense group few members are kept as representatives. Of representatives of one kind,
//! however many, the descriptors of at most [`NEIGHBORS`] in each of [`TABLES`] tables are compared with an image's, and
//! the thumbnails of at most [`NEAREST`].

use rayon::prelude::*;
use thumbnails::Thumbnail;

use crate::descriptor::Descriptor;
use crate::hashes::{TABLES, Table};
use crate::registration::{Subject, difference};

/// Largest distance of the descriptors of a candidate pair.
const CANDIDATE: f32 = 0.4;

/// Candidates that an image is compared with at most: those of the nearest descriptors.
const NEAREST: usize = 8;

/// Representatives of one group that an image is confirmed by before it is none itself.
const ENOUGH: usize = 8;

/// Representatives of a table whose descriptors an image's is compared with at most: those whose hashes have the most
/// leading bits in common with its own. Among 11,000 blends of one painting with others, all of them candidates of each
/// other, 16 find 948 of 997 copies, 32 find 968, 128 find 980, and comparison with all finds 981.
const NEIGHBORS: usize = 128;

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
/// image was confirmed by another one already, where 8 earlier images are more like the later one in its low frequencies,
/// or where the hashes of 128 earlier images are nearer to the later one's in each table.
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
    tables: Vec<Table>,
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
            tables: { (0..TABLES).into_par_iter() }
                .map(|number| Table::new(number, descriptors))
                .collect(),
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
        let candidates = self.candidates(image);
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
            self.tables.iter_mut().for_each(|table| table.insert(image));
        }
        Ok(())
    }

    /// The representatives nearest to `image`, from the nearest on.
    fn candidates(&mut self, image: usize) -> Vec<usize> {
        let own = &self.descriptors[image];
        let others = self.neighbors(image).into_iter();
        let mut candidates: Vec<(f32, usize)> = others
            .map(|other| (own.distance(&self.descriptors[other]), other))
            .filter(|&(distance, _)| distance <= CANDIDATE)
            .collect();
        candidates.sort_unstable_by(|(a, one), (b, two)| a.total_cmp(b).then(one.cmp(two)));
        candidates.truncate(NEAREST);
        candidates.into_iter().map(|(_, other)| other).collect()
    }

    /// The representatives whose hashes share a prefix with those of `image`, at most [`NEIGHBORS`] of each table.
    fn neighbors(&mut self, image: usize) -> Vec<usize> {
        let mut neighbors = Vec::new();
        for table in &self.tables {
            for other in table.nearest(image).take(NEIGHBORS) {
                if self.seen_by[other] != image {
                    self.seen_by[other] = image;
                    neighbors.push(other);
                }
            }
        }
        neighbors
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
