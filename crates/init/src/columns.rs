//! Columns of a table that belongs to the folder: those of files, classes, authors and subsets.

use std::collections::{BTreeMap, BTreeSet};

use collection::subset_named;

use crate::names::key;

/// Names of columns of files, the likeliest first.
const PATHS: [&str; 16] = [
    "path",
    "filepath",
    "imagepath",
    "relativepath",
    "file",
    "filename",
    "imagefile",
    "imagefilename",
    "image",
    "img",
    "imagename",
    "imageid",
    "isicid",
    "imageindex",
    "id",
    "name",
];

/// Names of columns of classes.
const LABELS: [&str; 14] = [
    "label",
    "class",
    "classname",
    "labelname",
    "category",
    "target",
    "diagnosis",
    "dx",
    "style",
    "species",
    "breed",
    "genre",
    "type",
    "y",
];

/// Names of columns of authors, the likeliest first.
const AUTHORS: [&str; 26] = [
    "author",
    "artist",
    "painter",
    "photographer",
    "patient",
    "patientid",
    "pid",
    "subject",
    "subjectid",
    "person",
    "personid",
    "participant",
    "participantid",
    "writer",
    "donor",
    "case",
    "caseid",
    "lesion",
    "lesionid",
    "group",
    "groupid",
    "site",
    "hospital",
    "camera",
    "cameraid",
    "location",
];

/// Names of columns of an existing split.
const SPLITS: [&str; 6] = ["split", "subset", "set", "partition", "phase", "fold"];

/// Cells of a table's file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cells {
    /// Names of its columns.
    pub(crate) columns: Vec<String>,
    /// Rows; empty cells are none.
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

/// The columns of a table that are of use, by their index, and its row for each image.
#[derive(Debug, Clone)]
pub(crate) struct Matched {
    /// Column of file names.
    pub(crate) path: usize,
    pub(crate) label: Option<usize>,
    pub(crate) split: Option<usize>,
    /// Columns of authors, the likeliest first.
    pub(crate) authors: Vec<usize>,
    /// Row of each image, if it has one.
    pub(crate) rows: Vec<Option<usize>>,
    /// Whether the table can be read unchanged: it has a column `path` with paths relative to the folder, and the usual
    /// names for the other columns of use.
    pub(crate) is_plain: bool,
}

impl Matched {
    /// Number of images with a row.
    pub(crate) fn n_rows(&self) -> usize {
        self.rows.iter().flatten().count()
    }
}

/// Finds the columns of use for the images at `paths`, relative to the folder; none if fewer than four fifths of the
/// images have a row.
pub(crate) fn matched(cells: &Cells, paths: &[&str]) -> Option<Matched> {
    let keys: Vec<String> = cells.columns.iter().map(|name| key(name)).collect();
    let find = |names: &[&str]| {
        let found = names
            .iter()
            .filter_map(|name| keys.iter().position(|key| key == name));
        found.collect::<Vec<usize>>()
    };
    let by_column = find(&PATHS)
        .into_iter()
        .map(|column| (column, rows(cells, column, paths)));
    let (path, (rows, is_exact)) =
        by_column.max_by_key(|(_, (rows, _))| rows.iter().flatten().count())?;
    if rows.iter().flatten().count() * 5 < paths.len() * 4 {
        return None;
    }
    let of_images = |column: usize| {
        let cell = move |row: &Option<usize>| cells.rows[(*row)?].get(column)?.as_deref();
        rows.iter().filter_map(cell).collect::<BTreeSet<&str>>()
    };
    let is_label = |column: &usize| (2..=paths.len() / 2).contains(&of_images(*column).len());
    let is_split = |column: &usize| {
        let values = of_images(*column);
        values.len() > 1 && values.iter().all(|value| subset_named(value).is_some())
    };
    let label = find(&LABELS)
        .into_iter()
        .filter(|&column| column != path)
        .find(is_label);
    let split = find(&SPLITS).into_iter().find(is_split);
    let taken = [Some(path), label, split];
    let authors = find(&AUTHORS)
        .into_iter()
        .filter(|column| !taken.contains(&Some(*column)));
    let authors: Vec<usize> = authors.collect();
    let named = |column: Option<usize>, name: &str| {
        column.is_none_or(|column| cells.columns[column].trim().to_lowercase() == name)
    };
    let is_plain = is_exact
        && named(Some(path), "path")
        && named(label, "label")
        && named(split, "split")
        && named(authors.first().copied(), "author");
    Some(Matched {
        path,
        label,
        split,
        authors,
        rows,
        is_plain,
    })
}

/// Row of each image by a column of names, and whether all names are whole paths. Names are tried as paths, as names of
/// files and as these without extension, where no two images have the same.
fn rows(cells: &Cells, column: usize, paths: &[&str]) -> (Vec<Option<usize>>, bool) {
    let forms: [fn(&str) -> String; 3] = [whole, file_name, stem];
    let tried = forms
        .iter()
        .enumerate()
        .map(|(at, form)| (at, by_form(cells, column, paths, *form)));
    let best = tried
        .rev()
        .max_by_key(|(_, rows)| rows.iter().flatten().count());
    best.map_or((Vec::new(), false), |(at, rows)| (rows, at == 0))
}

