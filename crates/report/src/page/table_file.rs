//! Tables of a page as CSV files.

use std::collections::{BTreeMap, BTreeSet};

use maud::html;

/// Start and end of a table in the page, as `draw::table::table` writes it.
const START: &str = "<div class=\"scroll\"";
const END: &str = "</table></div>";

/// What stands before a table of images, which has no file.
const GALLERY: &str = "<div class=\"gallery\">";

/// Maximum number of characters of a file's name, without extension.
const LONGEST_NAME: usize = 60;

/// A table as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFile {
    /// The file's name, such as `excluded-files.csv`; unique.
    pub name: String,
    /// Comma-separated values (RFC 4180 with line feeds) in UTF-8, with one row of heads.
    pub csv: String,
}

/// `page` with a link below each of its tables, and the tables as files.
pub(crate) fn with_links(page: &str) -> (String, Vec<TableFile>) {
    let (mut linked, mut files) = (String::new(), Vec::new());
    let (mut names, mut rest) = (BTreeSet::new(), page);
    while let Some((before, table, after)) = first_table(rest) {
        linked.push_str(before);
        linked.push_str(table);
        if !before.ends_with(GALLERY) {
            let name = unique_name(table, &mut names);
            let link = html! { p.csv { a href={ "tables/" (name) } download { "CSV" } } };
            linked.push_str(&link.into_string());
            let csv = csv(table);
            files.push(TableFile { name, csv });
        }
        rest = after;
    }
    linked.push_str(rest);
    (linked, files)
}

/// The text before the first table of `page`, the table, and the text after it.
fn first_table(page: &str) -> Option<(&str, &str, &str)> {
    let start = page.find(START)?;
    let end = start + page[start..].find(END)? + END.len();
    Some((&page[..start], &page[start..end], &page[end..]))
}

/// File name of a table by its caption: the first words, and a number where `names` has it.
fn unique_name(table: &str, names: &mut BTreeSet<String>) -> String {
    let caption = table.split_once("<caption>").map_or("", |(_, rest)| rest);
    let caption = text_of(caption.split("</caption>").next().unwrap_or_default());
    let mut stem = String::new();
    let is_word = |word: &&str| !word.is_empty();
    for word in caption
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(is_word)
    {
        if stem.len() + word.len() >= LONGEST_NAME {
            break;
        }
        if !stem.is_empty() {
            stem.push('-');
        }
        stem.push_str(&word.to_ascii_lowercase());
    }
    let numbered = (2..).map(|number| format!("{stem}-{number}.csv"));
    let mut candidates = std::iter::once(format!("{stem}.csv")).chain(numbered);
    let name = candidates.find(|name| names.insert(name.clone()));
    name.expect("the candidates have no end")
}

/// A cell of a table.
#[derive(Clone, Debug, Default)]
struct Cell {
    text: String,
    columns: usize,
    rows: usize,
}

/// A table's rows in the head and in the body.
#[derive(Debug, Default)]
struct Rows {
    head: Vec<Vec<Cell>>,
    body: Vec<Vec<Cell>>,
}

impl Rows {
    /// Rows of a table in markup that maud wrote, which escapes every `<` and `>` of a text or an attribute.
    fn of(table: &str) -> Self {
        let mut rows = Self::default();
        let (mut is_head, mut is_cell, mut in_drawing) = (true, false, false);
        for piece in table.split('<').skip(1) {
            let (tag, text) = piece.split_once('>').unwrap_or((piece, ""));
            let name = tag.split([' ', '/']).next().unwrap_or_default();
            match (name, tag) {
                ("", "/td" | "/th") => is_cell = false,
                ("", "/svg") => in_drawing = false,
                ("svg", _) => in_drawing = true,
                ("tbody", _) => is_head = false,
                ("tr", _) => rows.part(is_head).push(Vec::new()),
                ("td" | "th", _) => {
                    is_cell = true;
                    if let Some(row) = rows.part(is_head).last_mut() {
                        row.push(Cell {
                            text: String::new(),
                            columns: span(tag, "colspan=\""),
                            rows: span(tag, "rowspan=\""),
                        });
                    }
                }
                _ => {}
            }
            let row = rows.part(is_head).last_mut();
            if let Some(cell) = row.and_then(|row| row.last_mut())
                && is_cell
                && !in_drawing
            {
                if name == "br" {
                    cell.text.push_str("; ");
                }
                cell.text.push_str(text);
            }
        }
        rows
    }

    fn part(&mut self, is_head: bool) -> &mut Vec<Vec<Cell>> {
        match is_head {
            true => &mut self.head,
            false => &mut self.body,
        }
    }
}

/// Number in an attribute of a tag, 1 without it.
fn span(tag: &str, attribute: &str) -> usize {
    let (_, rest) = tag.split_once(attribute).unwrap_or_default();
    let number = rest.split('"').next().unwrap_or_default();
    number.parse().unwrap_or(1)
}

/// Texts by row and column: a cell over several rows or columns stands in each of them.
fn grid(rows: &[Vec<Cell>]) -> Vec<BTreeMap<usize, String>> {
    let mut grid = vec![BTreeMap::new(); rows.len()];
    for (at, row) in rows.iter().enumerate() {
        let mut column = 0;
        for cell in row {
            while grid[at].contains_key(&column) {
                column += 1;
            }
            let text = text_of(&cell.text);
            for line in grid.iter_mut().skip(at).take(cell.rows) {
                let columns = column..column + cell.columns;
                line.extend(columns.map(|column| (column, text.clone())));
            }
            column += cell.columns;
        }
    }
    grid
}

