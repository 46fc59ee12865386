//! Invented authors, their habits, and titles.

use random::Seed;

use crate::dice::Dice;
use crate::encode::Format;
use crate::hand::Hand;
use crate::streams;
use crate::styles::{STYLES, Style};

/// An image to be painted.
#[derive(Clone, Debug)]
pub struct Commission {
    /// Index into [`STYLES`].
    pub(crate) style: usize,
    /// Index in the style.
    pub(crate) number: usize,
    pub(crate) hand: Hand,
    pub(crate) format: Format,
    stem: String,
}

impl Commission {
    pub(crate) fn style(&self) -> &'static Style {
        &STYLES[self.style]
    }

    /// Folder and file name.
    pub fn path(&self) -> String {
        let (folder, extension) = (self.style().folder, self.format.extension());
        format!("{folder}/{}.{extension}", self.stem)
    }
}

/// All images: `images` of each style, by `authors` authors, 1 to `images`, where a style has authors.
pub fn commissions(seed: Seed, images: usize, authors: usize) -> Vec<Commission> {
    let stream = seed.stream(streams::COMMISSION);
    let mut commissions = Vec::new();
    for (index, style) in STYLES.iter().enumerate() {
        for (number, &rank) in shares(images, authors).iter().enumerate() {
            let mut dice = Dice::new(stream.at(index as u64, number as u64));
            let title = title(style, number, &mut dice);
            let (hand, stem) = if style.has_authors {
                let name = author_name(author_id(index, rank, authors));
                let mut habits = Dice::new(seed.stream(streams::HAND).at(name.1, 0));
                (
                    Hand::new(follows(rank), &mut habits),
                    format!("{}_{title}", name.0),
                )
            } else {
                (Hand::new(follows(rank), &mut dice), title)
            };
            commissions.push(Commission {
                style: index,
                number,
                hand,
                format: if dice.chance(style.jpeg_share) {
                    Format::Jpeg
                } else {
                    Format::Png
                },
                stem,
            });
        }
    }
    commissions
}

/// The author of each image, by rank: the last two authors have one image, the others the more the earlier they
/// come.
fn shares(images: usize, authors: usize) -> Vec<usize> {
    let weights: Vec<usize> = (0..authors).map(|rank| 2 * authors - rank).collect();
    let singles = if authors > 4 { 2 } else { 0 };
    let mut counts = vec![1; authors];
    let mut left = images.saturating_sub(authors);
    let receivers = authors - singles;
    let total: usize = weights[..receivers].iter().sum();
    for rank in 0..receivers {
        let share = (images - authors) * weights[rank] / total;
        counts[rank] += share;
        left -= share;
    }
    // The remainder of the division, one each.
    for rank in 0..left {
        counts[rank % receivers] += 1;
    }
    let by_author = counts.iter().enumerate();
    by_author
        .flat_map(|(rank, &count)| std::iter::repeat_n(rank, count))
        .collect()
}

/// A number for each author. The third author of a style is also the third of the style next to it, so that some work
/// in two styles.
fn author_id(style: usize, rank: usize, authors: usize) -> usize {
    let style = if rank == 2 { style / 2 * 2 } else { style };
    style * authors + rank
}

/// Whether the author of a rank follows another style: every fourth does, so that each style has some.
fn follows(rank: usize) -> bool {
    rank % 4 == 1
}

const GIVEN: [&str; 16] = [
    "ada", "bruno", "celia", "dorian", "elske", "fausto", "greta", "hiro", "ines", "jonas", "kaya",
    "lorenz", "mirela", "nils", "odile", "piet",
];

const FAMILY: [&str; 16] = [
    "ambrel",
    "brastow",
    "corvain",
    "delmoor",
    "estrand",
    "falkenau",
    "grisolle",
    "hasterling",
    "imbaro",
    "jorvick",
    "kessandre",
    "lumenza",
    "marrowby",
    "nordhagen",
    "ostravel",
    "quillane",
];

/// A name by number and the number itself; 256 names without a numeral, then with one.
fn author_name(id: usize) -> (String, u64) {
    let (given, family) = (GIVEN[id % 16], FAMILY[(id / 16 + 7 * id) % 16]);
    let numeral = match id / 256 {
        0 => String::new(),
        n => format!("-{}", n + 1),
    };
    (format!("{given}-{family}{numeral}"), id as u64)
}

/// A title, unique in its style by its number.
fn title(style: &Style, number: usize, dice: &mut Dice) -> String {
    let (subject, mood) = (dice.pick(style.subjects), dice.pick(&MOODS));
    format!("{subject}-{mood}-{}", number + 1)
}

const MOODS: [&str; 8] = [
    "at-dawn",
    "in-march",
    "by-the-sea",
    "at-rest",
    "in-blue",
    "for-two",
    "after-rain",
    "study",
];

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn paths_are_unique() {
        let all = commissions(Seed::new(1), 40, 9);
        let paths: BTreeSet<String> = all.iter().map(Commission::path).collect();
        assert_eq!(paths.len(), 320);
    }

    #[test]
    fn some_authors_have_two_styles_and_some_one_image() {
        let mut works: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for commission in commissions(Seed::new(1), 40, 9) {
            if commission.style().has_authors {
                let author = commission.stem.split('_').next().unwrap();
                works
                    .entry(author.to_owned())
                    .or_default()
                    .push(commission.style);
            }
        }
        assert_eq!(works.len(), 6 * 9 - 3);
        let single = works.values().filter(|works| works.len() == 1).count();
        assert_eq!(single, 12);
        let double = works.values().filter(|works| works.first() != works.last());
        assert_eq!(double.count(), 3);
    }

    #[test]
    fn every_style_has_authors_who_follow_another() {
        let mut followers: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for commission in commissions(Seed::new(1), 40, 9) {
            if commission.style().has_authors && commission.hand.openness > 0.4 {
                let author = commission.stem.split('_').next().unwrap();
                followers
                    .entry(commission.style)
                    .or_default()
                    .insert(author.to_owned());
            }
        }
        assert_eq!(followers.len(), 6);
        assert!(followers.values().all(|authors| authors.len() == 2));
    }

    #[test]
    fn every_image_has_an_author() {
        for (images, authors) in [(1, 1), (5, 5), (40, 9), (7, 6), (100, 3)] {
            let shares = shares(images, authors);
            assert_eq!(shares.len(), images);
            assert_eq!(shares.last(), Some(&(authors - 1)));
        }
    }
}
