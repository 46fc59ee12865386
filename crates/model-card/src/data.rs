//! The images that the model was made from.

use std::collections::{BTreeMap, BTreeSet};

use table_annotations::Annotation;
use table_folds::Fold;
use table_near_duplicates::NearDuplicate;
use tables::Assignment;

use crate::markdown::{count, escaped, table};

/// Counts of the collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// Counts of each class, by name.
    pub classes: BTreeMap<String, ClassCounts>,
    /// Number of authors.
    pub authors: usize,
    /// Number of folds.
    pub folds: usize,
    /// Number of test images.
    pub test: usize,
    /// Number of authors of test images.
    pub test_authors: usize,
    /// SHA-256 of the images, as [`digests::of_images`].
    pub images_sha256: String,
    /// SHA-256 of the labels, as [`digests::of_labels`].
    pub labels_sha256: String,
    /// Groups of near-duplicates.
    pub near_duplicates: NearDuplicates,
}

/// Counts of a class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassCounts {
    /// Number of images.
    pub images: usize,
    /// The known authors.
    pub authors: BTreeSet<String>,
    /// Number of images without a known author.
    pub without_author: usize,
    /// Number of test images.
    pub test: usize,
}

/// Counts of groups of near-duplicates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NearDuplicates {
    /// Number of images that have copies.
    pub images: usize,
    /// Number of groups.
    pub groups: usize,
    /// Groups with images of several classes.
    pub conflicts: usize,
    /// Groups with images in several folds, or in a fold and in the test set.
    pub split: usize,
}

impl Data {
    /// Counts of `annotations`, assigned as in `folds`.
    pub fn of(
        annotations: &[Annotation],
        folds: &[Fold],
        near_duplicates: &[NearDuplicate],
    ) -> Self {
        let assignments: BTreeMap<&str, Assignment> = { folds.iter() }
            .map(|row| (row.path.as_str(), row.fold))
            .collect();
        let is_test = |path: &str| assignments.get(path) == Some(&Assignment::Test);
        let mut classes: BTreeMap<String, ClassCounts> = BTreeMap::new();
        let (mut authors, mut test_authors) = (BTreeSet::new(), BTreeSet::new());
        for row in annotations {
            let class = classes.entry(row.label.clone()).or_default();
            class.images += 1;
            class.test += usize::from(is_test(&row.path));
            match &row.author {
                Some(author) => {
                    class.authors.insert(author.clone());
                    authors.insert(author);
                    if is_test(&row.path) {
                        test_authors.insert(author);
                    }
                }
                None => class.without_author += 1,
            }
        }
        let folds: BTreeSet<u32> = { folds.iter() }
            .filter_map(|row| match row.fold {
                Assignment::Fold(fold) => Some(fold),
                Assignment::Train | Assignment::Test => None,
            })
            .collect();
        Self {
            test: classes.values().map(|class| class.test).sum(),
            classes,
            authors: authors.len(),
            test_authors: test_authors.len(),
            folds: folds.len(),
            images_sha256: digests::of_images(annotations),
            labels_sha256: digests::of_labels(annotations),
            near_duplicates: NearDuplicates::of(near_duplicates, &assignments),
        }
    }

    /// Number of images.
    pub(crate) fn images(&self) -> usize {
        self.classes.values().map(|class| class.images).sum()
    }

    /// Number of images without a known author.
    pub(crate) fn without_author(&self) -> usize {
        self.classes
            .values()
            .map(|class| class.without_author)
            .sum()
    }

    /// Section of the card.
    pub(crate) fn section(&self) -> String {
        let rows: Vec<Vec<String>> = { self.classes.iter() }
            .map(|(label, class)| {
                let counts = [
                    class.images,
                    class.test,
                    class.authors.len(),
                    class.without_author,
                ];
                let counts = counts.map(|count| count.to_string());
                [escaped(label)].into_iter().chain(counts).collect()
            })
            .collect();
        let head = [
            "class",
            "images",
            "of them test images",
            "authors",
            "images without a known author",
        ];
        format!(
            "## Data\n\n{} of {} by {}; {} in {}, {} in the test set. Images: SHA-256 `{}` of the lines that \
             `b3sum` prints for them, sorted by path. Labels: SHA-256 `{}` of the lines of path, class, author and \
             existing split, with tabs between them. Section “Recipe” of the report has the same.\n\n{}",
            count(self.images(), "image"),
            count_classes(self.classes.len()),
            count(self.authors, "known author"),
            self.images() - self.test,
            count(self.folds, "fold"),
            self.test,
            self.images_sha256,
            self.labels_sha256,
            table(&head, 1, &rows)
        )
    }
}

/// `1 class`, `2 classes`.
pub(crate) fn count_classes(n: usize) -> String {
    let plural = if n == 1 { "" } else { "es" };
    format!("{n} class{plural}")
}

impl NearDuplicates {
    fn of(rows: &[NearDuplicate], assignments: &BTreeMap<&str, Assignment>) -> Self {
        let mut groups: BTreeMap<u32, Vec<&NearDuplicate>> = BTreeMap::new();
        for row in rows {
            groups.entry(row.group).or_default().push(row);
        }
        let is_split = |group: &&Vec<&NearDuplicate>| {
            let assigned = group
                .iter()
                .map(|row| assignments.get(row.path.as_str()).map(ToString::to_string));
            assigned.collect::<BTreeSet<_>>().len() > 1
        };
        Self {
            images: rows.len(),
            groups: groups.len(),
            conflicts: { groups.values() }
                .filter(|group| group.iter().any(|row| row.conflict))
                .count(),
            split: groups.values().filter(is_split).count(),
        }
    }
}
