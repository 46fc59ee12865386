//! Renamings of files, columns and values.

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use toml_edit::{DocumentMut, Item, TableLike};

/// Old names with their new ones.
type Names = BTreeMap<String, String>;

/// The renamings between two runs. Names that it lacks are equal in both.
#[derive(Debug, Default)]
pub(crate) struct Mapping {
    ignore: Vec<String>,
    files: Names,
    /// By pattern of the file.
    columns: BTreeMap<String, Names>,
    /// By pattern of the file and by old column.
    values: BTreeMap<String, BTreeMap<String, Names>>,
}

impl Mapping {
    /// Returns whether a table of the first run is left out.
    pub(crate) fn is_ignored(&self, path: &str) -> bool {
        self.ignore.iter().any(|pattern| matches(pattern, path))
    }

    /// The new path of a table.
    pub(crate) fn file(&self, path: &str) -> String {
        self.files.get(path).map_or(path, String::as_str).to_owned()
    }

    /// The new name of a column of the table that was at `path`.
    pub(crate) fn column<'a>(&'a self, path: &str, column: &'a str) -> &'a str {
        let names = longest(&self.columns, path, |names| names.get(column));
        names.map_or(column, String::as_str)
    }

    /// The renamed values of the table's column, by its old name.
    pub(crate) fn values(&self, path: &str, column: &str) -> Option<&Names> {
        longest(&self.values, path, |columns| columns.get(column))
    }
}

/// Entry of the longest of the patterns that match `path` and have one.
fn longest<'a, T, U>(
    patterns: &'a BTreeMap<String, T>,
    path: &str,
    get: impl Fn(&'a T) -> Option<&'a U>,
) -> Option<&'a U> {
    let found = patterns
        .iter()
        .filter(|(pattern, _)| matches(pattern, path));
    let found = found.filter_map(|(pattern, entry)| Some((pattern.len(), get(entry)?)));
    found
        .max_by_key(|(length, _)| *length)
        .map(|(_, value)| value)
}

/// Returns whether a pattern, in which `*` is any text, is the whole of `text`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            let mut ends = text.char_indices().map(|(end, _)| end).chain([text.len()]);
            ends.any(|end| matches(rest, &text[end..]))
        }),
    }
}

impl FromStr for Mapping {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let document: DocumentMut = text.parse()?;
        let mut mapping = Self::default();
        for (key, item) in document.iter() {
            match key {
                "ignore" => {
                    let patterns = item.as_array().context("`ignore` is no list")?;
                    let patterns = patterns.iter().map(|pattern| {
                        let text = pattern
                            .as_str()
                            .context("`ignore` has an entry that is no text")?;
                        Ok(text.to_owned())
                    });
                    mapping.ignore = patterns.collect::<anyhow::Result<_>>()?;
                }
                "files" => mapping.files = names(key, item)?,
                "columns" => mapping.columns = by_name(key, item, names)?,
                "values" => {
                    let columns = |key: &str, item: &Item| by_name(key, item, names);
                    mapping.values = by_name(key, item, columns)?;
                }
                _ => bail!("found `{key}`, expected `ignore`, `files`, `columns` or `values`"),
            }
        }
        Ok(mapping)
    }
}

fn table<'a>(key: &str, item: &'a Item) -> anyhow::Result<&'a dyn TableLike> {
    item.as_table_like()
        .with_context(|| format!("`{key}` is no table"))
}

fn by_name<T>(
    key: &str,
    item: &Item,
    read: impl Fn(&str, &Item) -> anyhow::Result<T>,
) -> anyhow::Result<BTreeMap<String, T>> {
    let entries = table(key, item)?.iter();
    entries
        .map(|(name, item)| Ok((name.to_owned(), read(&format!("{key}.{name}"), item)?)))
        .collect()
}

/// The renamings of a table, in which no two old names become one.
fn names(key: &str, item: &Item) -> anyhow::Result<Names> {
    let names = by_name(key, item, |key, item| {
        let name = item.as_str();
        Ok(name
            .with_context(|| format!("`{key}` is no text"))?
            .to_owned())
    })?;
    let mut new: Vec<&String> = names.values().collect();
    new.sort_unstable();
    new.dedup();
    ensure!(
        new.len() == names.len(),
        "`{key}` gives two names the same new name"
    );
    Ok(names)
}
