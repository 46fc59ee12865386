//! The layout of a folder: the location of its classes, and of an existing split above them.

use std::collections::{BTreeMap, BTreeSet};

use collection::subset_named;
use tables::Subset;

use crate::names;

/// Location of a folder's classes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The folder that has the classes, or the subsets above them, relative to the one given; empty for that itself.
    pub(crate) base: String,
    /// Folders of an existing split, directly in `base`; the classes stand in each of them.
    pub(crate) subsets: BTreeMap<String, Subset>,
    /// Folders in `base` with images that are neither a subset nor a class.
    pub(crate) beside: Vec<String>,
    /// Subsets beside the folder of the classes that have no classes themselves, as tests of competitions.
    pub(crate) unlabelled: Vec<String>,
}

/// Error: a folder without a valid layout.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// No image.
    Empty,
    /// Images without folders for classes.
    NoClasses {
        /// Their folder, relative to the one given.
        base: String,
        /// Number of images.
        images: usize,
        /// First words of the files' names with their counts, if these look like classes; the most frequent first.
        words: Vec<(String, usize)>,
    },
    /// Folders of a split without folders for classes in them.
    FlatSplit {
        /// The folder that holds them, relative to the one given.
        base: String,
        /// Folders of the split.
        subsets: Vec<String>,
        /// First words of the files' names, as above.
        words: Vec<(String, usize)>,
    },
    /// All images are in one folder.
    OneClass {
        /// Its path, relative to the one given.
        class: String,
        /// Number of images.
        images: usize,
    },
}

/// A folder directly in the base.
#[derive(Debug, Default)]
struct Top<'a> {
    images: usize,
    /// Names of the folders in it that hold images.
    inner: BTreeSet<&'a str>,
}

/// Finds the classes by the paths of images, relative to the folder and with `/`.
///
/// A folder that has nothing but one folder with folders of images is passed through: the classes are one level deeper.
///
/// # Errors
/// There are no two folders that could be classes.
pub(crate) fn layout(images: &[&str]) -> Result<Layout, Unfit> {
    if images.is_empty() {
        return Err(Unfit::Empty);
    }
    let mut base = String::new();
    loop {
        let (tops, outside) = tops(images, &base);
        if tops.is_empty() {
            let words = words(images.iter().copied());
            return Err(Unfit::NoClasses {
                base,
                images: outside,
                words,
            });
        }
        let subsets = subsets(&tops);
        if !subsets.is_empty() {
            return split(images, base, subsets, &tops);
        }
        match deeper(&tops) {
            None if tops.len() > 1 => {
                return Ok(Layout {
                    base,
                    ..Layout::default()
                });
            }
            None => {
                let (name, top) = tops
                    .iter()
                    .next()
                    .map_or(("", 0), |(name, top)| (*name, top.images));
                return Err(Unfit::OneClass {
                    class: join(&base, name),
                    images: top,
                });
            }
            Some(name) => base = join(&base, name),
        }
    }
}

/// Folders directly in `base`, and the number of images beside them.
fn tops<'a>(images: &[&'a str], base: &str) -> (BTreeMap<&'a str, Top<'a>>, usize) {
    let mut tops: BTreeMap<&str, Top> = BTreeMap::new();
    let mut outside = 0;
    for path in images.iter().filter_map(|path| below(path, base)) {
        let Some((top, rest)) = path.split_once('/') else {
            outside += 1;
            continue;
        };
        let top = tops.entry(top).or_default();
        top.images += 1;
        top.inner
            .extend(rest.split_once('/').map(|(inner, _)| inner));
    }
    (tops, outside)
}

/// `path` relative to the folder `base`, if it is below it.
pub(crate) fn below<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    if base.is_empty() {
        return Some(path);
    }
    path.strip_prefix(base)?.strip_prefix('/')
}

fn join(base: &str, name: &str) -> String {
    if base.is_empty() {
        name.to_owned()
    } else {
        format!("{base}/{name}")
    }
}

/// The folders of a split: at least two subsets, one of them for training.
fn subsets(tops: &BTreeMap<&str, Top>) -> BTreeMap<String, Subset> {
    let named = tops
        .keys()
        .filter_map(|&name| Some((name.to_owned(), subset_named(name)?)));
    let found: BTreeMap<String, Subset> = named.collect();
    let kinds: BTreeSet<Subset> = found.values().copied().collect();
    if kinds.len() > 1 && kinds.contains(&Subset::Train) {
        found
    } else {
        BTreeMap::new()
    }
}

/// The layout with an existing split.
fn split(
    images: &[&str],
    base: String,
    subsets: BTreeMap<String, Subset>,
    tops: &BTreeMap<&str, Top>,
) -> Result<Layout, Unfit> {
    let of_subset = |name: &str| tops[name].inner.iter().copied();
    let train = subsets.iter().find(|(_, subset)| **subset == Subset::Train);
    let classes: BTreeSet<&str> = train
        .into_iter()
        .flat_map(|(name, _)| of_subset(name))
        .collect();
    if classes.is_empty() {
        let words = words(images.iter().copied());
        return Err(Unfit::FlatSplit {
            base,
            subsets: subsets.into_keys().collect(),
            words,
        });
    }
    if classes.len() == 1 {
        let class = classes.into_iter().next().unwrap_or_default().to_owned();
        return Err(Unfit::OneClass {
            class,
            images: images.len(),
        });
    }
    let labelled: Vec<&String> = { subsets.keys() }
        .filter(|name| !tops[name.as_str()].inner.is_empty())
        .collect();
    if let [only] = labelled[..] {
        let others = subsets.keys().filter(|name| *name != only);
        return Ok(Layout {
            base: join(&base, only),
            unlabelled: others.cloned().collect(),
            ..Layout::default()
        });
    }
    let beside = tops.keys().filter(|name| !subsets.contains_key(**name));
    let beside = beside.map(|&name| name.to_owned()).collect();
    Ok(Layout {
        base,
        subsets,
        beside,
        ..Layout::default()
    })
}

