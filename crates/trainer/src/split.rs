//! Classes and subsets of all images in one fold.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use table_annotations::Annotation;
use table_folds::Fold;
use tables::Assignment;
use tables::Subset;

use crate::TrainError;

/// Classes and subsets of all images in one fold. An image is named by its row in `annotations`.
#[derive(Clone, Debug, Serialize)]
pub struct FoldSplit {
    /// The fold.
    pub fold: u32,
    /// Names of the learned classes, by class index.
    pub classes: Vec<String>,
    /// Class index of each image; held-out classes come after the learned ones.
    pub class_indices: Vec<u32>,
    /// The subset of each image.
    pub subsets: Vec<Subset>,
}

impl FoldSplit {
    /// Images of `annotations` with the assignments `folds`, in the fold number `fold`.
    ///
    /// # Errors
    /// The tables name different images, the fold does not exist, or there are fewer than two classes.
    pub fn new(annotations: &[Annotation], folds: &[Fold], fold: u32) -> Result<Self, TrainError> {
        check_same_images(annotations, folds)?;
        let numbers = folds.iter().filter_map(|row| match row.fold {
            Assignment::Fold(number) => Some(number),
            Assignment::Train | Assignment::Test => None,
        });
        let existing: BTreeSet<u32> = numbers.collect();
        if !existing.contains(&fold) {
            let existing = existing.into_iter().collect();
            return Err(TrainError::NoSuchFold { fold, existing });
        }
        Ok(Self {
            fold,
            classes: classes(annotations)?,
            class_indices: annotations.iter().map(|row| row.class_index).collect(),
            subsets: folds.iter().map(|row| row.fold.subset(fold)).collect(),
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.subsets.len()
    }

    /// Returns `true` if there are no images.
    pub fn is_empty(&self) -> bool {
        self.subsets.is_empty()
    }

    /// The images of a subset, in the order of their rows.
    pub fn images(&self, subset: Subset) -> Vec<usize> {
        (0..self.len())
            .filter(|&image| self.subsets[image] == subset)
            .collect()
    }

    /// Class indices of `images`.
    pub fn class_indices_of(&self, images: &[usize]) -> Vec<u32> {
        images
            .iter()
            .map(|&image| self.class_indices[image])
            .collect()
    }

    /// Number of training images of each class.
    ///
    /// # Errors
    /// A class has none: it cannot be learned, and its weight 1/count would be infinite.
    pub fn train_counts(&self) -> Result<Vec<usize>, TrainError> {
        let mut counts = vec![0; self.classes.len()];
        for image in self.images(Subset::Train) {
            counts[self.class_indices[image] as usize] += 1;
        }
        match counts.iter().position(|&count| count == 0) {
            Some(class) => Err(TrainError::UntrainedClass(self.classes[class].clone())),
            None => Ok(counts),
        }
    }
}

fn check_same_images(annotations: &[Annotation], folds: &[Fold]) -> Result<(), TrainError> {
    if annotations.len() != folds.len() {
        return Err(TrainError::RowCounts {
            annotations: annotations.len(),
            folds: folds.len(),
        });
    }
    let mut rows = annotations.iter().zip(folds).enumerate();
    match rows.find(|(_, (annotation, fold))| annotation.path != fold.path) {
        Some((row, (annotation, fold))) => Err(TrainError::DifferentImage {
            row,
            annotated: annotation.path.clone(),
            found: fold.path.clone(),
        }),
        None => Ok(()),
    }
}

/// The label of each class index from 0.
fn classes(annotations: &[Annotation]) -> Result<Vec<String>, TrainError> {
    let mut by_class_index = BTreeMap::new();
    for row in annotations {
        let label = by_class_index.entry(row.class_index).or_insert(&row.label);
        if **label != row.label {
            return Err(TrainError::TwoLabels {
                class_index: row.class_index,
                labels: [label.to_string(), row.label.clone()],
            });
        }
    }
    if by_class_index.len() < 2 {
        return Err(TrainError::TooFewClasses(by_class_index.len()));
    }
    if let Some((expected, _)) = (0..)
        .zip(by_class_index.keys())
        .find(|&(expected, &found)| expected != found)
    {
        return Err(TrainError::MissingClassIndex(expected));
    }
    Ok(by_class_index.into_values().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images by label, class index and fold assignment.
    fn tables(rows: &[(&str, u32, &str)]) -> (Vec<Annotation>, Vec<Fold>) {
        let rows_of_image =
            |(number, &(label, class_index, assignment)): (usize, &(&str, u32, &str))| {
                let path = format!("{number}.jpg");
                let annotation = Annotation {
                    path: path.clone(),
                    label: label.to_owned(),
                    author: None,
                    title: String::new(),
                    class_index,
                    split: None,
                    orientation: 1,
                    width: 1,
                    height: 1,
                    format: "jpeg".to_owned(),
                    bytes: 1,
                    content_hash: String::new(),
                };
                let fold = Fold {
                    path,
                    label: label.to_owned(),
                    author: None,
                    fold: assignment.parse().unwrap(),
                };
                (annotation, fold)
            };
        rows.iter().enumerate().map(rows_of_image).unzip()
    }

    const ROWS: [(&str, u32, &str); 5] = [
        ("a", 0, "0"),
        ("b", 1, "1"),
        ("a", 0, "1"),
        ("b", 1, "0"),
        ("a", 0, "test"),
    ];

    fn split(rows: &[(&str, u32, &str)], fold: u32) -> Result<FoldSplit, TrainError> {
        let (annotations, folds) = tables(rows);
        FoldSplit::new(&annotations, &folds, fold)
    }

    #[test]
    fn the_fold_is_the_validation_set_and_the_others_are_trained_on() {
        let split = split(&ROWS, 1).unwrap();
        assert_eq!(split.images(Subset::Train), [0, 3]);
        assert_eq!(split.images(Subset::Validation), [1, 2]);
        assert_eq!(split.images(Subset::Test), [4]);
        assert_eq!(split.classes, ["a", "b"]);
        assert_eq!(split.train_counts().unwrap(), [1, 1]);
    }

    #[test]
    fn training_images_of_an_existing_split_are_trained_on_by_every_fold() {
        let rows = [
            ("a", 0, "train"),
            ("b", 1, "train"),
            ("a", 0, "0"),
            ("b", 1, "0"),
            ("a", 0, "test"),
        ];
        let split = split(&rows, 0).unwrap();
        assert_eq!(split.images(Subset::Train), [0, 1]);
        assert_eq!(split.images(Subset::Validation), [2, 3]);
        assert_eq!(split.images(Subset::Test), [4]);
    }

    #[test]
    fn every_image_is_in_one_subset() {
        for fold in [0, 1] {
            let split = split(&ROWS, fold).unwrap();
            let images = Subset::OF_SPLIT.map(|subset| split.images(subset));
            let mut images = images.concat();
            images.sort_unstable();
            assert_eq!(images, [0, 1, 2, 3, 4]);
        }
    }

    fn message(rows: &[(&str, u32, &str)]) -> String {
        split(rows, 0).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_class_or_fold() {
        let [first, second, ..] = ROWS;
        assert_eq!(
            message(&[second]),
            "fold 0 does not exist: expected one of [1]"
        );
        assert_eq!(message(&[first]), "found 1 classes: expected at least 2");
        assert_eq!(
            message(&[first, ("b", 2, "0")]),
            "no image has class index 1: expected all class indices from 0 to occur"
        );
        assert_eq!(
            message(&[first, ("b", 0, "0")]),
            "class index 0 stands for `a` and `b`: expected one label"
        );
        let untrained = split(&[first, second], 0)
            .unwrap()
            .train_counts()
            .unwrap_err();
        assert!(
            untrained
                .to_string()
                .starts_with("class `a` has no training image")
        );
    }

    #[test]
    fn tables_of_different_images_are_refused() {
        let (annotations, mut folds) = tables(&ROWS);
        folds[2].path = "other.jpg".to_owned();
        let error = FoldSplit::new(&annotations, &folds, 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "row 2 is `2.jpg` in `annotations` and `other.jpg` in `folds`: expected the same image"
        );
        folds.pop();
        assert!(matches!(
            FoldSplit::new(&annotations, &folds, 0),
            Err(TrainError::RowCounts { .. })
        ));
    }
}
