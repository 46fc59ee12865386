//! Class, author and split of each file.

use std::collections::{BTreeMap, BTreeSet};

use table_problems::Problem;

use crate::label_table::Row;
use crate::names::{letters, listed, normalized};
use crate::pattern::{NameParts, stem};
use tables::Subset;

use crate::{
    CollectionError, FolderScan, LabelTable, Pattern, Settings, SplitFolders, subset_named,
};
use crate::{split_folders, unknown_classes};

/// A file that may be an image of the study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Relative to the folder, with `/`.
    pub path: String,
    /// Its class in the study.
    pub label: String,
    /// Its class before classes were merged.
    pub own_label: String,
    /// None where it has none, or none that is known.
    pub author: Option<String>,
    /// By the file's name.
    pub title: String,
    /// Its subset in a split that the collection already has.
    pub split: Option<Subset>,
    /// Cells of further columns of the table of labels: name and value.
    pub attributes: Vec<(String, String)>,
}

/// The files of a folder by class, author and split.
#[derive(Debug, Default)]
pub struct GroupedFiles {
    /// In the order of the files.
    pub candidates: Vec<Candidate>,
    /// Files and rows that have no place, and the problems of the scan.
    pub problems: Vec<Problem>,
    /// All classes of the folder, before classes were left out and merged.
    pub labels: BTreeSet<String>,
    /// Folders at the top that are subsets of a split.
    pub split_folders: BTreeMap<String, Subset>,
    /// Files of classes that the settings leave out, by class.
    pub left_out: BTreeMap<String, usize>,
    /// Files by a name that means "no author", by that name.
    pub no_author: BTreeMap<String, usize>,
    /// Names of folders that are one class, where they are spelled differently.
    pub spellings: BTreeMap<String, BTreeSet<String>>,
    /// Authors are those of the pattern, and not of a table.
    pub authors_by_pattern: bool,
}

/// Gives each file its class, author and split.
///
/// The class is that of the table, else that of the pattern, else the folder at the top or below a subset of a split.
///
/// # Errors
/// Settings that don't fit the folder: all of them.
pub fn group(
    found: FolderScan,
    settings: &Settings,
    table: Option<&LabelTable>,
) -> Result<GroupedFiles, CollectionError> {
    let pattern = match settings.author_pattern.as_str() {
        "" => None,
        text => Some(text.parse::<Pattern>()?),
    };
    let names_author = pattern.as_ref().is_some_and(Pattern::has_author);
    let without_authors = settings.without_authors.iter();
    let grouping = Grouping {
        table,
        reads_authors_of_names: names_author && !table.is_some_and(|table| table.has_author),
        pattern,
        split_folders: splits_at_the_top(&found, settings.split_folders)?,
        without_authors: without_authors.map(|name| normalized(name)).collect(),
        no_author: settings
            .no_author
            .iter()
            .map(|name| letters(name))
            .collect(),
    };
    let mut grouped = GroupedFiles {
        authors_by_pattern: grouping.reads_authors_of_names,
        ..GroupedFiles::default()
    };
    let mut placed = Vec::with_capacity(found.files.len());
    for path in &found.files {
        match grouping.label(path) {
            Ok(label) => {
                grouped.note_spelling(&grouping, path, &label);
                placed.push((path, label));
            }
            Err(problem) => grouped.problems.push(problem),
        }
    }
    grouped.labels = placed.iter().map(|(_, label)| label.clone()).collect();
    let known = grouped.labels.clone();
    grouped.labels.extend(grouping.labels_without_files(&found));
    let classes = Classes::of(settings, &grouped.labels, &known)?;
    for (path, own_label) in placed {
        let label = classes.label(&own_label);
        match label {
            None => *grouped.left_out.entry(own_label).or_default() += 1,
            Some(label) => match grouping.candidate(path, own_label, label, &mut grouped.no_author)
            {
                Ok(candidate) => grouped.candidates.push(candidate),
                Err(problem) => grouped.problems.push(problem),
            },
        }
    }
    grouped.problems.extend(grouping.faults_of_table(&found)?);
    grouped.problems.extend(found.problems);
    grouped.split_folders = grouping.split_folders;
    Ok(grouped)
}

impl GroupedFiles {
    fn note_spelling(&mut self, grouping: &Grouping<'_>, path: &str, label: &str) {
        let folder = grouping.below_split(path).0.split_once('/');
        if let Some((folder, _)) = folder
            && normalized(folder) == *label
        {
            let spellings = self.spellings.entry(label.to_owned()).or_default();
            if !spellings.contains(folder) {
                spellings.insert(folder.to_owned());
            }
        }
    }
}

struct Grouping<'a> {
    table: Option<&'a LabelTable>,
    pattern: Option<Pattern>,
    split_folders: BTreeMap<String, Subset>,
    without_authors: BTreeSet<String>,
    /// By their letters.
    no_author: BTreeSet<String>,
    /// Authors are those of the pattern.
    reads_authors_of_names: bool,
}

