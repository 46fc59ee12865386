//! Parameters that fit a folder of images: `cargo xtask init` starts this program with a job file, as a stage is started,
//! but nothing of it is recorded.
//!
//! 1. [`read`] decodes every file once, as stage `decode` does.
//! 2. [`examine`] finds classes, an existing split and authors, and the library `collection` groups the images by the
//!    settings found, so that counts are those of the study.
//! 3. [`plan`] selects the other settings, within a time.
//! 4. [`document`] writes them with their reasons; an existing file is compared and left unchanged.

mod authors;
mod changes;
mod columns;
mod cost;
mod document;
mod examine;
mod facts;
mod job;
mod layout;
mod names;
mod plan;
mod read;
mod record;
mod refusal;
mod report;
mod target;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use collection::{FolderScan, LabelTable, Survey};

use cost::Machine;
use examine::{Grouping, Table};
use facts::Range;
use job::Job;
use layout::Layout;
use plan::{Facts, Setting};
use read::Results;
use record::FolderRecord;
use report::Report;
use target::Target;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let job = Job::read()?;
    let target = Target::choose(&job)?;
    let scanned = ScannedFolder::scan(&job)?;
    let table = format!("params/{}.csv", target.name);
    let report = scanned.report(&job, &target, &table)?;
    print(&if job.json {
        serde_json::to_string_pretty(&report)? + "\n"
    } else {
        report.text()
    })
}

/// Prints to standard output; a closed pipe is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// The scanned folder.
struct ScannedFolder {
    layout: Layout,
    found: FolderScan,
    results: Results,
    tables: Vec<Table>,
}

impl ScannedFolder {
    fn scan(job: &Job) -> anyhow::Result<Self> {
        let root = Path::new(&job.folder);
        let found = collection::scan(root)?;
        let mut results = Results::new();
        read::images(root, &found, job.limits(), &mut results);
        let tables = tables(job, &found);
        let layout = examine::layout(&results, &tables, job.around.folders_with_images > 1);
        let layout = layout.map_err(|unfit| refusal::unfit(&unfit, job, &found, &results))?;
        let base = root.join(&layout.base);
        let found = if layout.base.is_empty() {
            found
        } else {
            results = examine::below(results, &layout.base);
            let found = collection::scan(&base)?;
            read::images(&base, &found, job.limits(), &mut results);
            found
        };
        Ok(Self {
            layout,
            found,
            results,
            tables,
        })
    }

    fn report(self, job: &Job, target: &Target, table: &str) -> anyhow::Result<Report> {
        let grouping = examine::grouping(
            &self.layout,
            &self.found,
            &self.results,
            &self.tables,
            table,
        );
        let n_ignored = self.found.n_ignored;
        let setting = self.images_folder(job);
        let survey = self.survey(job, &grouping)?;
        let (weights, bad_weights) = read::choose_weights(&job.weights(), job.device().is_gpu());
        let classes = facts::classes(&survey.annotations);
        let sides = survey
            .annotations
            .iter()
            .map(|row| row.width.min(row.height));
        let facts = Facts {
            short_sides: Range::of(sides).context("no image can be used")?,
            classes,
            problems: survey.problems.len(),
            has_split: survey.annotations.iter().any(|row| row.split.is_some()),
            weights,
            machine: Machine {
                device: job.device(),
                cores: job.cores,
            },
            minutes: job.minutes,
        };
        let plan = plan::plan(&facts).map_err(|small| refusal::too_small(&small, &grouping))?;
        let settings = settings(setting, &grouping, plan.settings.clone(), job)?;
        let record = folder_record(job, &survey, &grouping);
        let mut report = Report::new(job, target, &facts, &survey, &grouping, &plan, settings);
        report.ignored = n_ignored;
        report.undecided.extend(bad_weights);
        report.finish(
            job,
            target,
            &record,
            grouping
                .table
                .as_ref()
                .and_then(|(_, text)| text.as_deref()),
        )?;
        Ok(report)
    }

    /// `images.folder`, with the reason if it isn't the folder that was given.
    fn images_folder(&self, job: &Job) -> Setting {
        if self.layout.base.is_empty() {
            return Setting::new(
                "images.folder",
                job.setting.clone().into(),
                "the folder of images",
            );
        }
        let value = format!("{}/{}", job.setting.trim_end_matches('/'), self.layout.base);
        let reason = format!(
            "the classes stand in `{}` of the folder that was given",
            self.layout.base
        );
        Setting::new("images.folder", value.into(), reason)
    }

    /// Annotations and problems, as in the study.
    fn survey(self, job: &Job, grouping: &Grouping) -> anyhow::Result<Survey> {
        let table = label_table(job, grouping)?;
        let grouped = collection::group(self.found, &grouping.settings, table.as_ref())?;
        let results = { grouped.candidates.iter() }.map(|candidate| {
            let result = self.results.get(&candidate.path);
            result
                .cloned()
                .with_context(|| format!("`{}` came while the folder was read", candidate.path))
        });
        let results = results.collect::<anyhow::Result<Vec<_>>>()?;
        Ok(collection::survey(grouped, results))
    }
}

/// Tables directly in the folder, and beside it.
fn tables(job: &Job, found: &FolderScan) -> Vec<Table> {
    let inside = found
        .files
        .iter()
        .filter(|path| path.matches('/').count() < 2 && job::is_table(path));
    let inside = inside.map(|path| {
        let setting = format!("{}/{path}", job.setting.trim_end_matches('/'));
        (setting, Path::new(&job.folder).join(path))
    });
    let beside = job
        .beside
        .iter()
        .map(|beside| (beside.setting.clone(), PathBuf::from(&beside.path)));
    let read = inside.chain(beside).filter_map(|(setting, path)| {
        let cells = read::cells(&path)?;
        Some(Table { setting, cells })
    });
    read.collect()
}

/// The table in use; one that is yet to be written is read from a temporary file.
fn label_table(job: &Job, grouping: &Grouping) -> anyhow::Result<Option<LabelTable>> {
    let Some((setting, text)) = &grouping.table else {
        return Ok(None);
    };
    let folder = std::env::temp_dir();
    let path = match text {
        None => job.path_of(setting),
        Some(text) => {
            let path = folder.join(format!("atelier-init-{}.csv", std::process::id()));
            fs_err::write(&path, text)?;
            path
        }
    };
    let table = LabelTable::read(&path);
    if text.is_some() {
        fs_err::remove_file(&path)?;
    }
    Ok(Some(table?))
}

/// All settings that differ from `params.toml`, in which every one must be.
fn settings(
    folder: Setting,
    grouping: &Grouping,
    plan: Vec<Setting>,
    job: &Job,
) -> anyhow::Result<Vec<Setting>> {
    let all = [folder]
        .into_iter()
        .chain(grouping.reasons.iter().cloned())
        .chain(plan);
    document::differing(all.collect(), &job.defaults)
}

fn folder_record(job: &Job, survey: &Survey, grouping: &Grouping) -> FolderRecord {
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    for row in &survey.annotations {
        *classes.entry(row.label.clone()).or_default() += 1;
    }
    let authors: std::collections::BTreeSet<&str> = { survey.annotations.iter() }
        .filter_map(|row| row.author.as_deref())
        .collect();
    FolderRecord {
        folder: job.folder.clone(),
        images: survey.annotations.len(),
        problems: survey.problems.len(),
        authors: authors.len(),
        classes,
        grouping: report::source(grouping).unwrap_or_default(),
    }
}
