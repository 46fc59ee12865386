//! Report of the folder and its settings, as text or as one JSON document.

mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use collection::Survey;
use serde::Serialize;
use tables::Subset;

use crate::authors::Source;
use crate::changes::{self, Changes};
use crate::cost::{self, Estimate, Machine};
use crate::document;
use crate::examine::Grouping;
use crate::facts::{Class, Range};
use crate::job::Job;
use crate::plan::{Facts, Plan, Setting, Weights, counted};
use crate::record::FolderRecord;
use crate::target::Target;

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
    /// Source of the authors; null without authors.
    authors: Option<Authors>,
    /// Refused sources of authors, with the reason.
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
    /// Decisions left to the user, with the setting.
    pub(crate) undecided: Vec<String>,
    /// Remarks on the collection.
    remarks: Vec<String>,
    /// Seconds that the study takes.
    estimate: Estimate,
    /// The file of parameters.
    file: String,
    /// Whether the file was written now.
    written: bool,
    /// Differences from an existing file; null without one.
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

/// Pattern or column of the authors.
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

    /// Writes the file, or compares with an existing one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn finish(
        &mut self,
        job: &Job,
        target: &Target,
        record: &FolderRecord,
        table: Option<&str>,
    ) -> anyhow::Result<()> {
        if let Some(existing) = &target.existing {
            self.changes = Some(changes::changes(existing, record, &self.settings));
            return Ok(());
        }
        if job.dry_run {
            return Ok(());
        }
        let text = document::text(&self.head(), &self.settings, record)?;
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

/// Remark on the loss of accuracy without pretrained weights; none for images that are too small for it to matter.
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
