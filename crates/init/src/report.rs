//! What was seen and chosen, as text or as one JSON document.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;

use collection::Survey;
use serde::Serialize;
use serde_json::Value;
use tables::Subset;

use crate::authors::Source;
use crate::changes::{self, Changes};
use crate::cost::{self, Estimate, Machine};
use crate::document;
use crate::examine::Grouping;
use crate::facts::{Class, Range};
use crate::job::Job;
use crate::plan::{Facts, Plan, Setting, Weights, counted};
use crate::record::Seen;
use crate::target::Target;

/// Rows of the table of classes beyond which the middle ones are left out.
const ROWS: usize = 24;

/// The JSON document; its fields are those of `--json`.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The folder that was given, absolute.
    folder: String,
    /// Images that can be used.
    images: usize,
    /// Classes by name, with images, authors and images of each subset of an existing split.
    classes: Vec<Class>,
    /// Images by format.
    formats: BTreeMap<String, usize>,
    /// Short sides of the images, in pixels.
    short_sides: Range,
    /// Size of the images' files.
    bytes: u64,
    /// How authors are told; null where they are not.
    authors: Option<Authors>,
    /// Ways to tell authors that were refused, with the reason.
    refused: Vec<Refused>,
    /// Images of each subset of an existing split; empty without one.
    split: BTreeMap<Subset, usize>,
    /// Files and folders that cannot be used, by reason.
    problems: Vec<Problems>,
    /// Hidden files, litter and files that `.atelierignore` names.
    pub(crate) ignored: usize,
    /// Classes that are not studied, with the reason.
    left_out: Vec<(String, String)>,
    weights: Option<Weights>,
    machine: Machine,
    /// Parameters that differ from `params.toml`, with reasons.
    settings: Vec<Setting>,
    /// What only a person can decide, with the setting.
    pub(crate) undecided: Vec<String>,
    /// Remarks on the collection.
    remarks: Vec<String>,
    /// Seconds that the study takes.
    estimate: Estimate,
    /// The file of parameters.
    file: String,
    /// Whether the file was written now.
    written: bool,
    /// Differences from a file that was there; null where there was none.
    changes: Option<Changes>,
    /// The next command.
    next: String,
}

#[derive(Debug, Serialize)]
struct Authors {
    /// The pattern, or the column of the table.
    source: String,
    /// `name`, `folders` or `table`.
    kind: &'static str,
    authors: usize,
    images: usize,
    in_several_classes: usize,
    /// Classes without authors.
    without: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Refused {
    source: String,
    reason: String,
}

#[derive(Debug, Serialize)]
struct Problems {
    reason: String,
    count: usize,
    /// The first of them.
    path: String,
    detail: String,
}

/// The pattern or column by which authors are told.
pub(crate) fn source(grouping: &Grouping) -> Option<String> {
    Some(named(&grouping.authors.as_ref()?.source).1)
}

fn named(source: &Source) -> (&'static str, String) {
    match source {
        Source::Name(pattern) => ("name", pattern.clone()),
        Source::Folders(pattern) => ("folders", pattern.clone()),
        Source::Column(column) => ("table", column.clone()),
    }
}

impl Report {
    /// The report before anything is written.
    pub(crate) fn new(
        job: &Job,
        target: &Target,
        facts: &Facts,
        survey: &Survey,
        grouping: &Grouping,
        plan: &Plan,
        settings: Vec<Setting>,
    ) -> Self {
        let mut formats: BTreeMap<String, usize> = BTreeMap::new();
        let mut split: BTreeMap<Subset, usize> = BTreeMap::new();
        for row in &survey.annotations {
            *formats.entry(row.format.clone()).or_default() += 1;
            if let Some(subset) = row.split {
                *split.entry(subset).or_default() += 1;
            }
        }
        let authors = grouping.authors.as_ref().map(|chosen| {
            let (kind, source) = named(&chosen.source);
            Authors {
                source,
                kind,
                authors: chosen.authors,
                images: chosen.images,
                in_several_classes: chosen.in_several_classes,
                without: chosen.without.clone(),
            }
        });
        let refused = grouping.refused.iter().filter_map(|candidate| {
            let source = named(&candidate.source).1;
            Some(Refused {
                source,
                reason: candidate.refusal.clone()?,
            })
        });
        let mut undecided = grouping.undecided.clone();
        undecided.extend(shared_authors(survey));
        undecided.extend(plan.undecided.clone());
        let mut remarks = grouping.remarks.clone();
        remarks.extend(without_weights(facts));
        Self {
            folder: job.folder.clone(),
            images: survey.annotations.len(),
            classes: facts.classes.clone(),
            formats,
            short_sides: facts.short_sides,
            bytes: survey.annotations.iter().map(|row| row.bytes).sum(),
            authors,
            refused: refused.take(3).collect(),
            split,
            problems: problems(survey),
            ignored: 0,
            left_out: plan.left_out.clone(),
            weights: facts.weights.clone(),
            machine: facts.machine,
            settings,
            undecided,
            remarks,
            estimate: plan.estimate,
            file: target.shown(),
            written: false,
            changes: None,
            next: format!("cargo xtask repro --params {}", target.shown()),
        }
    }

