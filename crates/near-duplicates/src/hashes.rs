//! Hashes of descriptors in several tables, by which near descriptors are found without comparing all.
//!
//! A hash has the signs of random projections of a descriptor (Charikar 2002, section 3), in which no coefficient stands
//! alone. Its prefix is that of the descriptor itself, and images that share it are candidates. The other bits are those
//! of the difference from the mean of all descriptors with the same prefix in the same table: where many images share a
//! prefix, as they are of one kind, each bit separates half of them. Representatives are sorted by their hashes, so that
//! those with the longest common prefix are neighbors (Bawa, Condie and Ganesan 2005, section 3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rand::SeedableRng;
use rand::distr::{Distribution, Uniform};
use rand_chacha::ChaCha8Rng;

use crate::descriptor::{Descriptor, LEN, PADDED, Padded, product};

/// Tables, each with projections of its own: descriptors close to each other share the prefix in at least one of them.
pub(crate) const TABLES: usize = 24;

/// Bits of a hash that candidates share.
const PREFIX: usize = 14;

/// Bits of a hash behind the prefix: enough to tell 2^18 images of one kind apart.
const REST: usize = u32::BITS as usize - PREFIX;

/// The hashes of all images in one table, and those of the representatives in order.
pub(crate) struct Table {
    /// By image.
    hashes: Vec<u32>,
    /// Hash and index of each representative.
    representatives: BTreeSet<(u32, u32)>,
}

impl Table {
    /// The table of a number below [`TABLES`], without representatives.
    pub(crate) fn new(number: usize, descriptors: &[Descriptor]) -> Self {
        let directions = &PROJECTIONS[TABLES * PREFIX + number * REST..][..REST];
        let prefixes: Vec<u32> = descriptors.iter().map(|it| prefix(number, it)).collect();
        let centers = centers(descriptors, &prefixes, directions);
        let hash = |(descriptor, prefix): (&Descriptor, u32)| {
            let bits = directions.iter().zip(&centers[&prefix]);
            bits.fold(prefix, |hash, (direction, &center)| {
                hash << 1 | u32::from(product(descriptor.values(), direction) > center)
            })
        };
        Self {
            hashes: descriptors.iter().zip(prefixes).map(hash).collect(),
            representatives: BTreeSet::new(),
        }
    }

    /// Makes an image a representative.
    pub(crate) fn insert(&mut self, image: usize) {
        let number = u32::try_from(image).expect("fewer images than 2^32");
        self.representatives.insert((self.hashes[image], number));
    }

    /// The representatives that share the prefix of an image, those with the most leading bits in common first.
    pub(crate) fn nearest(&self, image: usize) -> impl Iterator<Item = usize> {
        let hash = self.hashes[image];
        let mut before = self.representatives.range(..(hash, 0)).rev().peekable();
        let mut after = self.representatives.range((hash, 0)..).peekable();
        let n_common = move |entry: Option<&&(u32, u32)>| {
            entry.map_or(0, |(other, _)| (other ^ hash).leading_zeros() as usize)
        };
        std::iter::from_fn(move || {
            let (n_before, n_after) = (n_common(before.peek()), n_common(after.peek()));
            if n_before.max(n_after) < PREFIX {
                return None;
            }
            let entry = if n_before > n_after {
                before.next()
            } else {
                after.next()
            };
            entry.map(|&(_, image)| image as usize)
        })
    }
}

/// The prefix of a descriptor's hash in a table.
pub(crate) fn prefix(table: usize, descriptor: &Descriptor) -> u32 {
    let directions = PROJECTIONS[table * PREFIX..][..PREFIX].iter();
    directions.fold(0, |hash, direction| {
        hash << 1 | u32::from(product(descriptor.values(), direction) > 0.0)
    })
}

/// By prefix: the projections of the mean of all descriptors with this prefix.
fn centers(
    descriptors: &[Descriptor],
    prefixes: &[u32],
    directions: &[Padded],
) -> BTreeMap<u32, Vec<f32>> {
    let mut sums = BTreeMap::<u32, (Padded, f32)>::new();
    for (descriptor, &prefix) in descriptors.iter().zip(prefixes) {
        let (sum, n) = sums.entry(prefix).or_insert(([0.0; PADDED], 0.0));
        let pairs = sum.iter_mut().zip(descriptor.values());
        pairs.for_each(|(sum, value)| *sum += value);
        *n += 1.0;
    }
    let center = |(prefix, (sum, n)): (u32, (Padded, f32))| {
        let projections = directions.iter();
        (
            prefix,
            projections
                .map(|direction| product(&sum, direction) / n)
                .collect(),
        )
    };
    sums.into_iter().map(center).collect()
}

/// Directions of the projections, the same in every run; the number behind those of the descriptor belongs to its
/// constant. The directions of all prefixes come first, table by table, then the others.
static PROJECTIONS: LazyLock<Vec<Padded>> = LazyLock::new(|| {
    let mut rng = ChaCha8Rng::seed_from_u64(0x6e65_6172);
    let uniform = Uniform::new(-1.0_f32, 1.0).expect("the range isn't empty");
    // A sum of uniform numbers is normal enough: the directions have no preferred axes.
    let mut normal = || (0..8).map(|_| uniform.sample(&mut rng)).sum::<f32>();
    let mut direction = || {
        let mut direction = [0.0; PADDED];
        direction[LEN] = normal();
        direction[..LEN].fill_with(&mut normal);
        direction
    };
    (0..TABLES * (PREFIX + REST)).map(|_| direction()).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_have_the_longest_common_prefix() {
        let hashes = vec![
            0x8000_0000,
            0x8000_0100, // 23 bits in common with the first
            0x7fff_ffff, // none
            0x8000_0000, // all
            0x8004_0000, // 13
            0x8000_ffff, // 16
            0x8002_0000, // 14
        ];
        let mut table = Table {
            representatives: BTreeSet::new(),
            hashes,
        };
        (1..7).for_each(|image| table.insert(image));
        let nearest: Vec<usize> = table.nearest(0).collect();
        assert_eq!(nearest, [3, 1, 5, 6]);
        // 14 bits in common with each of the others, from the nearest hash on.
        assert_eq!(table.nearest(6).collect::<Vec<_>>(), [6, 5, 1, 3]);
    }
}
