//! Candidates for the grouping of images by author, and the choice among them.
//!
//! A candidate is a pattern of file names or sub-folders, or a column of a table. It is evaluated by the values that it
//! gives the images: authors have several images, a class has several authors, and an author isn't a class, a running
//! number or a word that cameras begin names with.

use std::collections::{BTreeMap, BTreeSet};

use collection::Pattern;

use crate::names;

/// Texts that stand between author and title in names of files, the likeliest first.
const SEPARATORS: [&str; 8] = ["__", " - ", " by ", "_", "-", " ", ".", "@"];

/// Share of a class's images with a value from which on the class counts as one with authors.
const COVERED: f64 = 0.5;

/// An image for the search of its author.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'a> {
    /// Class, as parameters name it.
    pub(crate) label: &'a str,
    /// Path below the class folder, with `/`.
    pub(crate) below: &'a str,
}

/// Source of the authors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// `annotate.author_pattern` on the file name.
    Name(String),
    /// `annotate.author_pattern` with `/`.
    Folders(String),
    /// A column of a table.
    Column(String),
}

impl Source {
    /// The pattern, if it is one.
    pub(crate) fn pattern(&self) -> Option<&str> {
        match self {
            Self::Name(pattern) | Self::Folders(pattern) => Some(pattern),
            Self::Column(_) => None,
        }
    }
}

/// A candidate with its counts.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) source: Source,
    /// Distinct authors.
    pub(crate) authors: usize,
    /// Images with an author.
    pub(crate) images: usize,
    /// Authors with images in several classes.
    pub(crate) in_several_classes: usize,
    /// Classes without authors under this candidate.
    pub(crate) without: Vec<String>,
    /// Values that mean "no author", as found.
    pub(crate) no_author: Vec<String>,
    /// Share of images of classes with authors that have no value.
    pub(crate) unmatched: usize,
    /// Images of the author with the most.
    pub(crate) largest: (String, usize),
    /// Reason against it; none if it is accepted.
    pub(crate) refusal: Option<String>,
    /// Rank among the accepted; the greater, the better.
    score: f64,
}

/// All candidates that give at least some image a value, the accepted ones first and the best of these at the front.
///
/// `columns` are author columns of a table: a name, and the value of each item.
pub(crate) fn candidates(
    items: &[Item<'_>],
    columns: &[(String, Vec<Option<String>>)],
) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (name, values) in columns {
        found.push(evaluate(Source::Column(name.clone()), items, values, 3.0));
    }
    for pattern in folder_patterns(items) {
        let values = values_of(&pattern, items);
        found.push(evaluate(Source::Folders(pattern), items, &values, 2.0));
    }
    for (rank, (pattern, separator)) in name_patterns().into_iter().enumerate() {
        let values = values_of(&pattern, items);
        if values.iter().all(Option::is_none) {
            continue;
        }
        let bonus = single(items, separator) - 0.01 * rank as f64;
        found.push(evaluate(Source::Name(pattern), items, &values, bonus));
    }
    found.sort_by(|a, b| {
        let accepted = a.refusal.is_some().cmp(&b.refusal.is_some());
        accepted.then_with(|| b.score.total_cmp(&a.score))
    });
    found
}

