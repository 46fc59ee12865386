//! The report as text for a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use tables::Subset;

use super::Report;
use crate::changes::Changes;
use crate::cost;
use crate::facts::{Class, Range};
use crate::plan::counted;

/// Rows of the table of classes beyond which the middle ones are left out.
const ROWS: usize = 24;

impl Report {
    /// Text for a terminal.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.write_folder(&mut text);
        self.write_classes(&mut text);
        match &self.changes {
            None => self.write_settings(&mut text),
            Some(changes) => self.write_changes(&mut text, changes),
        }
        self.write_end(&mut text);
        text
    }

    fn write_folder(&self, text: &mut String) {
        let counts = self.classes.iter().map(|class| class.images);
        let (least, most) = (counts.clone().min().unwrap_or(0), counts.max().unwrap_or(0));
        let formats: Vec<String> = self
            .formats
            .iter()
            .map(|(name, n)| format!("{n} {name}"))
            .collect();
        let megabytes = self.bytes as f64 / 1e6;
        let Range { min, median, max } = self.short_sides;
        let authors = match &self.authors {
            None => match self.refused.first() {
                Some(refused) => format!("none (`{}`: {})", refused.source, refused.reason),
                None => "none".to_owned(),
            },
            Some(authors) => {
                let by = if authors.kind == "table" {
                    "column"
                } else {
                    "pattern"
                };
                let each = authors.images as f64 / authors.authors.max(1) as f64;
                format!(
                    "{} by the {by} `{}`, {each:.1} images each, {} in several classes",
                    authors.authors, authors.source, authors.in_several_classes
                )
            }
        };
        let split: Vec<String> = self
            .split
            .iter()
            .map(|(subset, n)| format!("{subset} {n}"))
            .collect();
        let n_problems: usize = self.problems.iter().map(|problem| problem.count).sum();
        let rows = [
            (
                "images",
                format!("{}: {}, {megabytes:.1} MB", self.images, formats.join(", ")),
            ),
            (
                "classes",
                if least == most {
                    format!("{} with {least} images each", self.classes.len())
                } else {
                    format!("{} with {least} to {most} images", self.classes.len())
                },
            ),
            (
                "short sides",
                if min == max {
                    format!("{min} px")
                } else {
                    format!("{min} to {max} px, half of them up to {median} px")
                },
            ),
            ("authors", authors),
            (
                "split",
                if split.is_empty() {
                    "none".to_owned()
                } else {
                    split.join(", ")
                },
            ),
            (
                "problems",
                if n_problems == 0 {
                    "none".to_owned()
                } else {
                    counted(n_problems, "entry", "entries")
                },
            ),
            (
                "ignored",
                counted(
                    self.ignored,
                    "hidden file or litter",
                    "hidden files and litter",
                ),
            ),
        ];
        let _ = writeln!(text, "{}\n", self.folder);
        for (name, value) in rows {
            let _ = writeln!(text, "  {name:<12} {value}");
        }
        for problem in &self.problems {
            let _ = writeln!(
                text,
                "    {} {}, such as `{}`: {}",
                problem.count, problem.reason, problem.path, problem.detail
            );
        }
    }

    fn write_classes(&self, text: &mut String) {
        let has_split = !self.split.is_empty();
        let mut header = vec![
            "class".to_owned(),
            "images".to_owned(),
            "authors".to_owned(),
        ];
        if has_split {
            header.extend(Subset::OF_SPLIT.map(|subset| subset.to_string()));
        }
        header.push(String::new());
        let why: BTreeMap<&str, &str> = self
            .left_out
            .iter()
            .map(|(label, why)| (label.as_str(), why.as_str()))
            .collect();
        let row = |class: &Class| {
            let authors = if class.authors == 0 {
                "-".to_owned()
            } else {
                class.authors.to_string()
            };
            let mut row = vec![class.label.clone(), class.images.to_string(), authors];
            if has_split {
                row.extend(Subset::OF_SPLIT.map(|subset| class.subset(subset).to_string()));
            }
            row.push(
                why.get(class.label.as_str())
                    .map_or(String::new(), |why| format!("left out: {why}")),
            );
            row
        };
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (at, class) in self.classes.iter().enumerate() {
            let is_shown =
                self.classes.len() <= ROWS || at < ROWS - 4 || at + 2 >= self.classes.len();
            if is_shown || why.contains_key(class.label.as_str()) {
                rows.push(row(class));
            } else if at == ROWS - 4 {
                rows.push(vec![format!("… {} more", self.classes.len() - ROWS + 2)]);
            }
        }
        *text += "\n";
        *text += &table(&header, &rows);
    }

    fn write_settings(&self, text: &mut String) {
        let title = if self.written {
            "Written to"
        } else {
            "Would be written to"
        };
        let _ = writeln!(text, "\n{title} {}\n", self.file);
        let header = ["setting", "value", "reason"].map(str::to_owned);
        let rows = self.settings.iter().map(|setting| {
            vec![
                setting.key.clone(),
                value(&setting.value),
                setting.reason.clone(),
            ]
        });
        *text += &table(&header, &rows.collect::<Vec<_>>());
    }

    fn write_changes(&self, text: &mut String, changes: &Changes) {
        let _ = writeln!(text, "\n{} is there and stays as it is.", self.file);
        if !changes.has_record {
            *text += "It has no record of `cargo xtask init`, so that changes of the folder are unknown.\n";
        } else if changes.folder.is_empty() {
            *text += "The folder is as it was.\n";
        } else {
            *text += "The folder changed:\n";
            for line in &changes.folder {
                let _ = writeln!(text, "  {line}");
            }
        }
        if changes.settings.is_empty() {
            *text += "No setting would change.\n";
            return;
        }
        *text += "Settings that would change:\n\n";
        let header = ["setting", "in the file", "now", "reason"].map(str::to_owned);
        let shown = |of: &Value| {
            if of.is_null() {
                "(default)".to_owned()
            } else {
                value(of)
            }
        };
        let rows = changes.settings.iter().map(|change| {
            vec![
                change.key.clone(),
                shown(&change.file),
                shown(&change.now),
                change.reason.clone(),
            ]
        });
        *text += &table(&header, &rows.collect::<Vec<_>>());
        *text += "\nTo have these settings in a file of their own: the same command with `--name OTHER`.\n";
    }

    fn write_end(&self, text: &mut String) {
        if !self.remarks.is_empty() {
            *text += "\nNotes\n";
            for remark in &self.remarks {
                let _ = writeln!(text, "  - {remark}");
            }
        }
        if !self.undecided.is_empty() {
            *text += "\nTo be decided by you\n";
            for question in &self.undecided {
                let _ = writeln!(text, "  - {question}");
            }
        }
        let time = cost::in_words(self.estimate.minutes());
        let _ = writeln!(
            text,
            "\nNext ({time}, {}):\n  {}",
            self.machine_text(),
            self.next
        );
    }
}