fn splits_at_the_top(
    found: &FolderScan,
    wanted: SplitFolders,
) -> Result<BTreeMap<String, Subset>, CollectionError> {
    let files = found.files.iter().map(String::as_str);
    match wanted {
        SplitFolders::Ignore => Ok(BTreeMap::new()),
        SplitFolders::Auto => Ok(split_folders(files)),
        SplitFolders::Use => {
            let folders = found.top_folders();
            let named = folders
                .iter()
                .map(|top| ((*top).to_owned(), subset_named(top)));
            let (named, others): (Vec<_>, Vec<_>) = named.partition(|(_, subset)| subset.is_some());
            if others.is_empty() && !named.is_empty() {
                let named = named.into_iter();
                return Ok({ named.filter_map(|(top, subset)| Some((top, subset?))) }.collect());
            }
            let others: Vec<&str> = others.iter().map(|(top, _)| top.as_str()).collect();
            Err(CollectionError::Settings(vec![format!(
                "`split_folders` is `use`: expected `train`, `val` and `test` at the top of the folder, found {}",
                if others.is_empty() {
                    "no folder".to_owned()
                } else {
                    listed(&others)
                }
            )]))
        }
    }
}

impl Grouping<'_> {
    /// The path below a subset of a split, and that subset.
    fn below_split<'p>(&self, path: &'p str) -> (&'p str, Option<Subset>) {
        path.split_once('/')
            .and_then(|(top, below)| Some((below, Some(*self.split_folders.get(top)?))))
            .unwrap_or((path, None))
    }

    fn row(&self, path: &str) -> Result<Option<&Row>, Problem> {
        match self.table {
            None => Ok(None),
            Some(table) => {
                let no_row = || problem(path, "no-row", "the table of labels has no row for it");
                table.row(path).map(Some).ok_or_else(no_row)
            }
        }
    }

    fn label(&self, path: &str) -> Result<String, Problem> {
        if self.table.is_some_and(|table| table.has_label) {
            let label = self.row(path)?.and_then(|row| row.label.as_deref());
            let label = label.map(normalized).filter(|label| !label.is_empty());
            return label.ok_or_else(|| {
                problem(
                    path,
                    "no-label",
                    "its row in the table of labels has no label",
                )
            });
        }
        let (below, _) = self.below_split(path);
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| pattern.has_label()) {
            let label = pattern.apply(below).and_then(|named| named.label);
            return label.ok_or_else(|| {
                problem(path, "no-label", "the path doesn't follow `author_pattern`")
            });
        }
        match below.split_once('/') {
            Some((folder, _)) => Ok(normalized(folder)),
            None if self.split_folders.is_empty() => Err(problem(
                path,
                "outside-classes",
                "a file beside the class folders",
            )),
            None => Err(problem(
                path,
                "outside-classes",
                "a file beside the class folders of a split",
            )),
        }
    }

    /// Classes of folders whose files are all problems, or that have none.
    fn labels_without_files(&self, found: &FolderScan) -> BTreeSet<String> {
        let by_folder = !self.table.is_some_and(|table| table.has_label)
            && !self.pattern.as_ref().is_some_and(Pattern::has_label);
        if !by_folder {
            return BTreeSet::new();
        }
        let empty = found.empty_folders.iter().map(|path| format!("{path}/"));
        let bad = found.problems.iter().map(|problem| problem.path.clone());
        empty
            .chain(bad)
            .filter_map(|path| Some(normalized(self.below_split(&path).0.split_once('/')?.0)))
            .collect()
    }

    fn candidate(
        &self,
        path: &str,
        own_label: String,
        label: String,
        no_author: &mut BTreeMap<String, usize>,
    ) -> Result<Candidate, Problem> {
        let (below, split) = self.below_split(path);
        let row = self.row(path)?;
        let named = self.named(path, below, &own_label, &label)?;
        let author = match row {
            Some(row) if self.table.is_some_and(|table| table.has_author) => {
                let author = row.author.as_deref().map(normalized);
                author.filter(|author| !author.is_empty())
            }
            _ => named.author,
        };
        let author = author.filter(|author| {
            let letters = letters(author);
            let is_known = !letters.is_empty() && !self.no_author.contains(&letters);
            if !is_known {
                *no_author.entry(author.clone()).or_default() += 1;
            }
            is_known
        });
        Ok(Candidate {
            path: path.to_owned(),
            label,
            own_label,
            author,
            title: named.title,
            split: row.and_then(|row| row.split).or(split),
            attributes: row.map(|row| self.attributes(row)).unwrap_or_default(),
        })
    }

    /// Author and title by the pattern, where the class has authors and no table names them.
    fn named(
        &self,
        path: &str,
        below: &str,
        own_label: &str,
        label: &str,
    ) -> Result<NameParts, Problem> {
        let has_authors =
            !self.without_authors.contains(own_label) && !self.without_authors.contains(label);
        let name = path.rsplit('/').next().unwrap_or_default();
        let plain = NameParts {
            title: stem(name).to_owned(),
            ..NameParts::default()
        };
        let Some(pattern) = self.pattern.as_ref().filter(|_| has_authors) else {
            return Ok(plain);
        };
        // Without a label in the pattern, the class folder is no level of it.
        let levels = match below.split_once('/') {
            Some((_, in_class)) if !pattern.has_label() => in_class,
            _ => below,
        };
        match pattern.apply(levels) {
            Some(named) => Ok(named),
            None if self.reads_authors_of_names => Err(problem(
                path,
                "no-author",
                "the name doesn't follow `author_pattern`",
            )),
            None => Ok(plain),
        }
    }

    fn attributes(&self, row: &Row) -> Vec<(String, String)> {
        let names = self.table.map_or(&[][..], |table| &table.attributes);
        let cells = names.iter().zip(&row.attributes);
        cells
            .filter_map(|(name, cell)| Some((name.clone(), cell.clone()?)))
            .collect()
    }

    fn faults_of_table(&self, found: &FolderScan) -> Result<Vec<Problem>, CollectionError> {
        let Some(table) = self.table else {
            return Ok(Vec::new());
        };
        let missing = table.without_file(&found.files);
        if let Some(first) = missing.first()
            && missing.len() == table.len()
        {
            let file = found.files.first().map_or("none", String::as_str);
            return Err(CollectionError::Settings(vec![format!(
                "no `path` of the table of labels is a file of the folder: expected paths relative to it such as `{file}`, found `{first}`"
            )]));
        }
        let missing = missing.into_iter().map(|path| {
            problem(
                path,
                "no-file",
                "a row of the table of labels without a file",
            )
        });
        let twice = table.contradictions().iter().map(|path| {
            problem(
                path,
                "two-rows",
                "two rows of the table of labels contradict each other; the first counts",
            )
        });
        Ok(missing.chain(twice).collect())
    }
}

