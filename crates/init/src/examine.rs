//! Grouping of a folder's files.

mod settings;

use std::collections::{BTreeMap, BTreeSet};

use collection::{FileFault, FolderScan, ImageFacts, Settings, normalized, subset_named};

use crate::authors::{self, Candidate, Item};
use crate::columns::{self, Cells, Matched};
use crate::layout::{self, Layout, Unfit};
use crate::plan::Setting;
use crate::read::Results;

/// Stands for the path of a table that is made of the names of files.
const NAMES: &str = "names of files";

/// A table with its setting.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Path, as in `images.table`.
    pub(crate) setting: String,
    pub(crate) cells: Cells,
}

/// The grouping of a folder's images by class, author and split.
#[derive(Debug)]
pub(crate) struct Grouping {
    /// Settings of stage `annotate`, but for the classes that are left out.
    pub(crate) settings: Settings,
    /// Reasons of those that differ from defaults.
    pub(crate) reasons: Vec<Setting>,
    /// Source of the authors: the candidate that was selected.
    pub(crate) authors: Option<Candidate>,
    /// The best candidates that were refused.
    pub(crate) refused: Vec<Candidate>,
    /// The table in use: its setting, and its text if it has to be written first.
    pub(crate) table: Option<(String, Option<String>)>,
    /// Decisions left to the user.
    pub(crate) undecided: Vec<String>,
    /// Other observations.
    pub(crate) remarks: Vec<String>,
}

/// Paths of the images; of copies, the first.
pub(crate) fn images(results: &Results) -> Vec<&str> {
    let mut contents = BTreeSet::new();
    let mut paths = Vec::new();
    for (path, result) in results {
        if let Ok(image) = result
            && contents.insert(image.content_hash.as_str())
        {
            paths.push(path.as_str());
        }
    }
    paths
}

/// The layout of the folder. `has_siblings` means that folders beside it have images, too: then it may be a class,
/// whose names of files begin with authors.
///
/// # Errors
/// There are no two folders that could be classes, and neither a table nor the names of files have classes.
pub(crate) fn layout(
    results: &Results,
    tables: &[Table],
    has_siblings: bool,
) -> Result<Layout, Unfit> {
    let paths = images(results);
    let found = layout::layout(&paths);
    let of = |base: &str| Layout {
        base: base.to_owned(),
        ..Layout::default()
    };
    match &found {
        Err(Unfit::NoClasses { base, .. }) => {
            let by_words = !base.is_empty() || !has_siblings;
            if has_labels(&paths, base, tables, by_words) {
                Ok(of(base))
            } else {
                found
            }
        }
        Err(Unfit::OneClass { class, .. }) => {
            let folder = class.rsplit('/').next().unwrap_or_default();
            let by_words = crate::names::is_generic(folder);
            if has_labels(&paths, class, tables, by_words) {
                Ok(of(class))
            } else {
                found
            }
        }
        Err(Unfit::FlatSplit { base, subsets, .. }) if has_labels(&paths, base, tables, true) => {
            let subsets = subsets
                .iter()
                .filter_map(|name| Some((name.clone(), subset_named(name)?)));
            Ok(Layout {
                subsets: subsets.collect(),
                ..of(base)
            })
        }
        _ => found,
    }
}

/// Returns whether a table or, with `by_words`, the names of files have the classes of the images in `base`.
fn has_labels(paths: &[&str], base: &str, tables: &[Table], by_words: bool) -> bool {
    let below: Vec<&str> = paths
        .iter()
        .filter_map(|path| layout::below(path, base))
        .collect();
    let has_words = || !layout::words(below.iter().copied()).is_empty();
    labels_of_table(&below, tables).is_some() || (by_words && has_words())
}

/// A table of the classes that names of files begin with, for words that no pattern can separate from the rest.
fn table_of_words(paths: &[&str]) -> Option<(Table, Matched)> {
    if layout::words(paths.iter().copied()).is_empty() {
        return None;
    }
    let row = |path: &&str| vec![Some((*path).to_owned()), Some(layout::word(path))];
    let cells = Cells {
        columns: vec!["path".to_owned(), "label".to_owned()],
        rows: paths.iter().map(row).collect(),
    };
    let matched = Matched {
        path: 0,
        label: Some(1),
        split: None,
        authors: Vec::new(),
        rows: (0..paths.len()).map(Some).collect(),
        is_plain: false,
    };
    Some((
        Table {
            setting: NAMES.to_owned(),
            cells,
        },
        matched,
    ))
}

fn labels_of_table<'t>(paths: &[&str], tables: &'t [Table]) -> Option<(&'t Table, Matched)> {
    let found = tables
        .iter()
        .filter_map(|table| Some((table, columns::matched(&table.cells, paths)?)));
    found
        .filter(|(_, matched)| matched.label.is_some())
        .max_by_key(|(_, matched)| matched.n_rows())
}

/// The separator behind the class in names such as `cat.12.jpg`, if the classes are these words.
fn label_pattern(paths: &[&str]) -> Option<&'static str> {
    let words = layout::words(paths.iter().copied());
    if words.is_empty() {
        return None;
    }
    let has = |separator: &str| {
        let mut names = paths
            .iter()
            .map(|path| path.rsplit('/').next().unwrap_or_default());
        let is_inside = words.iter().any(|(word, _)| word.contains(separator));
        !is_inside
            && names.all(|name| {
                name.rsplit_once('.')
                    .is_some_and(|(stem, _)| stem.contains(separator))
            })
    };
    [".", "_", "-", " "]
        .into_iter()
        .find(|separator| has(separator))
}