/// The folder of the classes, if it is the only one with images, or all others are auxiliary.
fn deeper<'a>(tops: &BTreeMap<&'a str, Top>) -> Option<&'a str> {
    let mut main = tops.iter().filter(|(name, _)| !names::is_auxiliary(name));
    let (name, top) = main.next().or_else(|| tops.iter().next())?;
    let is_alone = tops.len() == 1 || (main.next().is_none() && names::is_generic(name));
    (is_alone && !top.inner.is_empty()).then_some(*name)
}

/// The classes that names of files begin with: the name without its number, if that makes at least two words which all
/// occur several times.
pub(crate) fn words<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut n = 0;
    for path in paths {
        let word = word(path);
        n += 1;
        *counts.entry(word).or_default() += 1;
    }
    counts.remove("");
    let is_class = counts.len() > 1
        && counts.values().all(|&count| count > 1)
        && counts.len() * 4 <= n
        && !counts.keys().all(|word| names::is_prefix(word));
    if !is_class {
        return Vec::new();
    }
    let mut words: Vec<(String, usize)> = counts.into_iter().collect();
    words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    words
}

/// The name of a file up to its number: `cat` of `x/cat.12.jpg`, `american_bulldog` of `american_bulldog_7.jpg`.
pub(crate) fn word(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let is_end = |c: char| c.is_ascii_digit() || "._- ()#".contains(c);
    stem.trim_end_matches(is_end).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(paths: &[&str]) -> Result<Layout, Unfit> {
        layout(paths)
    }

    #[test]
    fn classes_stand_on_top() {
        let layout = of(&["cat/1.png", "dog/ada/2.png", "loose.png"]).unwrap();
        assert_eq!(layout, Layout::default());
    }

    #[test]
    fn a_single_folder_is_passed_through() {
        let layout = of(&["data/images/cat/1.png", "data/images/dog/2.png"]).unwrap();
        assert_eq!(layout.base, "data/images");
        // Masks beside images are no class.
        let layout = of(&["images/cat/1.png", "images/dog/2.png", "masks/cat/1.png"]).unwrap();
        assert_eq!(layout.base, "images");
    }

    #[test]
    fn an_existing_split_is_recognized() {
        let layout = of(&["x/train/cat/1.png", "x/train/dog/2.png", "x/Val/cat/3.png"]).unwrap();
        assert_eq!(layout.base, "x");
        let subsets = [("Val", Subset::Validation), ("train", Subset::Train)];
        assert_eq!(
            layout.subsets,
            subsets
                .map(|(name, subset)| (name.to_owned(), subset))
                .into()
        );
        // A test without classes is no subset that could be scored.
        let layout = of(&["train/cat/1.png", "train/dog/2.png", "test/3.png"]).unwrap();
        assert_eq!((layout.base.as_str(), layout.subsets.len()), ("train", 0));
        assert_eq!(layout.unlabelled, ["test"]);
        // Classes named `test` and `dev` are classes.
        let layout = of(&["test/1.png", "dev/2.png", "other/3.png"]).unwrap();
        assert!(layout.subsets.is_empty());
    }

    #[test]
    fn a_split_without_classes_is_refused() {
        let error = of(&["train/1.png", "test/2.png"]).unwrap_err();
        let subsets = vec!["test".to_owned(), "train".to_owned()];
        assert_eq!(
            error,
            Unfit::FlatSplit {
                base: String::new(),
                subsets,
                words: Vec::new()
            }
        );
    }

    #[test]
    fn one_class_is_refused() {
        let error = of(&["cat/1.png", "cat/2.png"]).unwrap_err();
        assert_eq!(
            error,
            Unfit::OneClass {
                class: "cat".into(),
                images: 2
            }
        );
        assert_eq!(of(&[]), Err(Unfit::Empty));
    }

    #[test]
    fn classes_in_names_of_a_flat_folder_are_listed() {
        let names: Vec<String> = (0..6)
            .flat_map(|i| [format!("cat.{i}.jpg"), format!("great_dane_{i}.jpg")])
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let Err(Unfit::NoClasses {
            images: 12, words, ..
        }) = of(&names)
        else {
            panic!("expected no classes");
        };
        assert_eq!(words, [("cat".to_owned(), 6), ("great_dane".to_owned(), 6)]);
        let running: Vec<String> = (0..9).map(|i| format!("IMG_{i:04}.jpg")).collect();
        let running: Vec<&str> = running.iter().map(String::as_str).collect();
        assert!(matches!(of(&running), Err(Unfit::NoClasses { words, .. }) if words.is_empty()));
    }
}