fn by_form(
    cells: &Cells,
    column: usize,
    paths: &[&str],
    form: fn(&str) -> String,
) -> Vec<Option<usize>> {
    let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
    for (at, row) in cells.rows.iter().enumerate() {
        if let Some(Some(cell)) = row.get(column) {
            by_name.entry(form(cell)).or_insert(at);
        }
    }
    let names: Vec<String> = paths.iter().map(|path| form(path)).collect();
    let distinct: BTreeSet<&String> = names.iter().collect();
    if distinct.len() < names.len() {
        return vec![None; names.len()];
    }
    names
        .iter()
        .map(|name| by_name.get(name).copied())
        .collect()
}

fn whole(path: &str) -> String {
    let path = path.trim().replace('\\', "/");
    path.strip_prefix("./").unwrap_or(&path).to_owned()
}

fn file_name(path: &str) -> String {
    whole(path)
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The file's name without the extension of an image.
fn stem(path: &str) -> String {
    let name = file_name(path);
    match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 4 && !stem.is_empty() => stem.to_owned(),
        _ => name,
    }
}

/// A table with the columns `path`, `label`, `author` and `split` as far as there are any, then the others, as CSV.
/// `author` is the column that was chosen.
pub(crate) fn plain(
    cells: &Cells,
    matched: &Matched,
    author: Option<usize>,
    with_label: bool,
    paths: &[&str],
) -> String {
    let label = matched.label.filter(|_| with_label);
    let used = [
        (label, "label"),
        (author, "author"),
        (matched.split, "split"),
    ];
    let mut columns: Vec<(usize, String)> = Vec::new();
    columns.extend(
        used.iter()
            .filter_map(|(column, name)| Some(((*column)?, (*name).to_owned()))),
    );
    let reserved = ["path", "label", "author", "split"];
    for (column, name) in cells.columns.iter().enumerate() {
        let is_used = column == matched.path || columns.iter().any(|(used, _)| *used == column);
        let name = name.trim();
        let is_free = !columns
            .iter()
            .any(|(_, other)| other.to_lowercase() == name.to_lowercase());
        if !is_used
            && !name.is_empty()
            && is_free
            && !reserved.contains(&name.to_lowercase().as_str())
        {
            columns.push((column, name.to_owned()));
        }
    }
    let names = ["path"]
        .into_iter()
        .chain(columns.iter().map(|(_, name)| name.as_str()));
    let mut text = line(names);
    for (path, row) in paths.iter().zip(&matched.rows) {
        let Some(row) = row.map(|row| &cells.rows[row]) else {
            continue;
        };
        let cells = columns.iter().map(|(column, _)| {
            row.get(*column)
                .and_then(Option::as_deref)
                .unwrap_or_default()
        });
        text += &line([*path].into_iter().chain(cells));
    }
    text
}

/// A line of CSV.
fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let quoted = cells.map(|cell| {
        if cell.contains([',', '"', '\n', '\r', ';', '\t']) || cell.trim() != cell {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.to_owned()
        }
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Cells {
        let mut lines = text
            .lines()
            .map(|line| line.split(';').map(str::to_owned).collect::<Vec<_>>());
        let columns = lines.next().unwrap();
        let rows = lines.map(|row| {
            row.into_iter()
                .map(|cell| (!cell.is_empty()).then_some(cell))
                .collect()
        });
        Cells {
            columns,
            rows: rows.collect(),
        }
    }

    #[test]
    fn a_table_of_files_is_matched() {
        let cells = cells(
            "path;label;author\na/1.png;cat;ada\na/2.png;dog;bob\nb/3.png;cat;ada\nb/4.png;dog;\n",
        );
        let found = matched(&cells, &["a/1.png", "a/2.png", "b/3.png", "b/4.png"]).unwrap();
        assert!(found.is_plain);
        assert_eq!(
            (found.path, found.label, found.authors),
            (0, Some(1), vec![2])
        );
    }

    #[test]
    fn identifiers_without_extension_are_matched() {
        let cells = cells(
            "lesion_id;image_id;dx;dataset;set\nL1;I1;mel;x;train\nL1;I2;mel;x;val\nL2;I3;nv;x;train\nL2;I4;nv;y;test\n",
        );
        let paths = ["deep/I1.jpg", "deep/I2.jpg", "deep/I3.jpg", "deep/I4.jpg"];
        let found = matched(&cells, &paths).unwrap();
        assert!(!found.is_plain);
        assert_eq!(
            (found.path, found.label, found.split),
            (1, Some(2), Some(4))
        );
        assert_eq!(found.authors, [0]);
        let text = plain(&cells, &found, Some(0), true, &paths);
        expect_test::expect![[r#"
            path,label,author,split,dataset
            deep/I1.jpg,mel,L1,train,x
            deep/I2.jpg,mel,L1,val,x
            deep/I3.jpg,nv,L2,train,x
            deep/I4.jpg,nv,L2,test,y
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn a_table_of_something_else_is_none() {
        let cells = cells("file;label\nx.png;cat\ny.png;dog\n");
        assert!(matched(&cells, &["a/1.png", "a/2.png"]).is_none());
        // The same name in two folders is ambiguous.
        assert!(matched(&cells, &["a/x.png", "b/x.png", "b/y.png"]).is_none());
    }

    #[test]
    fn cells_are_quoted_where_they_must() {
        assert_eq!(
            line(["a,b", "c\"d", "e", " f"].into_iter()),
            "\"a,b\",\"c\"\"d\",e,\" f\"\n"
        );
    }
}
