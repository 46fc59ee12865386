//! A table of labels beside the folder: CSV or parquet.

use std::collections::BTreeMap;
use std::path::Path;

use fs_err::File;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use unicode_normalization::UnicodeNormalization as _;

use tables::Subset;

use crate::{CollectionError, subset_named};

/// Rows by the path of a file in the folder of images.
#[derive(Debug, Default)]
pub struct LabelTable {
    /// Presence of a column `label`.
    pub has_label: bool,
    /// Presence of a column `author`.
    pub has_author: bool,
    /// Presence of a column `split`.
    pub has_split: bool,
    /// Names of the columns besides `path`, `label`, `author` and `split`.
    pub attributes: Vec<String>,
    rows: BTreeMap<String, Row>,
    /// Paths that occur in two rows that differ.
    contradictions: Vec<String>,
}

/// A row; empty cells are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// As it is spelled in the table.
    pub(crate) path: String,
    pub(crate) label: Option<String>,
    pub(crate) author: Option<String>,
    pub(crate) split: Option<Subset>,
    /// In the order of [`LabelTable::attributes`].
    pub(crate) attributes: Vec<Option<String>>,
}

/// Names of columns, and rows of cells, as they stand in a file; empty cells are none.
pub type Cells = (Vec<String>, Vec<Vec<Option<String>>>);

impl LabelTable {
    /// Reads a table with a column `path` (relative to the folder of images) and, as far as there are any, `label`,
    /// `author`, `split` and further columns. A file that begins as parquet does is parquet, any other is text in UTF-8
    /// with a line of names, and commas, semicolons or tabs between cells.
    ///
    /// # Errors
    /// The file cannot be read, has no column `path`, two columns of one name, or a split of another name than
    /// `train`, `validation` and `test` or their [usual short forms](subset_named).
    pub fn read(path: &Path) -> Result<Self, CollectionError> {
        let fault = |reason: String| CollectionError::Table {
            path: path.to_owned(),
            reason,
        };
        let (columns, rows) = read_cells(path)?;
        Self::of(&columns, rows).map_err(fault)
    }

    fn of(columns: &[String], rows: Vec<Vec<Option<String>>>) -> Result<Self, String> {
        let names: Vec<String> = columns
            .iter()
            .map(|name| name.trim().to_lowercase())
            .collect();
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) {
                return Err(format!("two columns are named `{name}`"));
            }
        }
        let at = |wanted: &str| names.iter().position(|name| name == wanted);
        let path = at("path").ok_or_else(|| {
            format!(
                "no column `path` found, the columns are {}",
                columns.join(", ")
            )
        })?;
        let (label, author, split) = (at("label"), at("author"), at("split"));
        let known = [Some(path), label, author, split];
        let other: Vec<usize> = (0..names.len())
            .filter(|at| !known.contains(&Some(*at)))
            .collect();
        let mut table = Self {
            has_label: label.is_some(),
            has_author: author.is_some(),
            has_split: split.is_some(),
            attributes: other
                .iter()
                .map(|&at| columns[at].trim().to_owned())
                .collect(),
            ..Self::default()
        };
        for (mut cells, number) in rows.into_iter().zip(1..) {
            let mut take = |at: Option<usize>| at.and_then(|at| cells.get_mut(at)?.take());
            let path = take(Some(path)).ok_or_else(|| format!("row {number} has no path"))?;
            let split = match take(split) {
                Some(name) => Some(subset_named(&name).ok_or_else(|| {
                    format!("row {number}: `{name}` is no split, expected `train`, `validation` or `test`")
                })?),
                None => None,
            };
            table.add(Row {
                path,
                label: take(label),
                author: take(author),
                split,
                attributes: other.iter().map(|&at| take(Some(at))).collect(),
            });
        }
        Ok(table)
    }

    fn add(&mut self, row: Row) {
        let key = key(&row.path);
        match self.rows.get(&key) {
            Some(earlier) if *earlier != row => self.contradictions.push(row.path),
            Some(_) => {}
            None => {
                self.rows.insert(key, row);
            }
        }
    }

    /// Number of paths with a row.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row of a file.
    pub(crate) fn row(&self, path: &str) -> Option<&Row> {
        self.rows.get(&key(path))
    }

    /// Paths of rows for which `files` has no file, as they are spelled.
    pub(crate) fn without_file(&self, files: &[String]) -> Vec<&str> {
        let keys: std::collections::BTreeSet<String> = files.iter().map(|path| key(path)).collect();
        let missing = self.rows.iter().filter(|(key, _)| !keys.contains(*key));
        missing.map(|(_, row)| row.path.as_str()).collect()
    }

    /// Paths that occur in two rows that differ; the first row counts.
    pub(crate) fn contradictions(&self) -> &[String] {
        &self.contradictions
    }
}

