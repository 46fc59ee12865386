//! Stage `annotate`: a folder of images becomes a table, one row an image.
//!
//! Names, classes, authors and subsets come from the paths of the files and the table of labels, everything else from
//! table `images`, which stage `decode` has made: no image is opened here.
//!
//! Files that cannot be used are listed in a second table with the reason; the stage fails only where there are more of
//! them than the parameters allow, and then leaves the list beside its log.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{bail, ensure};
use collection::{
    FolderScan, GroupedFiles, LabelTable, Settings, SplitFolders, Survey, group, results_of, scan,
    survey,
};
use serde::Deserialize;
use stage::{Input, InputPath, Output};
use table_annotations::Annotation;
use table_attributes::Attribute;
use table_images::Image;
use table_problems::Problem;
use tracing::{info, warn};

mod list;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Place of author and title in a file's name or path, such as `{author}_{title}`; empty for no authors.
    author_pattern: String,
    /// Classes whose images have no author.
    without_authors: Vec<String>,
    /// Names that mean "no author".
    no_author: Vec<String>,
    /// Classes of the study; empty for all.
    classes: Vec<String>,
    /// Classes that are not in the study.
    leave_out: Vec<String>,
    /// New classes by name, each of several classes.
    merge: BTreeMap<String, Vec<String>>,
    /// The class that is distinguished from all others, which become one; empty for all classes.
    one_class: String,
    /// Use of folders such as `train` and `test` at the top as a split.
    split_folders: SplitFolders,
    /// Files and folders that may be left out before the stage fails.
    max_problems: usize,
}

impl Params {
    fn settings(&self) -> Settings {
        Settings {
            author_pattern: self.author_pattern.clone(),
            without_authors: self.without_authors.clone(),
            no_author: self.no_author.clone(),
            classes: self.classes.clone(),
            leave_out: self.leave_out.clone(),
            merge: self.merge.clone(),
            one_class: self.one_class.clone(),
            split_folders: self.split_folders,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// The folder of images, whose files are listed and not opened.
    folder: InputPath,
    /// Facts or fault of each file of the folder.
    images: Input<Image>,
    /// A table of labels: CSV or parquet.
    table: Option<InputPath>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    annotations: Output<Annotation>,
    problems: Output<Problem>,
    attributes: Output<Attribute>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let table = inputs.table.as_deref().map(LabelTable::read).transpose()?;
    let found = found(&inputs.folder, inputs.table.as_deref())?;
    let n_ignored = found.n_ignored;
    let grouped = group(found, &params.settings(), table.as_ref())?;
    log_grouping(&grouped, n_ignored);
    let labels = grouped.labels.clone();
    let by_pattern = grouped.authors_by_pattern;
    let results = results_of(&grouped.candidates, inputs.images.read()?)?;
    let damaged = { results.iter().flatten() }.filter(|image| image.damage.is_some());
    let n_damaged = damaged.count();
    if n_damaged > 0 {
        warn!("{n_damaged} images have faults that decoders pass over");
    }
    let mut survey = survey(grouped, results);
    survey.log();
    ensure_few_problems(&survey, params.max_problems)?;
    ensure_classes(&survey, by_pattern)?;
    if !params.one_class.is_empty() {
        let rest = survey.against_rest(&params.one_class, &labels);
        info!("all classes but `{}` are one, `{rest}`", params.one_class);
    }
    outputs.annotations.write(survey.annotations)?;
    outputs.attributes.write(survey.attributes)?;
    outputs.problems.write(survey.problems)
}

/// The files of `folder`, without the table of labels if it stands there.
fn found(folder: &Path, table: Option<&Path>) -> anyhow::Result<FolderScan> {
    let mut found = scan(folder)?;
    if let Some(table) = table {
        let (root, table) = (fs_err::canonicalize(folder)?, fs_err::canonicalize(table)?);
        let relative = table
            .strip_prefix(&root)
            .ok()
            .and_then(|path| path.to_str());
        found.files.retain(|path| Some(path.as_str()) != relative);
    }
    ensure!(
        !found.files.is_empty() || !found.problems.is_empty() || !found.empty_folders.is_empty(),
        "`{}` has no files: expected a folder for each class with images in it",
        folder.display()
    );
    let in_folders = found.files.iter().any(|path| path.contains('/'));
    ensure!(
        in_folders || table.is_some() || !found.top_folders().is_empty() || found.files.is_empty(),
        "`{}` has {} files and no folders: expected a folder for each class, a table of labels (`images.table`) or \
         a pattern that names the class (`annotate.author_pattern`, with `{{label}}`)",
        folder.display(),
        found.files.len()
    );
    Ok(found)
}

fn log_grouping(grouped: &GroupedFiles, n_ignored: usize) {
    if n_ignored > 0 {
        info!("{n_ignored} hidden or ignored files and folders are passed over");
    }
    if !grouped.split_folders.is_empty() {
        let folders: Vec<String> = { grouped.split_folders.iter() }
            .map(|(folder, subset)| format!("`{folder}` is {subset}"))
            .collect();
        warn!(
            "the folders at the top are an existing split, which is used: {}; `annotate.split_folders = \"ignore\"` takes \
             them for classes",
            folders.join(", ")
        );
    }
    for (label, folders) in &grouped.spellings {
        if folders.len() > 1 {
            warn!(
                "{} folders are the class `{label}`, spelled differently",
                folders.len()
            );
        }
    }
    for (label, files) in &grouped.left_out {
        info!("{label}: {files} files are left out by `classes` or `leave_out`");
    }
    for (name, files) in &grouped.no_author {
        info!("{files} files by `{name}`, which means no author (`no_author`)");
    }
}

fn ensure_few_problems(survey: &Survey, max_problems: usize) -> anyhow::Result<()> {
    if survey.problems.len() <= max_problems {
        return Ok(());
    }
    let (table, text) = list::keep(&survey.problems)?;
    let is_no_author = |problem: &Problem| problem.reason == "no-author";
    let cure = match survey.problems.iter().any(is_no_author) {
        true => {
            "`annotate.author_pattern = \"{author}/{title}\"` takes a sub-folder for the author, \"\" means that no class has \
             authors, and `images.table` names a table of authors\n"
        }
        false => "",
    };
    bail!(
        "{} problems, more than `annotate.max_problems` = {max_problems}:\n{}\n{cure}all of them: `{}` and `{}`",
        survey.problems.len(),
        survey.shown_problems(),
        text.display(),
        table.display()
    )
}

/// Checks that there are several classes, and that authors are authors.
fn ensure_classes(survey: &Survey, by_pattern: bool) -> anyhow::Result<()> {
    let classes: BTreeSet<&str> = survey.classes();
    let one = match classes.first() {
        None => bail!("no image that can be read:\n{}", survey.shown_problems()),
        Some(class) => class,
    };
    ensure!(
        classes.len() > 1,
        "one class alone has images, `{one}`: a study distinguishes at least two classes. Add a folder for another \
         class, such as images of everything else"
    );
    let authors = survey.classes_of_one_author();
    if by_pattern && let Some((class, author)) = authors.first_key_value() {
        bail!(
            "every class has one author alone by `author_pattern` (`{class}` has `{author}`): the part of the name that \
             is taken for the author gives away the class. Set `annotate.author_pattern = \"\"` if images have no authors, \
             or a pattern that finds them, such as `{{author}}/{{title}}` for a sub-folder an author"
        );
    }
    Ok(())
}
