//! Subsets of the images in each fold.

use anyhow::ensure;
use numeric::{Classes, in_turns};
use rand::seq::SliceRandom;
use random::Stream;
use table_folds::Fold;
use tables::Assignment;
use tables::Subset;

/// The images in the order of their paths, with their classes and folds.
pub(crate) struct FoldSplit {
    paths: Vec<String>,
    labels: Vec<usize>,
    assignments: Vec<Assignment>,
    classes: Classes,
    folds: Vec<u32>,
}

impl FoldSplit {
    pub(crate) fn of(rows: &[Fold]) -> anyhow::Result<Self> {
        let classes = Classes::of(rows.iter().map(|row| row.label.as_str()));
        let assignments: Vec<Assignment> = rows.iter().map(|row| row.fold).collect();
        let numbered = assignments
            .iter()
            .filter_map(|assignment| match assignment {
                Assignment::Fold(number) => Some(*number),
                Assignment::Train | Assignment::Test => None,
            });
        let mut folds: Vec<u32> = numbered.collect();
        folds.sort_unstable();
        folds.dedup();
        let n_least = if assignments.contains(&Assignment::Train) {
            1
        } else {
            2
        };
        ensure!(
            folds.len() >= n_least,
            "the split has {} folds, expected at least {n_least}: one validates, all others are fitted",
            folds.len()
        );
        Ok(Self {
            paths: rows.iter().map(|row| row.path.clone()).collect(),
            labels: classes.encode(rows.iter().map(|row| row.label.as_str()))?,
            assignments,
            classes,
            folds,
        })
    }

    /// Numbers of the folds, ascending.
    pub(crate) fn folds(&self) -> &[u32] {
        &self.folds
    }

    pub(crate) fn n_classes(&self) -> usize {
        self.classes.len()
    }

    /// `[K]`, in the order of their indices.
    pub(crate) fn class_names(&self) -> &[String] {
        self.classes.names()
    }

    pub(crate) fn path(&self, image: usize) -> &str {
        &self.paths[image]
    }

    /// Name of the image's class.
    pub(crate) fn label(&self, image: usize) -> &str {
        &self.classes.names()[self.labels[image]]
    }

    /// Fails if `paths` are not the split's images in their order.
    pub(crate) fn check<'a>(
        &self,
        paths: impl ExactSizeIterator<Item = &'a str>,
    ) -> anyhow::Result<()> {
        let (found, expected) = (paths.len(), self.paths.len());
        ensure!(
            found == expected,
            "found {found} images, expected the {expected} of the folds"
        );
        for (found, expected) in paths.zip(&self.paths) {
            ensure!(
                found == expected,
                "found the image `{found}`, expected `{expected}` as in the folds"
            );
        }
        Ok(())
    }

    /// The images of a subset of the fold, ascending.
    pub(crate) fn images(&self, subset: Subset, fold: u32) -> Vec<usize> {
        (0..self.assignments.len())
            .filter(|&image| self.assignments[image].subset(fold) == subset)
            .collect()
    }

    /// At most `most` of `images`, ascending: of each class in turn one, drawn by `stream` for this fold, as every
    /// class weighs the same.
    pub(crate) fn sample(
        &self,
        images: Vec<usize>,
        most: usize,
        stream: &Stream,
        fold: u32,
    ) -> Vec<usize> {
        if images.len() <= most {
            return images;
        }
        let mut classes = vec![Vec::new(); self.n_classes()];
        for image in images {
            classes[self.labels[image]].push(image);
        }
        for (class, images) in (0..).zip(&mut classes) {
            images.shuffle(&mut stream.at(fold.into(), class));
        }
        let mut drawn = in_turns(&classes, most);
        drawn.sort_unstable();
        drawn
    }

    /// Class indices of the images.
    pub(crate) fn labels(&self, images: &[usize]) -> Vec<usize> {
        images.iter().map(|&image| self.labels[image]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(assignments: &[&str]) -> anyhow::Result<FoldSplit> {
        let row = |(number, assignment): (usize, &&str)| Fold {
            path: format!("{number}.png"),
            label: ["photo", "art deco"][number % 2].to_owned(),
            author: None,
            fold: assignment.parse().unwrap(),
        };
        let rows: Vec<Fold> = assignments.iter().enumerate().map(row).collect();
        FoldSplit::of(&rows)
    }

    #[test]
    fn the_fold_is_for_validation_and_the_others_are_for_training() {
        let split = split(&["1", "0", "test", "2", "1"]).unwrap();
        assert_eq!(split.folds(), [0, 1, 2]);
        let subsets = |fold| Subset::OF_SPLIT.map(|subset| split.images(subset, fold));
        assert_eq!(subsets(1), [vec![1, 3], vec![0, 4], vec![2]]);
        assert_eq!(subsets(0), [vec![0, 3, 4], vec![1], vec![2]]);
        assert_eq!((split.labels(&[0, 1]), split.n_classes()), (vec![1, 0], 2));
    }

    #[test]
    fn features_of_other_images_are_refused() {
        let split = split(&["0", "1"]).unwrap();
        let error = |paths: &[&'static str]| {
            let found = split.check(paths.iter().copied());
            found.unwrap_err().to_string()
        };
        assert_eq!(
            error(&["0.png"]),
            "found 1 images, expected the 2 of the folds"
        );
        assert_eq!(
            error(&["0.png", "2.png"]),
            "found the image `2.png`, expected `1.png` as in the folds"
        );
    }

    #[test]
    fn a_split_without_two_folds_is_refused() {
        let error = |assignments: &[&str]| split(assignments).err().unwrap().to_string();
        assert!(error(&["0", "test"]).starts_with("the split has 1 folds, expected at least 2"));
    }

    #[test]
    fn every_fold_trains_on_the_training_images_of_an_existing_split() {
        let split = split(&["train", "0", "test", "train"]).unwrap();
        assert_eq!(split.folds(), [0]);
        let subsets = Subset::OF_SPLIT.map(|subset| split.images(subset, 0));
        assert_eq!(subsets, [vec![0, 3], vec![1], vec![2]]);
    }

    #[test]
    fn a_sample_takes_turns_between_the_classes() {
        // Even rows are photos, odd ones art deco: six against two.
        let assignments = [["0"; 8], ["1"; 8]].concat();
        let split = split(&assignments).unwrap();
        let stream = random::Seed::new(1).stream("sample");
        let images = vec![0, 2, 4, 6, 8, 10, 1, 3];
        let drawn = split.sample(images.clone(), 6, &stream, 0);
        assert_eq!(drawn.len(), 6);
        assert!(drawn.is_sorted() && drawn.contains(&1) && drawn.contains(&3));
        assert_eq!(drawn, split.sample(images.clone(), 6, &stream, 0));
        assert_eq!(split.sample(images.clone(), 8, &stream, 0), images);
    }
}
