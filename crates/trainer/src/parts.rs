//! What a picture is to a fold: trained on, tested on, or held out.

use std::collections::{BTreeMap, BTreeSet};

use tables::annotation::Annotation;
use tables::fold::{Assignment, Fold};

use crate::TrainError;

/// What a picture is to the training of a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The network learns from it.
    Train,
    /// It stands in the fold; the best epoch is selected by it.
    Test,
    /// No fold learns from it or is selected by it.
    Val,
    /// Its class is held out of everything, wherever the picture stands.
    Unseen,
}

impl Part {
    /// `train`, `test`, `val` or `unseen`, as tables spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
            Self::Val => "val",
            Self::Unseen => "unseen",
        }
    }
}

/// All pictures, as a fold sees them. A picture is named by its row in `annotations`.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The fold.
    pub fold: u32,
    /// The names of the classes that are learned, by code.
    pub classes: Vec<String>,
    /// The code of each picture's class; classes that are held out come after those that are learned.
    pub codes: Vec<u32>,
    /// What each picture is to the fold.
    pub parts: Vec<Part>,
}

impl Parts {
    /// The pictures of `annotations` with the design `folds`, as the fold number `fold` sees them.
    ///
    /// # Errors
    /// The tables name different pictures, a part or a fold does not exist, or there are fewer than two classes.
    pub fn new(annotations: &[Annotation], folds: &[Fold], fold: u32) -> Result<Self, TrainError> {
        check_same_pictures(annotations, folds)?;
        let assignments = folds
            .iter()
            .map(assignment)
            .collect::<Result<Vec<_>, _>>()?;
        let numbers = assignments
            .iter()
            .filter_map(|assignment| match assignment {
                Assignment::Fold(number) => Some(*number),
                Assignment::Train | Assignment::Validation => None,
            });
        let existing: BTreeSet<u32> = numbers.collect();
        if !existing.contains(&fold) {
            let existing = existing.into_iter().collect();
            return Err(TrainError::NoSuchFold { fold, existing });
        }
        let part = |assignment: Assignment| match assignment {
            Assignment::Validation => Part::Val,
            Assignment::Fold(number) if number == fold => Part::Test,
            Assignment::Fold(_) | Assignment::Train => Part::Train,
        };
        Ok(Self {
            fold,
            classes: classes(annotations)?,
            codes: annotations.iter().map(|row| row.code).collect(),
            parts: assignments.into_iter().map(part).collect(),
        })
    }

