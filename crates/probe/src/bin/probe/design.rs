//! Which pictures a fold learns from, and which it is tested on.

use anyhow::{Context, ensure};
use forest::Classes;
use rand::seq::SliceRandom;
use stage::Stream;
use tables::fold::{Fold, VALIDATION};

/// The parts of a fold's pictures.
pub(crate) const PARTS: [&str; 3] = ["train", "test", "val"];

/// The part that every fold learns from.
const TRAIN: &str = "train";

/// The pictures in the order of their paths, their classes and folds.
pub(crate) struct Design {
    paths: Vec<String>,
    labels: Vec<u32>,
    places: Vec<Place>,
    n_classes: usize,
    folds: Vec<u32>,
}

/// Where an image stands in the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In this fold, and learned from by all others.
    Fold(u32),
    /// Learned from by every fold: the training part of a split that the collection came with.
    Train,
    /// Held out of all folds.
    Validation,
}

impl Design {
    pub(crate) fn of(rows: &[Fold]) -> anyhow::Result<Self> {
        let classes = Classes::of(rows.iter().map(|row| row.label.as_str()));
        let places: Vec<Place> = rows.iter().map(place).collect::<Result<_, _>>()?;
        let numbered = places.iter().filter_map(|place| match place {
            Place::Fold(number) => Some(*number),
            _ => None,
        });
        let mut folds: Vec<u32> = numbered.collect();
        folds.sort_unstable();
        folds.dedup();
        let n_least = if places.contains(&Place::Train) { 1 } else { 2 };
        ensure!(
            folds.len() >= n_least,
            "the design has {} folds, expected at least {n_least}: one is tested on and all else is learned from",
            folds.len()
        );
        let codes = rows.iter().filter_map(|row| classes.code(&row.label));
        Ok(Self {
            paths: rows.iter().map(|row| row.path.clone()).collect(),
            labels: codes.collect(),
            places,
            n_classes: classes.names().len(),
            folds,
        })
    }

    /// The folds' numbers, ascending.
    pub(crate) fn folds(&self) -> &[u32] {
        &self.folds
    }

    pub(crate) fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Says whether `paths` are the design's pictures in their order.
    pub(crate) fn check<'a>(
        &self,
        paths: impl ExactSizeIterator<Item = &'a str>,
    ) -> anyhow::Result<()> {
        let (found, expected) = (paths.len(), self.paths.len());
        ensure!(
            found == expected,
            "found {found} pictures, expected the {expected} of the folds"
        );
        for (found, expected) in paths.zip(&self.paths) {
            ensure!(
                found == expected,
                "found the picture `{found}`, expected `{expected}` as in the folds"
            );
        }
        Ok(())
    }

    /// The pictures of a part of the fold, ascending.
    pub(crate) fn pictures(&self, part: &str, fold: u32) -> Vec<usize> {
        let part_of = |place: Place| match place {
            Place::Validation => "val",
            Place::Fold(number) if number == fold => "test",
            Place::Fold(_) | Place::Train => "train",
        };
        let pictures = 0..self.places.len();
        pictures
            .filter(|&picture| part_of(self.places[picture]) == part)
            .collect()
    }

    /// At most `most` of `pictures`, ascending: of each class in turn one, drawn by `stream` for this fold, since every
    /// class weighs the same.
    pub(crate) fn sample(
        &self,
        pictures: Vec<usize>,
        most: usize,
        stream: &Stream,
        fold: u32,
    ) -> Vec<usize> {
        if pictures.len() <= most {
            return pictures;
        }
        let mut classes = vec![Vec::new(); self.n_classes];
        for picture in pictures {
            classes[self.labels[picture] as usize].push(picture);
        }
        for (class, pictures) in (0..).zip(&mut classes) {
            pictures.shuffle(&mut stream.at(fold.into(), class));
        }
        let longest = classes.iter().map(Vec::len).max().unwrap_or(0);
        let turns = (0..longest).flat_map(|turn| classes.iter().filter_map(move |c| c.get(turn)));
        let mut drawn: Vec<usize> = turns.copied().take(most).collect();
        drawn.sort_unstable();
        drawn
    }

    /// The codes of the pictures' classes.
    pub(crate) fn labels(&self, pictures: &[usize]) -> Vec<u32> {
        pictures
            .iter()
            .map(|&picture| self.labels[picture])
            .collect()
    }
}