fn csv(table: &str) -> String {
    let rows = Rows::of(table);
    let (head, body) = (grid(&rows.head), grid(&rows.body));
    let widths = head.iter().chain(&body);
    let last = widths.filter_map(|row| row.keys().next_back()).max();
    let columns = || 0..last.map_or(0, |last| last + 1);
    let mut csv = String::new();
    let mut push = |fields: Vec<String>| {
        csv.push_str(&fields.join(","));
        csv.push('\n');
    };
    push(
        columns()
            .map(|column| field(&joined(&head, column)))
            .collect(),
    );
    for row in &body {
        let text = |column| row.get(&column).map_or("", String::as_str);
        push(columns().map(|column| field(text(column))).collect());
    }
    csv
}

/// The heads of a column as one.
fn joined(head: &[BTreeMap<usize, String>], column: usize) -> String {
    let mut texts: Vec<&str> = { head.iter() }
        .filter_map(|row| row.get(&column).map(String::as_str))
        .filter(|text| !text.is_empty())
        .collect();
    texts.dedup();
    texts.join(" ")
}

/// Text of markup without tags: entities resolved, white space as single spaces.
fn text_of(markup: &str) -> String {
    let text = markup
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text as a field: a number without the page's typography, a missing value empty, anything else quoted where it must be.
/// Spreadsheets take a text that begins with one of `= + - @` for a formula, so that such a one gets an apostrophe before it
/// (OWASP, CSV injection).
fn field(text: &str) -> String {
    if text == crate::draw::format::NONE {
        return String::new();
    }
    let plain = text.replace(',', "").replace('−', "-");
    let is_grouped = text.split(',').skip(1).all(|group| {
        let digits = group.split('.').next().unwrap_or_default();
        digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let is_number = plain.parse::<f64>().is_ok_and(f64::is_finite);
    if is_grouped && is_number {
        return plain;
    }
    let guarded = match text.chars().next() {
        Some('=' | '+' | '-' | '−' | '@') => format!("'{text}"),
        _ => text.to_owned(),
    };
    match guarded.contains([',', '"', ';']) {
        true => format!("\"{}\"", guarded.replace('"', "\"\"")),
        false => guarded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::table::{gallery, table};
    use crate::tests::fixture::{occurrences, report, study};

    #[test]
    fn a_table_is_a_file_with_one_row_of_heads() {
        let head = html! {
            tr { th rowspan="2" { "class" } th colspan="2" { "training" } }
            tr { th { "images" } th { "recall" } }
        };
        let body = html! {
            tr { th { "art, <b>\"old\"</b>" } td { "1,422" } td { "0.500 " small { "(0.4–0.6)" } br; small { "−0.100" } } }
            tr { th { svg { title { "a mark" } } "photo" } td { "–" } td { "−0.125" } }
        };
        let page =
            html! { p { "before" } (table("Recall, by class & part", &head, &body)) p { "after" } };
        let (linked, files) = with_links(&page.into_string());
        let expected = "class,training images,training recall\n\
            \"art, <b>\"\"old\"\"</b>\",1422,\"0.500 (0.4–0.6); −0.100\"\n\
            photo,,-0.125\n";
        assert_eq!(files[0].csv, expected);
        assert_eq!(files[0].name, "recall-by-class-part.csv");
        let link = "<p class=\"csv\"><a href=\"tables/recall-by-class-part.csv\" download>CSV</a></p><p>after</p>";
        assert!(linked.ends_with(link), "{linked}");
    }

    #[test]
    fn names_are_unique_and_tables_of_images_have_none() {
        let nothing = html! {};
        let again = || table("Scores", &nothing, &nothing);
        let page = html! { (again()) (gallery("Images", &nothing, &nothing)) (again()) };
        let (linked, files) = with_links(&page.into_string());
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["scores.csv", "scores-2.csv"]);
        assert_eq!(occurrences(&linked, "class=\"csv\""), 2);
    }

    #[test]
    fn a_spreadsheet_finds_no_formula() {
        let texts = [
            "=1+1", "@a", "-a", "+0.012", "1,5", "1,422.5", "", "e5", "inf",
        ];
        let expected = [
            "'=1+1", "'@a", "'-a", "+0.012", "\"1,5\"", "1422.5", "", "e5", "inf",
        ];
        assert_eq!(texts.map(field), expected);
    }

    #[test]
    fn every_table_of_the_report_is_a_file_of_as_many_columns_in_each_row() {
        let report = report(&study());
        assert_eq!(
            occurrences(&report.page, "<p class=\"csv\">"),
            report.tables.len()
        );
        let images = report
            .tables
            .iter()
            .find(|file| file.name == "images-by-path.csv");
        let images = &images.unwrap().csv;
        assert!(images.starts_with("image,class,author,subset,first three guesses,outcome\n"));
        assert_eq!(images.lines().count(), 25);
        for file in &report.tables {
            let columns = |line: &str| {
                let outside_quotes = line.split('"').step_by(2);
                outside_quotes
                    .map(|part| occurrences(part, ","))
                    .sum::<usize>()
            };
            let head = columns(file.csv.lines().next().unwrap());
            assert!(
                file.csv.lines().all(|line| columns(line) == head),
                "{}",
                file.name
            );
        }
    }
}