/// A value on one line, cut where it is long.
fn value(value: &Value) -> String {
    const SHOWN: usize = 40;
    let text = match value {
        Value::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    };
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN - 1).chain(['…']).collect()
}

/// Rows under a header; columns are as wide as their cells, numbers stand to the right.
fn table(header: &[String], rows: &[Vec<String>]) -> String {
    let cell = |row: &[String], at: usize| row.get(at).cloned().unwrap_or_default();
    let is_number = |cell: &str| cell.is_empty() || cell == "-" || cell.parse::<f64>().is_ok();
    let columns: Vec<(usize, bool)> = { header.iter().enumerate() }
        .map(|(at, title)| {
            let cells = || rows.iter().map(|row| cell(row, at));
            let width = cells()
                .chain([title.clone()])
                .map(|cell| cell.chars().count())
                .max();
            (
                width.unwrap_or(0),
                at > 0 && cells().all(|cell| is_number(&cell)) && !title.is_empty(),
            )
        })
        .collect();
    let line = |row: &[String]| {
        let cells = columns.iter().enumerate().map(|(at, (width, is_right))| {
            let cell = cell(row, at);
            let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
            if *is_right { pad + &cell } else { cell + &pad }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        format!("  {}\n", line.trim_end())
    };
    [line(header)]
        .into_iter()
        .chain(rows.iter().map(|row| line(row)))
        .collect()
}
