//! From authors to pictures, and the pictures without an author.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::{Design, Part, groups::Groups};

/// The part of each picture, in the order of the input.
///
/// `authors` are the parts of `groups.authors`, and `to_validation` says for each label how many of its pictures without
/// an author go to validation. The rest of those are shuffled and dealt, each into the fold with the fewest pictures
/// of the label; ties to the fold with the fewest pictures, then to the first.
pub(crate) fn place(
    groups: &Groups,
    authors: &[Part],
    to_validation: &[usize],
    design: &Design,
    mut rng: ChaCha8Rng,
) -> Vec<Part> {
    let mut parts = vec![Part::Validation; groups.label_of.len()];
    let mut of_label = vec![vec![0_usize; design.folds]; groups.labels.len()];
    let mut of_all = vec![0_usize; design.folds];
    let mut put = |picture: usize, fold: usize, of_label: &mut [usize], of_all: &mut [usize]| {
        parts[picture] = Part::Fold(fold);
        of_label[fold] += 1;
        of_all[fold] += 1;
    };
    for (author, part) in groups.authors.iter().zip(authors) {
        if let Part::Fold(fold) = *part {
            for &picture in &author.pictures {
                let label = groups.label_of[picture];
                put(picture, fold, &mut of_label[label], &mut of_all);
            }
        }
    }
    for (label, loose) in groups.loose.iter().enumerate() {
        let mut loose = loose.clone();
        loose.shuffle(&mut rng);
        for &picture in &loose[to_validation[label]..] {
            let fold = (0..design.folds)
                .min_by_key(|&fold| (of_label[label][fold], of_all[fold], fold))
                .expect("there are at least two folds");
            put(picture, fold, &mut of_label[label], &mut of_all);
        }
    }
    parts
}