/// Selection and renaming of the classes of the study.
struct Classes {
    /// By the class's own name.
    merged: BTreeMap<String, String>,
    /// Own or merged names; none for all.
    chosen: Option<BTreeSet<String>>,
    left_out: BTreeSet<String>,
}

impl Classes {
    /// `labels` are all names, `with_files` those of classes that have files.
    fn of(
        settings: &Settings,
        labels: &BTreeSet<String>,
        with_files: &BTreeSet<String>,
    ) -> Result<Self, CollectionError> {
        let names = |list: &[String]| list.iter().map(|name| normalized(name)).collect();
        let chosen: BTreeSet<String> = names(&settings.classes);
        let mut faults = Vec::new();
        let mut merged: BTreeMap<String, String> = BTreeMap::new();
        for (name, parts) in &settings.merge {
            let setting = format!("merge.{name}");
            faults.extend(unknown_classes(&setting, strs(parts), labels));
            let name = normalized(name);
            let parts: BTreeSet<String> = names(parts);
            if labels.contains(&name) && !parts.contains(&name) {
                faults.push(format!(
                    "`{setting}` makes a class `{name}`, which is there already: list it among its parts, or name the new class otherwise"
                ));
            }
            for part in parts {
                if let Some(other) = merged.insert(part.clone(), name.clone()) {
                    faults.push(format!(
                        "`merge` puts `{part}` into `{other}` and into `{name}`"
                    ));
                }
            }
        }
        let mut known = labels.clone();
        known.extend(merged.values().cloned());
        for (setting, names) in [
            ("without_authors", &settings.without_authors),
            ("classes", &settings.classes),
            ("leave_out", &settings.leave_out),
        ] {
            faults.extend(unknown_classes(setting, strs(names), &known));
        }
        let classes = Self {
            merged,
            chosen: (!chosen.is_empty()).then_some(chosen),
            left_out: names(&settings.leave_out),
        };
        let in_study: BTreeSet<String> = with_files
            .iter()
            .filter_map(|name| classes.label(name))
            .collect();
        if !settings.one_class.is_empty() {
            let one = [settings.one_class.as_str()];
            faults.extend(unknown_classes("one_class", one, &in_study));
        }
        if in_study.is_empty() && !with_files.is_empty() && faults.is_empty() {
            faults.push("`classes` and `leave_out` leave no class".to_owned());
        }
        if faults.is_empty() {
            Ok(classes)
        } else {
            Err(CollectionError::Settings(faults))
        }
    }

    /// The class in the study of the class `own`; none if it is left out.
    fn label(&self, own: &str) -> Option<String> {
        let label = self.merged.get(own).map_or(own, String::as_str);
        let is_one_of = |names: &BTreeSet<String>| names.contains(own) || names.contains(label);
        let is_chosen = self.chosen.as_ref().is_none_or(is_one_of);
        (is_chosen && !is_one_of(&self.left_out)).then(|| label.to_owned())
    }
}

fn strs(names: &[String]) -> impl Iterator<Item = &str> {
    names.iter().map(String::as_str)
}

fn problem(path: &str, reason: &str, detail: &str) -> Problem {
    Problem {
        path: path.to_owned(),
        reason: reason.to_owned(),
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests;