/// The author of each item by a pattern.
pub(crate) fn values_of(pattern: &str, items: &[Item<'_>]) -> Vec<Option<String>> {
    let Ok(pattern) = pattern.parse::<Pattern>() else {
        return vec![None; items.len()];
    };
    let author = |item: &Item| pattern.apply(item.below)?.author;
    items.iter().map(author).collect()
}

/// Patterns of names, each with its separator: the author first, then behind, then between two others.
fn name_patterns() -> Vec<(String, &'static str)> {
    // The text before " by " is a title.
    let first = SEPARATORS.iter().filter(|separator| **separator != " by ");
    let first = first.map(|s| (format!("{{author}}{s}{{title}}"), *s));
    let behind = SEPARATORS.map(|s| (format!("{{title}}{s}{{author}}"), s));
    let second = ["_", "-"].map(|s| (format!("{{*}}{s}{{author}}{s}{{title}}"), s));
    first.chain(behind).chain(second).collect()
}

/// Patterns of sub-folders: the outermost below the class, then the second, as deep as most images stand.
fn folder_patterns(items: &[Item<'_>]) -> Vec<String> {
    let mut depths: BTreeMap<usize, usize> = BTreeMap::new();
    for item in items {
        *depths.entry(item.below.matches('/').count()).or_default() += 1;
    }
    depths.remove(&0);
    let Some((&depth, _)) = depths.iter().max_by_key(|(_, count)| **count) else {
        return Vec::new();
    };
    let level = |author: usize| {
        let folders = (0..depth).map(|at| if at == author { "{author}" } else { "{*}" });
        folders.chain(["{title}"]).collect::<Vec<_>>().join("/")
    };
    (0..depth.min(3)).map(level).collect()
}

/// Share of names in which `separator` occurs once.
fn single(items: &[Item<'_>], separator: &str) -> f64 {
    let stem = |item: &Item| {
        let name = item.below.rsplit('/').next().unwrap_or_default().to_owned();
        name.rsplit_once('.')
            .map_or(name.clone(), |(stem, _)| stem.to_owned())
    };
    let once = items
        .iter()
        .filter(|item| stem(item).matches(separator).count() == 1)
        .count();
    once as f64 / items.len().max(1) as f64
}

/// The values of one class.
#[derive(Debug, Default)]
struct OfClass<'a> {
    images: usize,
    /// Images that have a value; "no author" is one.
    named: usize,
    /// Images by author.
    authors: BTreeMap<&'a str, usize>,
}

/// Counts of a candidate, and the reason against it.
fn evaluate(
    source: Source,
    items: &[Item<'_>],
    values: &[Option<String>],
    bonus: f64,
) -> Candidate {
    let no_author = no_author(values);
    let mut classes: BTreeMap<&str, OfClass> = BTreeMap::new();
    for (item, value) in items.iter().zip(values) {
        let class = classes.entry(item.label).or_default();
        class.images += 1;
        let Some(value) = value else { continue };
        class.named += 1;
        if !no_author.contains(value) {
            *class.authors.entry(value).or_default() += 1;
        }
    }
    let is_column = matches!(source, Source::Column(_));
    let without: BTreeSet<&str> = { classes.iter() }
        .filter(|(label, class)| {
            // The name of a column marks it as one of authors.
            !class.has_authors(label) && (!is_column || class.authors.is_empty())
        })
        .map(|(label, _)| *label)
        .collect();
    let kept = || {
        classes
            .iter()
            .filter(|(label, _)| !without.contains(*label))
    };
    let mut totals: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (author, count) in kept().flat_map(|(_, class)| &class.authors) {
        let total = totals.entry(author).or_default();
        *total = (total.0 + count, total.1 + 1);
    }
    let largest = totals.iter().max_by_key(|(_, total)| total.0);
    let largest = largest.map_or((String::new(), 0), |(name, total)| {
        ((*name).to_owned(), total.0)
    });
    let mut candidate = Candidate {
        authors: totals.len(),
        images: totals.values().map(|total| total.0).sum(),
        in_several_classes: totals.values().filter(|total| total.1 > 1).count(),
        without: without.iter().map(|&label| label.to_owned()).collect(),
        no_author: no_author.iter().cloned().collect(),
        unmatched: kept().map(|(_, class)| class.images - class.named).sum(),
        largest,
        refusal: None,
        score: 0.0,
        source,
    };
    candidate.refusal = refusal(&candidate, items.len(), &classes, &without, &totals);
    let covered = candidate.images as f64 / items.len().max(1) as f64;
    candidate.score = covered + bonus;
    candidate
}

impl OfClass<'_> {
    /// Returns whether most images have a value, and the values are more than the class's own name or one word.
    fn has_authors(&self, label: &str) -> bool {
        let is_named = self.named as f64 > COVERED * self.images as f64;
        let is_label = |author: &str| names::key(author) == names::key(label);
        let one_word = self.authors.len() == 1 && self.images > 1;
        let is_prefix = one_word
            && self
                .authors
                .keys()
                .all(|author| is_label(author) || names::is_prefix(author));
        is_named && !self.authors.is_empty() && !is_prefix
    }
}

/// Values that mean "no author": by their words, or because one value holds most images of most classes.
fn no_author(values: &[Option<String>]) -> BTreeSet<String> {
    let named = values.iter().flatten();
    named
        .filter(|value| names::is_no_author(value))
        .cloned()
        .collect()
}

/// The reason against a candidate.
fn refusal(
    candidate: &Candidate,
    n_items: usize,
    classes: &BTreeMap<&str, OfClass<'_>>,
    without: &BTreeSet<&str>,
    totals: &BTreeMap<&str, (usize, usize)>,
) -> Option<String> {
    let n = candidate.images;
    let kept = || {
        classes
            .iter()
            .filter(|(label, _)| !without.contains(*label))
            .map(|(_, class)| class)
    };
    let n_kept = kept().count();
    if n_kept == 0 {
        let one = classes.values().filter(|class| class.named > 0);
        return Some(
            if one.clone().count() > 0 && one.clone().all(|class| class.authors.len() == 1) {
                "all names of a class begin alike".to_owned()
            } else {
                "most names don't follow it".to_owned()
            },
        );
    }
    if matches!(candidate.source, Source::Column(_)) {
        return of_column(totals.len(), n);
    }
    let of_all: usize = classes.values().map(|class| class.images).sum();
    if n * 5 < of_all {
        return Some(format!("{n} of {n_items} images follow it"));
    }
    let singles = kept().filter(|class| class.authors.len() == 1).count();
    if singles * 2 > n_kept {
        return Some("an author for each class: these are names of classes".to_owned());
    }
    let words: usize = totals
        .iter()
        .filter(|(name, _)| names::is_bare_prefix(name))
        .map(|(_, total)| total.0)
        .sum();
    if words * 2 > n {
        return Some("the words are those that cameras and programs begin names with".to_owned());
    }
    let labels: BTreeSet<String> = classes.keys().map(|label| names::key(label)).collect();
    let as_labels: usize = totals
        .iter()
        .filter(|(name, _)| labels.contains(&names::key(name)))
        .map(|(_, t)| t.0)
        .sum();
    if as_labels * 2 > n {
        return Some("the words are names of classes".to_owned());
    }
    let begins = |class: &str, author: &str| names::key(author).starts_with(&names::key(class));
    let with_label: usize = { classes.iter() }
        .filter(|(label, _)| !without.contains(*label))
        .flat_map(|(label, class)| class.authors.iter().filter(|(name, _)| begins(label, name)))
        .map(|(_, count)| count)
        .sum();
    if with_label * 2 > n {
        return Some("the words begin with the class".to_owned());
    }
    let splits = totals
        .keys()
        .filter(|name| collection::subset_named(name).is_some())
        .count();
    if splits > 0 && splits * 2 >= totals.len() {
        return Some("the words are names of subsets".to_owned());
    }
    if totals.len() < 3 {
        return Some(format!(
            "{} different words: too few to keep apart",
            totals.len()
        ));
    }
    let numbers = totals.keys().all(|name| names::is_number(name));
    if numbers
        && matches!(&candidate.source, Source::Name(pattern) if pattern.ends_with("{author}"))
    {
        return Some("the numbers at the end of names count the images".to_owned());
    }
    let pairs: usize = kept().map(|class| class.authors.len()).sum();
    if pairs * 5 > n * 4 {
        return Some("nearly every image of a class has a word of its own".to_owned());
    }
    let repeated: usize = kept()
        .flat_map(|class| class.authors.values())
        .filter(|&&count| count > 1)
        .sum();
    if repeated * 2 < n {
        return Some("most words occur once in a class".to_owned());
    }
    if candidate.unmatched * 5 > n {
        return Some(format!("{} images don't follow it", candidate.unmatched));
    }
    let is_lopsided = candidate.largest.1 * 10 > n * 9;
    is_lopsided.then(|| {
        format!(
            "`{}` stands in {} of {n} names",
            candidate.largest.0, candidate.largest.1
        )
    })
}

/// The reason against a column that is named as one of authors, with `values` different values of `n` images.
fn of_column(values: usize, n: usize) -> Option<String> {
    if values < 3 {
        Some(format!("{values} different values: too few to keep apart"))
    } else if values == n {
        Some("every image has a value of its own".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `label: names` lines.
    fn items<'a>(lines: &'a [(&'a str, Vec<String>)]) -> Vec<Item<'a>> {
        let of = |(label, names): &'a (&'a str, Vec<String>)| {
            names.iter().map(move |below| Item { label, below })
        };
        lines.iter().flat_map(of).collect()
    }

    fn best(lines: &[(&str, Vec<String>)]) -> Option<Candidate> {
        let found = candidates(&items(lines), &[]);
        found
            .into_iter()
            .find(|candidate| candidate.refusal.is_none())
    }

    /// Names by `form` for three classes, five authors and four numbers.
    fn named(form: impl Fn(&str, &str, usize) -> String) -> Vec<(&'static str, Vec<String>)> {
        let names = |label: &str| {
            let authors = ["ada-lee", "bob-ray", "cyd-fox", "dan-orr", "eve-kim"];
            let one = |author: &'static str| (0..4).map(move |i| (author, i));
            authors
                .into_iter()
                .flat_map(one)
                .map(|(author, i)| form(label, author, i))
                .collect()
        };
        ["cat", "dog", "owl"]
            .map(|label| (label, names(label)))
            .into()
    }

    fn source(lines: &[(&str, Vec<String>)]) -> Option<Source> {
        best(lines).map(|candidate| candidate.source)
    }

    fn name(pattern: &str) -> Option<Source> {
        Some(Source::Name(pattern.to_owned()))
    }

    #[test]
    fn authors_stand_before_or_behind_a_separator() {
        assert_eq!(
            source(&named(|_, a, i| format!("{a}_{i}.png"))),
            name("{author}_{title}")
        );
        assert_eq!(
            source(&named(|_, a, i| format!("{}-{i:03}.png", &a[..3]))),
            name("{author}-{title}")
        );
        assert_eq!(
            source(&named(|_, a, i| format!("sea {i} by {a}.png"))),
            name("{title} by {author}")
        );
        assert_eq!(
            source(&named(|_, a, i| format!("{a}__t_{i}.png"))),
            name("{author}__{title}")
        );
        assert_eq!(
            source(&named(|c, a, i| format!("{c}_{a}_{i}.png"))),
            name("{*}_{author}_{title}")
        );
    }

    #[test]
    fn authors_stand_in_sub_folders() {
        let found = best(&named(|_, a, i| format!("{a}/{i}.png"))).unwrap();
        assert_eq!(found.source, Source::Folders("{author}/{title}".into()));
        assert_eq!(
            (found.authors, found.images, found.in_several_classes),
            (5, 60, 5)
        );
        let found = source(&named(|_, a, i| format!("scans/{a}/{i}.png")));
        assert_eq!(found, Some(Source::Folders("{*}/{author}/{title}".into())));
    }

    #[test]
    fn names_without_authors_have_none() {
        let none: [Vec<(&str, Vec<String>)>; 6] = [
            named(|_, a, i| format!("{}{i}.png", a.len() * 100 + i)),
            named(|c, a, i| format!("{c}_{i}{}.png", a.as_bytes()[0])),
            named(|_, a, i| format!("IMG_{i}{}.png", a.as_bytes()[0])),
            named(|_, a, i| format!("{i}{}_x.png", a.as_bytes()[0])),
            named(|_, a, i| format!("cat-{}.png", usize::from(a.as_bytes()[0]) * 10 + i)),
            named(|c, a, i| format!("{c}/{}{i}.png", &a[..3])),
        ];
        for lines in none {
            assert_eq!(source(&lines), None, "{lines:?}");
        }
    }

    #[test]
    fn copies_of_an_image_are_its_group() {
        let of_letter = |a: &str| usize::from(a.as_bytes()[0]);
        let lines = named(|_, a, i| format!("img{:03}_rot{}.png", of_letter(a), 90 * i));
        assert_eq!(source(&lines), name("{author}_{title}"));
    }

    #[test]
    fn classes_without_authors_are_found() {
        let mut lines = named(|_, a, i| format!("{a}_{i}.png"));
        lines.push(("photo", (0..20).map(|i| format!("{i:05}.png")).collect()));
        lines.push((
            "cartoon",
            (0..20).map(|i| format!("cartoon_{i:05}.png")).collect(),
        ));
        let found = best(&lines).unwrap();
        assert_eq!(found.source, Source::Name("{author}_{title}".into()));
        assert_eq!(found.without, ["cartoon", "photo"]);
        assert_eq!(found.unmatched, 0);
    }

    #[test]
    fn unknown_authors_are_no_author() {
        let mut lines = named(|_, a, i| format!("{a}_{i}.png"));
        lines[0]
            .1
            .extend((0..40).map(|i| format!("Unknown_{i}.png")));
        let found = best(&lines).unwrap();
        assert_eq!(found.no_author, ["unknown"]);
        assert_eq!((found.authors, found.largest.1), (5, 12));
    }

    #[test]
    fn a_column_of_a_table_comes_first() {
        let lines = named(|_, a, i| format!("{a}_{i}.png"));
        let items = items(&lines);
        let patients = (0..items.len())
            .map(|i| Some(format!("p{}", i % 12)))
            .collect();
        let found = candidates(&items, &[("patient".to_owned(), patients)]);
        assert_eq!(found[0].source, Source::Column("patient".into()));
        // Most lesions have one image: a column of them is one of groups all the same.
        let lesions = (0..items.len())
            .map(|i| Some(format!("l{}", i.max(9))))
            .collect();
        let found = candidates(&items, &[("lesion_id".to_owned(), lesions)]);
        assert_eq!(found[0].source, Source::Column("lesion_id".into()));
        // A column with a value of its own for each image is no group.
        let ids = (0..items.len()).map(|i| Some(format!("id{i}"))).collect();
        let found = candidates(&items, &[("id".to_owned(), ids)]);
        assert_eq!(found[0].source, Source::Name("{author}_{title}".into()));
    }
}