/// Where a row's image stands.
fn place(row: &Fold) -> anyhow::Result<Place> {
    match row.part.as_str() {
        VALIDATION => return Ok(Place::Validation),
        TRAIN => return Ok(Place::Train),
        _ => {}
    }
    let number = row.part.parse();
    number.map(Place::Fold).with_context(|| {
        format!(
            "`{}` is in part `{}`, expected the number of a fold, `{TRAIN}` or `{VALIDATION}`",
            row.path, row.part
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn design(parts: &[&str]) -> anyhow::Result<Design> {
        let row = |(number, part): (usize, &&str)| Fold {
            path: format!("{number}.png"),
            label: ["photo", "art deco"][number % 2].to_owned(),
            author: None,
            part: (*part).to_owned(),
        };
        let rows: Vec<Fold> = parts.iter().enumerate().map(row).collect();
        Design::of(&rows)
    }

    #[test]
    fn the_fold_is_tested_on_and_the_others_are_learned_from() {
        let design = design(&["1", "0", "val", "2", "1"]).unwrap();
        assert_eq!(design.folds(), [0, 1, 2]);
        let parts = |fold| PARTS.map(|part| design.pictures(part, fold));
        assert_eq!(parts(1), [vec![1, 3], vec![0, 4], vec![2]]);
        assert_eq!(parts(0), [vec![0, 3, 4], vec![1], vec![2]]);
        assert_eq!(
            (design.labels(&[0, 1]), design.n_classes()),
            (vec![1, 0], 2)
        );
    }

    #[test]
    fn other_pictures_are_refused() {
        let design = design(&["0", "1"]).unwrap();
        let error = |paths: &[&'static str]| {
            let found = design.check(paths.iter().copied());
            found.unwrap_err().to_string()
        };
        assert_eq!(
            error(&["0.png"]),
            "found 1 pictures, expected the 2 of the folds"
        );
        assert_eq!(
            error(&["0.png", "2.png"]),
            "found the picture `2.png`, expected `1.png` as in the folds"
        );
    }

    #[test]
    fn a_design_without_two_folds_is_refused() {
        let error = |parts: &[&str]| design(parts).err().unwrap().to_string();
        assert!(error(&["0", "val"]).starts_with("the design has 1 folds, expected at least 2"));
        assert_eq!(
            error(&["0", "test"]),
            "`1.png` is in part `test`, expected the number of a fold, `train` or `val`"
        );
    }

    #[test]
    fn a_training_part_is_learned_from_by_every_fold() {
        let design = design(&["train", "0", "val", "train"]).unwrap();
        assert_eq!(design.folds(), [0]);
        let parts = PARTS.map(|part| design.pictures(part, 0));
        assert_eq!(parts, [vec![0, 3], vec![1], vec![2]]);
    }

    #[test]
    fn a_sample_takes_turns_between_the_classes() {
        // Even rows are photos, odd ones art deco: six against two.
        let parts = [["0"; 8], ["1"; 8]].concat();
        let design = design(&parts).unwrap();
        let stream = stage::Seed::new(1).stream("sample");
        let pictures = vec![0, 2, 4, 6, 8, 10, 1, 3];
        let drawn = design.sample(pictures.clone(), 6, &stream, 0);
        assert_eq!(drawn.len(), 6);
        assert!(drawn.is_sorted() && drawn.contains(&1) && drawn.contains(&3));
        assert_eq!(drawn, design.sample(pictures.clone(), 6, &stream, 0));
        assert_eq!(design.sample(pictures.clone(), 8, &stream, 0), pictures);
    }
}
