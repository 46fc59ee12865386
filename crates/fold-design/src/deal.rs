//! Assignments of images: those of authors, and images without an author.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use tables::Assignment;

use crate::{SplitParams, fold, groups::Groups};

/// Assignment of each image, in the order of the input.
///
/// `authors` are the assignments of `groups.authors`, `to_test` the number of test images without an author, by label.
/// The other images without an author are shuffled and dealt, each into the fold with the fewest images of the label;
/// ties to the fold with the fewest images, then to the first.
pub(crate) fn assign(
    groups: &Groups,
    authors: &[Assignment],
    to_test: &[usize],
    params: &SplitParams,
    mut rng: ChaCha8Rng,
) -> Vec<Assignment> {
    let mut assignments = vec![Assignment::Test; groups.label_of.len()];
    let mut of_label = vec![vec![0_usize; params.folds]; groups.labels.len()];
    let mut of_all = vec![0_usize; params.folds];
    let mut assign_to =
        |image: usize, number: usize, of_label: &mut [usize], of_all: &mut [usize]| {
            assignments[image] = fold(number);
            of_label[number] += 1;
            of_all[number] += 1;
        };
    for (author, assignment) in groups.authors.iter().zip(authors) {
        if let Assignment::Fold(number) = *assignment {
            for &image in &author.images {
                let label = groups.label_of[image];
                assign_to(image, number as usize, &mut of_label[label], &mut of_all);
            }
        }
    }
    for (label, ungrouped) in groups.ungrouped.iter().enumerate() {
        let mut ungrouped = ungrouped.clone();
        ungrouped.shuffle(&mut rng);
        for &image in &ungrouped[to_test[label]..] {
            let fold = (0..params.folds)
                .min_by_key(|&fold| (of_label[label][fold], of_all[fold], fold))
                .expect("there are at least two folds");
            assign_to(image, fold, &mut of_label[label], &mut of_all);
        }
    }
    assignments
}