    /// The same with the classes called `held_out` not learned: their pictures are [`Part::Unseen`], and the classes that
    /// are left are numbered anew.
    ///
    /// # Errors
    /// A class doesn't exist, or fewer than two are left.
    pub fn holding_out(mut self, held_out: &[String]) -> Result<Self, TrainError> {
        check_known(held_out, &self.classes)?;
        let is_out = |class: &String| held_out.contains(class);
        let (out, left): (Vec<String>, Vec<String>) =
            self.classes.iter().cloned().partition(is_out);
        if left.len() < 2 {
            return Err(TrainError::TooFewClasses(left.len()));
        }
        let codes: BTreeMap<&String, u32> = left.iter().chain(&out).zip(0..).collect();
        for (code, part) in self.codes.iter_mut().zip(&mut self.parts) {
            *code = codes[&self.classes[*code as usize]];
            if *code as usize >= left.len() {
                *part = Part::Unseen;
            }
        }
        Ok(Self {
            classes: left,
            ..self
        })
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether there are no pictures.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The pictures of a part, in the order of their rows.
    pub fn images(&self, part: Part) -> Vec<usize> {
        (0..self.len())
            .filter(|&image| self.parts[image] == part)
            .collect()
    }

    /// The codes of the classes of `images`.
    pub fn codes_of(&self, images: &[usize]) -> Vec<u32> {
        images.iter().map(|&image| self.codes[image]).collect()
    }

    /// How many training pictures each class has.
    ///
    /// # Errors
    /// A class has none: the network could not learn it, and its weight 1/count would be infinite.
    pub fn train_counts(&self) -> Result<Vec<usize>, TrainError> {
        let mut counts = vec![0; self.classes.len()];
        for image in self.images(Part::Train) {
            counts[self.codes[image] as usize] += 1;
        }
        match counts.iter().position(|&count| count == 0) {
            Some(class) => Err(TrainError::UntrainedClass(self.classes[class].clone())),
            None => Ok(counts),
        }
    }
}

fn check_known(names: &[String], classes: &[String]) -> Result<(), TrainError> {
    let Some(name) = names.iter().find(|name| !classes.contains(name)) else {
        return Ok(());
    };
    let by_edits = |class: &&String| strsim::damerau_levenshtein(class, name);
    let nearest = classes.iter().min_by_key(by_edits);
    Err(TrainError::UnknownClass {
        name: name.clone(),
        nearest: nearest.cloned().unwrap_or_default(),
        classes: classes.to_vec(),
    })
}

fn check_same_pictures(annotations: &[Annotation], folds: &[Fold]) -> Result<(), TrainError> {
    if annotations.len() != folds.len() {
        return Err(TrainError::RowCounts {
            annotations: annotations.len(),
            folds: folds.len(),
        });
    }
    let mut rows = annotations.iter().zip(folds).enumerate();
    match rows.find(|(_, (annotation, fold))| annotation.path != fold.path) {
        Some((row, (annotation, fold))) => Err(TrainError::OtherPicture {
            row,
            annotated: annotation.path.clone(),
            found: fold.path.clone(),
        }),
        None => Ok(()),
    }
}

fn assignment(row: &Fold) -> Result<Assignment, TrainError> {
    row.assignment().ok_or_else(|| TrainError::NoSuchPart {
        path: row.path.clone(),
        part: row.part.clone(),
    })
}

/// The label of each code from 0, every code with one label.
fn classes(annotations: &[Annotation]) -> Result<Vec<String>, TrainError> {
    let mut by_code = BTreeMap::new();
    for row in annotations {
        let label = by_code.entry(row.code).or_insert(&row.label);
        if **label != row.label {
            return Err(TrainError::TwoLabels {
                code: row.code,
                labels: [label.to_string(), row.label.clone()],
            });
        }
    }
    if by_code.len() < 2 {
        return Err(TrainError::TooFewClasses(by_code.len()));
    }
    if let Some((expected, _)) = (0..)
        .zip(by_code.keys())
        .find(|&(expected, &code)| expected != code)
    {
        return Err(TrainError::MissingCode(expected));
    }
    Ok(by_code.into_values().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures by label, code and part.
    fn tables(rows: &[(&str, u32, &str)]) -> (Vec<Annotation>, Vec<Fold>) {
        let picture = |(number, &(label, code, part)): (usize, &(&str, u32, &str))| {
            let path = format!("{number}.jpg");
            let annotation = Annotation {
                path: path.clone(),
                label: label.to_owned(),
                author: None,
                title: String::new(),
                code,
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
                part: part.to_owned(),
            };
            (annotation, fold)
        };
        rows.iter().enumerate().map(picture).unzip()
    }

    const ROWS: [(&str, u32, &str); 5] = [
        ("a", 0, "0"),
        ("b", 1, "1"),
        ("a", 0, "1"),
        ("b", 1, "0"),
        ("a", 0, "val"),
    ];

    fn parts(rows: &[(&str, u32, &str)], fold: u32) -> Result<Parts, TrainError> {
        let (annotations, folds) = tables(rows);
        Parts::new(&annotations, &folds, fold)
    }

    #[test]
    fn the_fold_is_tested_on_and_the_others_are_trained_on() {
        let parts = parts(&ROWS, 1).unwrap();
        assert_eq!(parts.images(Part::Train), [0, 3]);
        assert_eq!(parts.images(Part::Test), [1, 2]);
        assert_eq!(parts.images(Part::Val), [4]);
        assert_eq!(parts.classes, ["a", "b"]);
        assert_eq!(parts.train_counts().unwrap(), [1, 1]);
    }

    #[test]
    fn training_images_of_an_existing_split_are_trained_on_by_every_fold() {
        let rows = [
            ("a", 0, "train"),
            ("b", 1, "train"),
            ("a", 0, "0"),
            ("b", 1, "0"),
            ("a", 0, "val"),
        ];
        let parts = parts(&rows, 0).unwrap();
        assert_eq!(parts.images(Part::Train), [0, 1]);
        assert_eq!(parts.images(Part::Test), [2, 3]);
        assert_eq!(parts.images(Part::Val), [4]);
    }

    #[test]
    fn every_picture_is_in_one_part() {
        for fold in [0, 1] {
            let parts = parts(&ROWS, fold).unwrap();
            let images = [Part::Train, Part::Test, Part::Val].map(|part| parts.images(part));
            let mut images = images.concat();
            images.sort_unstable();
            assert_eq!(images, [0, 1, 2, 3, 4]);
        }
    }

    fn message(rows: &[(&str, u32, &str)]) -> String {
        parts(rows, 0).unwrap_err().to_string()
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let [first, second, ..] = ROWS;
        assert_eq!(
            message(&[second]),
            "fold 0 does not exist: expected one of [1]"
        );
        assert_eq!(message(&[first]), "found 1 classes: expected at least 2");
        assert_eq!(
            message(&[first, ("b", 2, "0")]),
            "no picture has code 1: expected all codes from 0 to occur"
        );
        assert_eq!(
            message(&[first, ("b", 0, "0")]),
            "code 0 stands for `a` and `b`: expected one label"
        );
        assert_eq!(
            message(&[first, ("b", 1, "x")]),
            "`1.jpg` is in part `x`: expected the number of a fold, `val` or `train`"
        );
        let untrained = parts(&[first, second], 0)
            .unwrap()
            .train_counts()
            .unwrap_err();
        assert!(
            untrained
                .to_string()
                .starts_with("class `a` has no training picture")
        );
    }

    #[test]
    fn a_class_held_out_is_numbered_last_and_unseen() {
        let rows = [
            ("a", 0, "0"),
            ("b", 1, "1"),
            ("c", 2, "1"),
            ("a", 0, "1"),
            ("c", 2, "val"),
        ];
        let parts = parts(&rows, 1).unwrap();
        let parts = parts.holding_out(&["a".to_owned()]).unwrap();
        assert_eq!(parts.classes, ["b", "c"]);
        assert_eq!(parts.codes, [2, 0, 1, 2, 1]);
        assert_eq!(parts.images(Part::Unseen), [0, 3]);
        assert_eq!(parts.images(Part::Test), [1, 2]);
        assert_eq!(parts.images(Part::Val), [4]);
    }

    #[test]
    fn a_class_to_hold_out_must_exist_and_leave_two() {
        let hold = |name: &str| {
            let parts = parts(&ROWS, 0).unwrap();
            parts.holding_out(&[name.to_owned()]).unwrap_err()
        };
        assert_eq!(
            hold("a").to_string(),
            "found 1 classes: expected at least 2"
        );
        assert_eq!(
            hold("bb").to_string(),
            "`bb` is no class; did you mean `b`? The classes are a, b"
        );
    }

    #[test]
    fn tables_of_other_pictures_are_refused() {
        let (annotations, mut folds) = tables(&ROWS);
        folds[2].path = "other.jpg".to_owned();
        let error = Parts::new(&annotations, &folds, 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "row 2 is `2.jpg` in `annotations` and `other.jpg` in `folds`: expected the same picture"
        );
        folds.pop();
        assert!(matches!(
            Parts::new(&annotations, &folds, 0),
            Err(TrainError::RowCounts { .. })
        ));
    }
}
