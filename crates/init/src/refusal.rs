//! Messages for folders that cannot be studied unchanged, each with a remedy.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Error, anyhow};
use collection::FolderScan;

use crate::examine::Grouping;
use crate::job::Job;
use crate::layout::Unfit;
use crate::plan::{TooSmall, counted};
use crate::read::Results;

/// The message for a folder without two classes.
pub(crate) fn unfit(unfit: &Unfit, job: &Job, found: &FolderScan, results: &Results) -> Error {
    let folder = &job.typed;
    match unfit {
        Unfit::Empty if found.files.is_empty() => anyhow!(
            "`{folder}` has no files{}: expected a folder for each class, with images in it",
            ignored(found)
        ),
        Unfit::Empty => anyhow!(
            "`{folder}` has no image that can be read:\n{}",
            reasons(results)
        ),
        Unfit::NoClasses {
            base,
            images,
            words,
        } => {
            let place = place(folder, base);
            let parent = if base.is_empty() {
                of_parent(job)
            } else {
                String::new()
            };
            anyhow!(
                "`{place}` has {} and no folders for classes{parent}; expected `CLASS/image.jpg`, or a table with the columns `path` and `label` in or beside the folder{}",
                counted(*images, "image", "images"),
                by_words(words)
            )
        }
        Unfit::FlatSplit {
            base,
            subsets,
            words,
        } => anyhow!(
            "`{}` has images directly in {}: expected a folder for each class in them, or a table with the columns `path`, `label` and `split`{}",
            place(folder, base),
            subsets.join(" and "),
            by_words(words)
        ),
        Unfit::OneClass { class, images } => anyhow!(
            "`{folder}` has one class, `{class}`, with {}{}; at least two are needed: expected a folder for each class",
            counted(*images, "image", "images"),
            of_parent(job)
        ),
    }
}

fn place(folder: &str, base: &str) -> String {
    match base {
        "" => folder.to_owned(),
        base => format!("{}/{base}", folder.trim_end_matches('/')),
    }
}

fn ignored(found: &FolderScan) -> String {
    match found.n_ignored {
        0 => String::new(),
        n => format!(
            " but {}",
            counted(n, "hidden or ignored one", "hidden or ignored ones")
        ),
    }
}

/// A hint at the folder above, if that looks like the collection.
fn of_parent(job: &Job) -> String {
    let parent = Path::new(&job.folder).parent();
    match (job.around.folders_with_images, parent) {
        (0 | 1, _) | (_, None) => String::new(),
        (n, Some(parent)) => format!(
            "; the folder above has {n} folders with images: `cargo xtask init {}`",
            quoted(&parent.display().to_string())
        ),
    }
}

fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@".contains(c);
    if path.chars().all(is_plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

/// A hint at classes in names of files.
fn by_words(words: &[(String, usize)]) -> String {
    if words.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = { words.iter().take(4) }
        .map(|(word, n)| format!("`{word}` {n}"))
        .collect();
    let more = if words.len() > 4 { ", …" } else { "" };
    format!(
        "; names of files begin with {} words, which may be classes: {}{more}",
        words.len(),
        shown.join(", ")
    )
}

/// The files that cannot be used, by reason.
pub(crate) fn reasons(results: &Results) -> String {
    let mut reasons: BTreeMap<&str, (usize, &str, &str)> = BTreeMap::new();
    for (path, result) in results {
        if let Err(refused) = result {
            let reason =
                reasons
                    .entry(refused.reason.as_str())
                    .or_insert((0, path, &refused.detail));
            reason.0 += 1;
        }
    }
    let lines: Vec<String> = { reasons.iter() }
        .map(|(reason, (n, path, detail))| format!("  {n} {reason}, such as `{path}`: {detail}"))
        .collect();
    lines.join("\n")
}

/// The message for classes that are all too small.
pub(crate) fn too_small(small: &TooSmall, grouping: &Grouping) -> Error {
    let shown: Vec<String> = { small.small.iter().take(5) }
        .map(|(label, images, groups)| {
            let images = counted(*images, "image", "images");
            match grouping.authors {
                Some(_) => format!(
                    "`{label}` has {images} by {}",
                    counted(*groups, "author", "authors")
                ),
                None => format!("`{label}` has {images}"),
            }
        })
        .collect();
    let more = if small.small.len() > 5 { ", …" } else { "" };
    let fit = match small.fit.as_slice() {
        [] => "no class".to_owned(),
        [one] => format!("one class, `{one}`,"),
        many => format!("{} classes", many.len()),
    };
    let cure = match grouping.authors {
        Some(_) => {
            "images by more authors; or, if these are no authors, a file of parameters with `annotate.author_pattern = \"\"`"
        }
        None => "more images",
    };
    anyhow!(
        "{fit} can be studied: a class needs three images by different authors, one to train on, one to choose the epoch by and one to test on. {}{more}. Needed: {cure}",
        shown.join(", ")
    )
}
