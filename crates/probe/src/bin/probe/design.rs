//! Which pictures a fold learns from, and which it is tested on.

use anyhow::{Context, ensure};
use forest::Classes;
use tables::fold::{Fold, VALIDATION};

/// The parts of a fold's pictures.
pub(crate) const PARTS: [&str; 3] = ["train", "test", "val"];

/// The pictures in the order of their paths, their classes and folds.
pub(crate) struct Design {
    paths: Vec<String>,
    labels: Vec<u32>,
    /// None for validation.
    numbers: Vec<Option<u32>>,
    n_classes: usize,
    folds: Vec<u32>,
}

impl Design {
    pub(crate) fn of(rows: &[Fold]) -> anyhow::Result<Self> {
        let classes = Classes::of(rows.iter().map(|row| row.label.as_str()));
        let numbers: Vec<Option<u32>> = rows.iter().map(number).collect::<Result<_, _>>()?;
        let mut folds: Vec<u32> = numbers.iter().flatten().copied().collect();
        folds.sort_unstable();
        folds.dedup();
        ensure!(
            folds.len() > 1,
            "the design has {} folds, expected at least 2: one is tested on and the others are learned from",
            folds.len()
        );
        let codes = rows.iter().filter_map(|row| classes.code(&row.label));
        Ok(Self {
            paths: rows.iter().map(|row| row.path.clone()).collect(),
            labels: codes.collect(),
            numbers,
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
        let is_part = |number: Option<u32>| match number {
            None => part == "val",
            Some(number) if number == fold => part == "test",
            Some(_) => part == "train",
        };
        let pictures = 0..self.numbers.len();
        pictures
            .filter(|&picture| is_part(self.numbers[picture]))
            .collect()
    }

    /// The codes of the pictures' classes.
    pub(crate) fn labels(&self, pictures: &[usize]) -> Vec<u32> {
        pictures
            .iter()
            .map(|&picture| self.labels[picture])
            .collect()
    }
}

/// The number of a row's fold; none for validation.
fn number(row: &Fold) -> anyhow::Result<Option<u32>> {
    if row.part == VALIDATION {
        return Ok(None);
    }
    let number = row.part.parse();
    number.map(Some).with_context(|| {
        format!(
            "`{}` is in part `{}`, expected the number of a fold or `{VALIDATION}`",
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
            "`1.png` is in part `test`, expected the number of a fold or `val`"
        );
    }
}