    /// Writes the file, or compares with the one that is there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn finish(
        &mut self,
        job: &Job,
        target: &Target,
        seen: &Seen,
        table: Option<&str>,
    ) -> anyhow::Result<()> {
        if let Some(existing) = &target.existing {
            self.changes = Some(changes::changes(existing, seen, &self.settings));
            return Ok(());
        }
        if job.dry_run {
            return Ok(());
        }
        let text = document::text(&self.head(), &self.settings, seen)?;
        if let Some(table) = table {
            create(&job.params.join(format!("{}.csv", target.name)), table)?;
        }
        create(&target.path, &text)?;
        self.written = true;
        Ok(())
    }

    /// The first lines of the file.
    fn head(&self) -> Vec<String> {
        let mut head = vec![
            format!(
                "Parameters of the study of `{}`: {} in {}.",
                self.folder,
                counted(self.images, "image", "images"),
                counted(self.classes.len(), "class", "classes")
            ),
            "Written by `cargo xtask init`, to be changed at will; each value replaces that of `params.toml`, which explains all.".to_owned(),
            String::new(),
            format!("    {}", self.next),
            String::new(),
            format!("It takes {} ({}).", cost::in_words(self.estimate.minutes()), self.machine_text()),
        ];
        head.extend(self.remarks.iter().map(|remark| format!("Note: {remark}.")));
        head.extend(
            self.undecided
                .iter()
                .map(|question| format!("To be decided: {question}.")),
        );
        head
    }

    fn machine_text(&self) -> String {
        let cores = counted(self.machine.cores, "core", "cores");
        match self.machine.device.is_gpu() {
            true => format!(
                "estimated for {}",
                self.machine.device.name().to_uppercase()
            ),
            false => format!("estimated for {cores} without a GPU"),
        }
    }

    /// For a terminal.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.write_seen(&mut text);
        self.write_classes(&mut text);
        match &self.changes {
            None => self.write_settings(&mut text),
            Some(changes) => self.write_changes(&mut text, changes),
        }
        self.write_end(&mut text);
        text
    }

    fn write_seen(&self, text: &mut String) {
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
            *text += "It has no record of `cargo xtask init`, so that changes of the folder cannot be told.\n";
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

/// Creates a file that isn't there.
fn create(path: &std::path::Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    let mut file = fs_err::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

/// What a study without pretrained weights gives up; nothing for images that are too small for it to matter.
fn without_weights(facts: &Facts) -> Option<String> {
    let is_small = facts.short_sides.median < 48;
    (facts.weights.is_none() && !is_small).then(|| {
        "no pretrained weights were found in `data/weights`, so that networks learn from nothing: of photographs and paintings \
         they learn much less from the same images. `cargo xtask weights get resnet18` fetches weights; then the same command again"
            .to_owned()
    })
}

/// A question about an existing split whose subsets share authors.
fn shared_authors(survey: &Survey) -> Option<String> {
    let mut subsets: BTreeMap<&str, BTreeSet<Subset>> = BTreeMap::new();
    for row in &survey.annotations {
        if let (Some(author), Some(subset)) = (&row.author, row.split) {
            subsets.entry(author).or_default().insert(subset);
        }
    }
    let shared = subsets.values().filter(|of| of.len() > 1).count();
    (shared > 0).then(|| {
        format!(
            "whether the existing split is to be used: {shared} of {} authors stand in several of its subsets, which flatters \
             scores; `split.existing = \"ignore\"` deals all images anew",
            subsets.len()
        )
    })
}

fn problems(survey: &Survey) -> Vec<Problems> {
    let mut problems: Vec<Problems> = Vec::new();
    for problem in &survey.problems {
        match problems
            .iter_mut()
            .find(|other| other.reason == problem.reason)
        {
            Some(other) => other.count += 1,
            None => problems.push(Problems {
                reason: problem.reason.clone(),
                count: 1,
                path: problem.path.clone(),
                detail: problem.detail.clone(),
            }),
        }
    }
    problems.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
    problems
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
