//! What the parts of a split share.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Part, Picture};

/// Authors who stand in two parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedAuthors {
    /// All authors.
    pub of: usize,
    /// Those with pictures in more than one part.
    pub authors: usize,
    /// The pictures of those.
    pub pictures: usize,
}

impl SharedAuthors {
    /// Counts the authors of `pictures`, which stand in `parts`.
    pub fn count(pictures: &[Picture], parts: &[Part]) -> Self {
        let mut places: BTreeMap<&str, (BTreeSet<Part>, usize)> = BTreeMap::new();
        for (picture, part) in pictures.iter().zip(parts) {
            if let Some(author) = &picture.author {
                let (parts, pictures) = places.entry(author).or_default();
                parts.insert(*part);
                *pictures += 1;
            }
        }
        let shared = places.values().filter(|(parts, _)| parts.len() > 1);
        let pictures: Vec<usize> = shared.map(|(_, pictures)| *pictures).collect();
        Self {
            of: places.len(),
            authors: pictures.len(),
            pictures: pictures.iter().sum(),
        }
    }
}

/// Two hashes that differ in few bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// Index of the first.
    pub first: usize,
    /// Index of the second, above the first.
    pub second: usize,
    /// Bits that differ.
    pub distance: u32,
}

/// All pairs of `hashes` that differ in at most `max_distance` bits, sorted.
///
/// Two hashes that differ in `d` bits agree wholly in one of `d + 1` bands of bits, so that only hashes with an equal
/// band are compared (Manku, Jain and Das Sarma 2007, section 3).
pub fn near_pairs(hashes: &[u64], max_distance: u32) -> Vec<Pair> {
    let mut pairs = BTreeSet::new();
    for band in bands(max_distance + 1) {
        let mut order: Vec<usize> = (0..hashes.len()).collect();
        order.sort_by_key(|&index| (hashes[index] & band, index));
        for alike in order.chunk_by(|&a, &b| hashes[a] & band == hashes[b] & band) {
            for (at, &first) in alike.iter().enumerate() {
                for &second in &alike[at + 1..] {
                    let distance = (hashes[first] ^ hashes[second]).count_ones();
                    if distance <= max_distance {
                        pairs.insert(Pair {
                            first,
                            second,
                            distance,
                        });
                    }
                }
            }
        }
    }
    pairs.into_iter().collect()
}

/// Masks of `n` bands that cover 64 bits, at most 64 of them.
fn bands(n: u32) -> impl Iterator<Item = u64> {
    let n = n.min(64);
    (0..n).map(move |band| {
        let (start, end) = (64 * band / n, 64 * (band + 1) / n);
        (start..end).fold(0, |mask, bit| mask | 1 << bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(path: &str, author: Option<&str>) -> Picture {
        Picture {
            path: path.to_owned(),
            label: "a".to_owned(),
            author: author.map(str::to_owned),
        }
    }

    #[test]
    fn an_author_in_two_parts_is_shared_with_all_pictures() {
        let pictures = [
            picture("1", Some("x")),
            picture("2", Some("x")),
            picture("3", Some("y")),
            picture("4", None),
            picture("5", None),
        ];
        let [zero, one] = [0, 1].map(Part::Fold);
        let shared = SharedAuthors::count(&pictures, &[zero, one, zero, zero, one]);
        assert_eq!((shared.of, shared.authors, shared.pictures), (2, 1, 2));
        let whole = SharedAuthors::count(&pictures, &[zero, zero, one, zero, one]);
        assert_eq!((whole.of, whole.authors, whole.pictures), (2, 0, 0));
    }

    #[test]
    fn bands_cover_every_bit_once() {
        for n in [1, 3, 7, 64, 80] {
            assert_eq!(bands(n).fold(0, |all, band| all ^ band), u64::MAX, "{n}");
        }
    }

    #[test]
    fn pairs_are_those_of_a_full_search() {
        // Few different numbers, so that there are pairs at every distance.
        let hashes: Vec<u64> = (0..200_u64).map(|n| (n % 23).pow(9) ^ (n / 23)).collect();
        for max_distance in [0, 3, 6, 64] {
            let mut all = Vec::new();
            for (first, &a) in hashes.iter().enumerate() {
                for (second, &b) in hashes.iter().enumerate().skip(first + 1) {
                    let distance = (a ^ b).count_ones();
                    if distance <= max_distance {
                        all.push(Pair {
                            first,
                            second,
                            distance,
                        });
                    }
                }
            }
            assert!(!all.is_empty());
            assert_eq!(near_pairs(&hashes, max_distance), all, "{max_distance}");
        }
    }
}
