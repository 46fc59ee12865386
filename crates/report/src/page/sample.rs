//! Images that the page shows one by one: a sample of a large collection, so that the size of the page is bounded.

use std::collections::BTreeSet;

use rand::seq::index::sample;

use crate::draw::format;
use crate::page::annotations::Annotations;
use crate::page::options::Options;

/// Rows of the table of images, as targets of links.
pub(crate) struct Anchors<'a>(Vec<&'a str>);

impl<'a> Anchors<'a> {
    /// Paths of the images that have a row, sorted.
    pub(crate) fn paths(&self) -> &[&'a str] {
        &self.0
    }

    /// The id of an image's row; none where it has no row.
    pub(crate) fn id(&self, path: &str) -> Option<String> {
        let row = self.0.binary_search(&path).ok()?;
        Some(format!("p{row}"))
    }

    /// A link to an image's row; none where it has no row.
    pub(crate) fn link(&self, path: &str) -> Option<String> {
        self.id(path).map(|id| format!("#{id}"))
    }
}

/// Images with a row in the table of images, and images with a dot in the figures.
pub(crate) struct Sample<'a> {
    /// Targets of links to the rows.
    pub(crate) anchors: Anchors<'a>,
    /// Paths; none if every image has a dot.
    dots: Option<BTreeSet<&'a str>>,
    n_images: usize,
}

impl<'a> Sample<'a> {
    /// Rows of `linked` images, to which the page links, and of others drawn at random; dots of images drawn at random.
    pub(crate) fn of(annotations: &'a Annotations, options: &Options, linked: &[String]) -> Self {
        let rows = annotations.iter();
        let mut paths: Vec<&str> = rows.map(|row| row.path.as_str()).collect();
        paths.sort_unstable();
        let n_images = paths.len();
        let draw = |from: &[&'a str], most: usize, purpose: u64| -> BTreeSet<&'a str> {
            // No outcome has this number, so that examples have other draws.
            let mut rng = options.stream.at(u64::MAX, purpose);
            let drawn = sample(&mut rng, from.len(), most.min(from.len())).into_iter();
            drawn.map(|place| from[place]).collect()
        };
        let dots = (n_images > options.max_points).then(|| draw(&paths, options.max_points, 0));
        let known = linked.iter();
        let linked: BTreeSet<&str> = known
            .filter_map(|path| Some(paths[paths.binary_search(&path.as_str()).ok()?]))
            .collect();
        let rows = if n_images > options.max_rows {
            let mut rows = linked;
            let room = options.max_rows.saturating_sub(rows.len());
            paths.retain(|path| !rows.contains(path));
            rows.extend(draw(&paths, room, 1));
            rows.into_iter().collect()
        } else {
            paths
        };
        Self {
            anchors: Anchors(rows),
            dots,
            n_images,
        }
    }

    /// Rows of images that have a dot.
    pub(crate) fn dots<'r, T>(&self, rows: &'r [T], path: impl Fn(&T) -> &str) -> Vec<&'r T> {
        let is_shown = |row: &&T| {
            self.dots
                .as_ref()
                .is_none_or(|dots| dots.contains(path(row)))
        };
        rows.iter().filter(is_shown).collect()
    }

    /// Sentence on the number of images with dots; none if all have one.
    pub(crate) fn note(&self) -> Option<String> {
        let dots = self.dots.as_ref()?;
        Some(format!(
            " The figure shows {} of the {}, drawn at random.",
            format::count(dots.len()),
            format::counted(self.n_images, "image")
        ))
    }
}

#[cfg(test)]
mod tests {
    use random::Seed;
    use table_clusters::Cluster;

    use super::*;
    use crate::page::tables::Rows;
    use crate::tests::fixture::study;

    fn options(max_rows: usize, max_points: usize) -> Options {
        Options {
            examples_per_class: 1,
            max_examples: 10,
            max_points,
            max_rows,
            thumbnail_px: 16,
            stream: Seed::new(1).stream(crate::streams::REPORT_EXAMPLES),
            recipe: crate::Recipe::default(),
        }
    }

    #[test]
    fn a_small_collection_is_shown_whole() {
        let study = study();
        let annotations: Annotations = study.field("annotations").unwrap();
        let clusters: Rows<Cluster> = study.field("clusters").unwrap();
        let n = annotations.len();
        let sample = Sample::of(&annotations, &options(n, n), &[]);
        assert_eq!(sample.note(), None);
        assert_eq!(sample.anchors.paths().len(), n);
        let dots = sample.dots(&clusters, |row| &row.path);
        assert_eq!(dots.len(), clusters.len());
    }

    #[test]
    fn a_large_collection_is_shown_by_its_linked_images_and_a_sample() {
        let annotations: Annotations = study().field("annotations").unwrap();
        let linked = annotations[3].path.clone();
        let unknown = "not in the collection".to_owned();
        let sample = Sample::of(&annotations, &options(5, 4), &[linked.clone(), unknown]);
        assert!(sample.anchors.link(&linked).is_some());
        assert_eq!(sample.anchors.paths().len(), 5);
        assert_eq!(sample.dots(&annotations, |row| &row.path).len(), 4);
        let n = annotations.len();
        let expected = format!(" The figure shows 4 of the {n} images, drawn at random.");
        assert_eq!(sample.note(), Some(expected));
    }
}