/// The grouping of the images in the layout's base; `found` and `results` are of that folder.
pub(crate) fn grouping(
    layout: &Layout,
    found: &FolderScan,
    results: &Results,
    tables: &[Table],
    file: &str,
) -> Grouping {
    let paths = images(results);
    let mut grouping = Grouping {
        settings: Settings::default(),
        reasons: Vec::new(),
        authors: None,
        refused: Vec::new(),
        table: None,
        undecided: Vec::new(),
        remarks: Vec::new(),
    };
    grouping.split(layout, found);
    let below = |path: &'_ str| below_split(path, layout).to_owned();
    let by_folder = paths
        .iter()
        .filter(|path| below(path).contains('/'))
        .count()
        * 2
        > paths.len();
    let with_labels = labels_of_table(&paths, tables).filter(|_| !by_folder);
    let prefix = match with_labels {
        None if !by_folder => label_pattern(&paths),
        _ => None,
    };
    let words = match (&with_labels, prefix) {
        (None, None) if !by_folder => table_of_words(&paths),
        _ => None,
    };
    if prefix.is_some() || words.is_some() {
        grouping
            .undecided
            .push("whether the words that names of files begin with are the classes".to_owned());
    }
    let of_words = words
        .as_ref()
        .map(|(table, matched)| (table, matched.clone()));
    let any_table = with_labels
        .or(of_words)
        .or_else(|| author_table(&paths, tables));
    let labelled = labelled(&paths, layout, by_folder, any_table.as_ref(), prefix);
    // Files beside the classes have none, and are no images of the study.
    let kept: Vec<usize> = { 0..labelled.len() }
        .filter(|&at| !labelled[at].0.is_empty())
        .collect();
    let item = |&at: &usize| Item {
        label: &labelled[at].0,
        below: &labelled[at].1,
    };
    let items: Vec<Item> = kept.iter().map(item).collect();
    let columns: Vec<(String, Vec<Option<String>>)> = { any_table.iter() }
        .flat_map(|(table, matched)| author_columns(table, matched, &kept))
        .collect();
    let candidates = authors::candidates(&items, &columns);
    let (accepted, refused): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|c| c.refusal.is_none());
    grouping.refused = refused;
    grouping.authors = accepted.into_iter().next();
    grouping.set_pattern(prefix, items.len());
    if let Some((table, matched)) = any_table {
        grouping.set_table(table, &matched, !by_folder, &paths, file);
    }
    grouping
}

/// The path below a subset of an existing split.
fn below_split<'p>(path: &'p str, layout: &Layout) -> &'p str {
    match path.split_once('/') {
        Some((top, below)) if layout.subsets.contains_key(top) => below,
        _ => path,
    }
}

/// A table with a column of authors or of a split, though the classes are folders.
fn author_table<'t>(paths: &[&str], tables: &'t [Table]) -> Option<(&'t Table, Matched)> {
    let found = tables
        .iter()
        .filter_map(|table| Some((table, columns::matched(&table.cells, paths)?)));
    let useful =
        found.filter(|(_, matched)| !matched.authors.is_empty() || matched.split.is_some());
    useful.max_by_key(|(_, matched)| matched.n_rows())
}

/// Class of each image, and its path below the class.
fn labelled(
    paths: &[&str],
    layout: &Layout,
    by_folder: bool,
    table: Option<&(&Table, Matched)>,
    prefix: Option<&str>,
) -> Vec<(String, String)> {
    let mut labelled = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        let below = below_split(path, layout);
        let name = below.rsplit('/').next().unwrap_or_default();
        let pair = match (by_folder, table, prefix) {
            (true, ..) => below.split_once('/'),
            (_, _, Some(separator)) => name.split_once(separator),
            (_, Some((table, matched)), None) => {
                cell(table, matched.label, matched.rows[at]).map(|label| (label, below))
            }
            _ => None,
        };
        if let Some((label, below)) = pair {
            labelled.push((normalized(label), below.to_owned()));
        } else {
            labelled.push((String::new(), below.to_owned()));
        }
    }
    labelled
}

fn cell(table: &Table, column: Option<usize>, row: Option<usize>) -> Option<&str> {
    table.cells.rows.get(row?)?.get(column?)?.as_deref()
}

/// The author columns of a table, each with its values for the images `kept`.
fn author_columns(
    table: &Table,
    matched: &Matched,
    kept: &[usize],
) -> Vec<(String, Vec<Option<String>>)> {
    let values = |column: usize| {
        let value = |&at: &usize| cell(table, Some(column), matched.rows[at]).map(normalized);
        kept.iter().map(value).collect()
    };
    let columns = matched.authors.iter();
    columns
        .map(|&column| (table.cells.columns[column].clone(), values(column)))
        .collect()
}

/// Results of the files below `base`, by their path in it.
pub(crate) fn below(results: Results, base: &str) -> Results {
    let inside = results.into_iter().filter_map(|(path, result)| {
        let below = layout::below(&path, base)?.to_owned();
        Some((below, result))
    });
    inside.collect::<BTreeMap<String, Result<ImageFacts, FileFault>>>()
}
