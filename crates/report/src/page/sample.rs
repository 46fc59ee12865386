//! Which images of a large collection the page shows one by one: its size is bounded, whatever theirs.

use std::collections::BTreeSet;

use rand::seq::index::sample;

use crate::Options;
use crate::draw::format;
use crate::page::tables::{Anchors, Study};

/// The images with a row in the table of all images, and those with a dot in the drawings.
pub(crate) struct Shown<'a> {
    /// Links to the rows.
    pub(crate) anchors: Anchors<'a>,
    /// Paths; none where every image has a dot.
    dots: Option<BTreeSet<&'a str>>,
    n_images: usize,
}

impl<'a> Shown<'a> {
    /// Rows of `linked` images, which the page links to, and of others drawn by chance; dots of images drawn by chance.
    pub(crate) fn of(study: &'a Study, options: &Options, linked: &[&'a str]) -> Self {
        let rows = study.annotations.iter();
        let mut paths: Vec<&str> = rows.map(|row| row.path.as_str()).collect();
        paths.sort_unstable();
        let n_images = paths.len();
        let draw = |from: &[&'a str], most: usize, purpose: u64| -> BTreeSet<&'a str> {
            // Beyond the places of the examples: no outcome has this number.
            let mut rng = options.stream.at(u64::MAX, purpose);
            let drawn = sample(&mut rng, from.len(), most.min(from.len())).into_iter();
            drawn.map(|place| from[place]).collect()
        };
        let dots = (n_images > options.max_points).then(|| draw(&paths, options.max_points, 0));
        let rows = if n_images > options.max_rows {
            let known = linked.iter().copied();
            let mut rows: BTreeSet<&str> = known
                .filter(|path| paths.binary_search(path).is_ok())
                .collect();
            let room = options.max_rows.saturating_sub(rows.len());
            paths.retain(|path| !rows.contains(path));
            rows.extend(draw(&paths, room, 1));
            rows.into_iter().collect()
        } else {
            paths
        };
        Self {
            anchors: Anchors::of(rows),
            dots,
            n_images,
        }
    }

    /// Those of `rows` whose image has a dot.
    pub(crate) fn dots<'r, T>(&self, rows: &'r [T], path: impl Fn(&T) -> &str) -> Vec<&'r T> {
        let is_shown = |row: &&T| {
            self.dots
                .as_ref()
                .is_none_or(|dots| dots.contains(path(row)))
        };
        rows.iter().filter(is_shown).collect()
    }

    /// A sentence on how many images have dots, where not all do.
    pub(crate) fn words(&self) -> Option<String> {
        let dots = self.dots.as_ref()?;
        Some(format!(
            " The drawing shows {} of the {}, drawn by chance.",
            format::count(dots.len()),
            format::counted(self.n_images, "image")
        ))
    }
}

#[cfg(test)]
mod tests {
    use random::Seed;

    use super::*;
    use crate::tests::study;

    fn options(max_rows: usize, max_points: usize) -> Options {
        Options {
            examples_per_class: 1,
            max_examples: 10,
            max_points,
            max_rows,
            thumbnail_px: 16,
            stream: Seed::new(1).stream("render examples"),
        }
    }

    #[test]
    fn a_small_collection_is_shown_whole() {
        let study = study();
        let n = study.annotations.len();
        let shown = Shown::of(&study, &options(n, n), &[]);
        assert_eq!(shown.words(), None);
        assert_eq!(shown.anchors.paths().len(), n);
        let dots = shown.dots(&study.clusters, |row| &row.path);
        assert_eq!(dots.len(), study.clusters.len());
    }

    #[test]
    fn a_large_collection_is_shown_by_its_linked_images_and_a_sample() {
        let study = study();
        let linked = study.annotations[3].path.as_str();
        let shown = Shown::of(&study, &options(5, 4), &[linked, "not in the collection"]);
        assert!(shown.anchors.link(linked).is_some());
        assert_eq!(shown.anchors.paths().len(), 5);
        assert_eq!(shown.dots(&study.annotations, |row| &row.path).len(), 4);
        let n = study.annotations.len();
        let expected = format!(" The drawing shows 4 of the {n} images, drawn by chance.");
        assert_eq!(shown.words(), Some(expected));
    }
}
