//! Stage `annotate`: a folder of pictures in class folders becomes a table, one row a picture.
//!
//! What cannot be used is listed in a second table with the reason; the stage fails only where there is more of it than
//! the parameters allow.

use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use dataset::Limits;
use serde::Deserialize;
use stage::{InputPath, Output};
use tables::annotation::Annotation;
use tables::problem::Problem;

mod inspect;
mod pattern;
mod scan;
mod survey;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// How author and title stand in a file's name without its extension, such as `{author}_{title}`.
    author_pattern: String,
    /// Classes whose files are named by title alone.
    without_authors: Vec<String>,
    /// The class that is told apart from all others, which become the class `rest`; empty for all classes.
    one_class: String,
    /// Files and folders that may be left out before the stage fails.
    max_problems: usize,
    /// Width times height of the largest picture that is read.
    max_pixels: u64,
    /// The long side over the short one of the most elongated picture that is read.
    max_aspect: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    images: InputPath,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    annotations: Output<Annotation>,
    problems: Output<Problem>,
}

fn main() -> ExitCode {
    stage::main(run)
}

fn run(params: Params, inputs: Inputs, outputs: Outputs) -> anyhow::Result<()> {
    let pattern = params
        .author_pattern
        .parse()
        .with_context(|| format!("`author_pattern` is `{}`", params.author_pattern))?;
    let limits = Limits {
        pixels: params.max_pixels,
        aspect: params.max_aspect,
    };
    let found = scan::scan(&inputs.images)?;
    ensure!(
        !found.labels.is_empty(),
        "`{}` has no folders: expected one for each class",
        inputs.images.display()
    );
    survey::check_labels("without_authors", &params.without_authors, &found.labels)?;
    let one_class: Vec<String> = [params.one_class]
        .into_iter()
        .filter(|class| !class.is_empty())
        .collect();
    survey::check_labels("one_class", &one_class, &found.labels)?;
    let results = inspect::inspect(&inputs.images, &found.candidates, limits);
    let mut survey = survey::survey(found, results, &pattern, &params.without_authors);
    if let Some(class) = one_class.first() {
        survey.against_rest(class);
    }
    survey.tell();
    if survey.problems.len() > params.max_problems {
        bail!(
            "{} problems, more than `max_problems` = {}:\n{}",
            survey.problems.len(),
            params.max_problems,
            survey.first_problems(10)
        );
    }
    ensure!(
        !survey.annotations.is_empty(),
        "`{}` has no picture that can be read",
        inputs.images.display()
    );
    outputs.annotations.write(survey.annotations)?;
    outputs.problems.write(survey.problems)
}
