//! Puts together what was found: annotations and problems.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use tables::annotation::Annotation;
use tables::problem::Problem;
use tracing::{info, warn};

use crate::inspect::{Inspected, Refused};
use crate::pattern::Pattern;
use crate::scan::{Candidate, Found};

/// The two tables.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) annotations: Vec<Annotation>,
    pub(crate) problems: Vec<Problem>,
}

/// The class of all pictures but those of the one class that is asked for.
const REST: &str = "rest";

/// Checks that every class that `parameter` names is one of the folder's.
pub(crate) fn check_labels(
    parameter: &str,
    names: &[String],
    labels: &BTreeSet<String>,
) -> anyhow::Result<()> {
    let Some(unknown) = names.iter().find(|name| !labels.contains(*name)) else {
        return Ok(());
    };
    let nearest = labels
        .iter()
        .min_by_key(|label| strsim::damerau_levenshtein(label, unknown))
        .map_or("", String::as_str);
    let all: Vec<&str> = labels.iter().map(String::as_str).collect();
    bail!(
        "`{parameter}` names `{unknown}`, which is no class; did you mean `{nearest}`? The classes are {}",
        all.join(", ")
    );
}

/// Sorts pictures from problems: damaged files, names without an author, second copies, classes without a picture.
pub(crate) fn survey(
    found: Found,
    results: Vec<Result<Inspected, Refused>>,
    pattern: &Pattern,
    without_authors: &[String],
) -> Survey {
    let mut survey = Survey {
        problems: found.problems,
        ..Survey::default()
    };
    // The first path of each content.
    let mut originals = BTreeMap::new();
    for (candidate, result) in found.candidates.into_iter().zip(results) {
        let named = !without_authors.contains(&candidate.label);
        let annotation = result
            .and_then(|inspected| annotation(&candidate, inspected, named.then_some(pattern)))
            .and_then(|annotation| {
                let original = originals
                    .entry(annotation.content_hash.clone())
                    .or_insert_with(|| candidate.path.clone());
                if *original == candidate.path {
                    Ok(annotation)
                } else {
                    Err(Refused {
                        reason: "duplicate",
                        detail: format!("the same bytes as `{original}`"),
                    })
                }
            });
        match annotation {
            Ok(annotation) => survey.annotations.push(annotation),
            Err(refused) => survey.problems.push(Problem {
                path: candidate.path,
                reason: refused.reason.to_owned(),
                detail: refused.detail,
            }),
        }
    }
    survey.number_labels(&found.labels);
    survey
}

fn annotation(
    candidate: &Candidate,
    inspected: Inspected,
    pattern: Option<&Pattern>,
) -> Result<Annotation, Refused> {
    let name = candidate.path.rsplit('/').next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let (author, title) = match pattern {
        None => (None, stem.to_owned()),
        Some(pattern) => {
            let named = pattern.apply(stem).ok_or_else(|| Refused {
                reason: "no-author",
                detail: "the name doesn't follow `author_pattern`".to_owned(),
            })?;
            (Some(named.author), named.title)
        }
    };
    Ok(Annotation {
        path: candidate.path.clone(),
        label: candidate.label.clone(),
        author,
        title,
        // Known when all pictures are.
        code: 0,
        split: None,
        width: inspected.width,
        height: inspected.height,
        format: inspected.format.to_owned(),
        bytes: inspected.bytes,
        content_hash: inspected.content_hash,
    })
}

impl Survey {
    /// Leaves two classes: `class`, and `rest` for all others.
    pub(crate) fn against_rest(&mut self, class: &str) {
        // Codes follow the order of the names.
        let code_of_class = u32::from(class > REST);
        for annotation in &mut self.annotations {
            let is_class = annotation.label == class;
            if !is_class {
                annotation.label = REST.to_owned();
            }
            annotation.code = if is_class {
                code_of_class
            } else {
                1 - code_of_class
            };
        }
    }

    /// Numbers the labels that have pictures; the others are problems.
    fn number_labels(&mut self, labels: &BTreeSet<String>) {
        let used: BTreeSet<&str> = self
            .annotations
            .iter()
            .map(|annotation| annotation.label.as_str())
            .collect();
        for label in labels {
            if !used.contains(label.as_str()) {
                self.problems.push(Problem {
                    path: label.clone(),
                    reason: "empty-class".to_owned(),
                    detail: "a class folder without a picture that can be read".to_owned(),
                });
            }
        }
        let codes: BTreeMap<String, u32> = used.into_iter().map(str::to_owned).zip(0..).collect();
        for annotation in &mut self.annotations {
            annotation.code = codes[&annotation.label];
        }
        self.problems
            .sort_by(|a, b| (&a.path, &a.reason).cmp(&(&b.path, &b.reason)));
    }

    /// Says how many pictures there are, and how many problems of each kind.
    pub(crate) fn tell(&self) {
        let mut counts: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
        for annotation in &self.annotations {
            let (pictures, authors) = counts.entry(&annotation.label).or_default();
            *pictures += 1;
            authors.extend(annotation.author.as_deref());
        }
        for (label, (pictures, authors)) in &counts {
            info!("{label}: {pictures} pictures, {} authors", authors.len());
        }
        let mut reasons: BTreeMap<&str, Vec<&Problem>> = BTreeMap::new();
        for problem in &self.problems {
            reasons.entry(&problem.reason).or_default().push(problem);
        }
        for (reason, problems) in reasons {
            let first = problems[0];
            warn!(
                "{} left out as {reason}: `{}` ({}){}",
                problems.len(),
                first.path,
                first.detail,
                if problems.len() > 1 { ", …" } else { "" }
            );
        }
    }

    /// A line for each of the first `n` problems.
    pub(crate) fn first_problems(&self, n: usize) -> String {
        let lines: Vec<String> = self
            .problems
            .iter()
            .take(n)
            .map(|problem| {
                format!(
                    "  `{}`: {}: {}",
                    problem.path, problem.reason, problem.detail
                )
            })
            .collect();
        lines.join("\n")
    }
}