/// Reads a table of any columns: parquet, or text as [`LabelTable::read`] takes it.
///
/// # Errors
/// The file cannot be read, or is no table.
pub fn read_cells(path: &Path) -> Result<Cells, CollectionError> {
    let fault = |reason: String| CollectionError::Table {
        path: path.to_owned(),
        reason,
    };
    let bytes = fs_err::read(path).map_err(|error| fault(error.to_string()))?;
    if bytes.starts_with(b"PAR1") {
        parquet_cells(path)
    } else {
        text_cells(&bytes)
    }
    .map_err(fault)
}

/// The form in which paths are compared: NFC, `/` between names, without `./` in front.
fn key(path: &str) -> String {
    let path: String = path.trim().replace('\\', "/").nfc().collect();
    let path = path.trim_start_matches('/');
    path.strip_prefix("./").unwrap_or(path).to_owned()
}

fn text_cells(bytes: &[u8]) -> Result<Cells, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        format!(
            "byte {} is not UTF-8: save the table as UTF-8",
            error.valid_up_to()
        )
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let head = text.lines().next().unwrap_or_default();
    let count = |separator: char| head.matches(separator).count();
    let separator = [',', ';', '\t']
        .into_iter()
        .rev()
        .max_by_key(|&c| count(c))
        .unwrap_or(',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(u8::try_from(separator).unwrap_or(b','))
        .from_reader(text.as_bytes());
    let columns = reader.headers().map_err(|error| error.to_string())?;
    let columns = columns.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let cells = record.iter().map(|cell| filled(cell.to_owned()));
        rows.push(cells.collect());
    }
    Ok((columns, rows))
}

fn parquet_cells(path: &Path) -> Result<Cells, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let reader = SerializedFileReader::new(file.into_file()).map_err(|error| error.to_string())?;
    let schema = reader.metadata().file_metadata().schema();
    let fields = schema.get_fields().iter();
    let columns: Vec<String> = fields.map(|field| field.name().to_owned()).collect();
    let mut rows = Vec::new();
    for row in reader
        .get_row_iter(None)
        .map_err(|error| error.to_string())?
    {
        let row = row.map_err(|error| error.to_string())?;
        let cells = row.get_column_iter().map(|(_, field)| match field {
            Field::Null => None,
            Field::Str(text) => filled(text.clone()),
            other => filled(other.to_string()),
        });
        rows.push(cells.collect());
    }
    Ok((columns, rows))
}

fn filled(cell: String) -> Option<String> {
    (!cell.trim().is_empty()).then_some(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<LabelTable, String> {
        let (columns, rows) = text_cells(text.as_bytes())?;
        LabelTable::of(&columns, rows)
    }

    #[test]
    fn cells_stand_between_commas_semicolons_or_tabs() {
        for text in [
            "path,label,Author,year\ncat/1.png,\"Cat, big\",ada,1999\n./dog/2.png,dog,,\n",
            "\u{feff}path;label;Author;year\ncat/1.png;Cat, big;ada;1999\n./dog/2.png;dog;;\n",
            "path\tlabel\tAuthor\tyear\r\ncat\\1.png\tCat, big\tada\t1999\r\ndog/2.png\tdog\t\t\r\n",
        ] {
            let table = table(text).unwrap();
            assert_eq!((table.len(), table.has_split), (2, false));
            assert_eq!(table.attributes, ["year"]);
            let cat = table.row("cat/1.png").unwrap();
            assert_eq!(cat.label.as_deref(), Some("Cat, big"));
            assert_eq!(cat.attributes, [Some("1999".to_owned())]);
            assert_eq!(table.row("dog/2.png").unwrap().author, None);
        }
    }

    #[test]
    fn paths_are_compared_by_their_letters() {
        let table = table("path,split\ncafe\u{301}/1.png,valid\n").unwrap();
        assert_eq!(
            table.row("caf\u{e9}/1.png").unwrap().split,
            Some(Subset::Validation)
        );
        let files = ["dog/1.png".to_owned()];
        assert_eq!(table.without_file(&files), ["cafe\u{301}/1.png"]);
    }

    #[test]
    fn rows_that_contradict_each_other_are_listed() {
        let table = table("path,label\na.png,cat\na.png,cat\na.png,dog\n").unwrap();
        assert_eq!(table.contradictions(), ["a.png"]);
        assert_eq!(table.row("a.png").unwrap().label.as_deref(), Some("cat"));
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| table(text).unwrap_err();
        assert_eq!(
            error("file,label\n1,2\n"),
            "no column `path` found, the columns are file, label"
        );
        assert_eq!(error("path,path\n1,2\n"), "two columns are named `path`");
        assert_eq!(
            error("path,split\na.png,train\nb.png,holdout\n"),
            "row 2: `holdout` is no split, expected `train`, `validation` or `test`"
        );
        assert_eq!(error("path,label\n,cat\n"), "row 1 has no path");
        assert!(error("path,label\na.png\n").contains("found record with 1 field"));
        let latin1 = text_cells(b"path\ncaf\xe9.png\n").unwrap_err();
        assert_eq!(latin1, "byte 8 is not UTF-8: save the table as UTF-8");
    }
}
