//! Puts together annotations and problems.

use std::collections::{BTreeMap, BTreeSet};

use table_annotations::Annotation;
use table_attributes::Attribute;
use table_problems::Problem;
use tracing::{info, warn};

use crate::names::normalized;
use crate::{Candidate, FileFault, GroupedFiles, ImageFacts};

/// Problems shown of each kind where there are more than allowed.
const SHOWN_OF_A_KIND: usize = 5;

/// The tables of stage `annotate`.
#[derive(Debug, Default)]
pub struct Survey {
    /// One row an image, by path.
    pub annotations: Vec<Annotation>,
    /// Files and folders that are not in the study, by path.
    pub problems: Vec<Problem>,
    /// Cells of further columns of the table of labels.
    pub attributes: Vec<Attribute>,
    /// Each image's class before classes were merged, in the order of `annotations`.
    own_labels: Vec<String>,
}

/// Sorts images from problems: damaged files, second copies, classes without an image. `results` belong to the
/// candidates of `grouped`, in their order.
pub fn survey(grouped: GroupedFiles, results: Vec<Result<ImageFacts, FileFault>>) -> Survey {
    let mut survey = Survey {
        problems: grouped.problems,
        ..Survey::default()
    };
    // Path and class of the first file of each content.
    let mut originals: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (candidate, result) in grouped.candidates.into_iter().zip(results) {
        let unique = result.and_then(|facts| {
            let here = (candidate.path.clone(), candidate.label.clone());
            let original = originals.entry(facts.content_hash.clone()).or_insert(here);
            match original.0 == candidate.path {
                true => Ok(facts),
                false => Err(duplicate(original, &candidate)),
            }
        });
        match unique {
            Ok(facts) => survey.add(candidate, facts),
            Err(FileFault { reason, detail }) => survey.problems.push(Problem {
                path: candidate.path,
                reason,
                detail,
            }),
        }
    }
    survey.number_labels();
    survey.note_empty_classes(&grouped.labels, &grouped.left_out);
    survey
        .problems
        .sort_by(|a, b| (&a.path, &a.reason).cmp(&(&b.path, &b.reason)));
    survey
}

fn duplicate((path, label): &(String, String), copy: &Candidate) -> FileFault {
    if *label == copy.label {
        FileFault {
            reason: "duplicate".to_owned(),
            detail: format!("the same bytes as `{path}`"),
        }
    } else {
        FileFault {
            reason: "duplicate-in-another-class".to_owned(),
            detail: format!("the same bytes as `{path}`, which is of class `{label}`"),
        }
    }
}

impl Survey {
    fn add(&mut self, candidate: Candidate, facts: ImageFacts) {
        let attributes = candidate.attributes.into_iter();
        self.attributes
            .extend(attributes.map(|(name, value)| Attribute {
                path: candidate.path.clone(),
                name,
                value,
            }));
        self.own_labels.push(candidate.own_label);
        self.annotations.push(Annotation {
            path: candidate.path,
            label: candidate.label,
            author: candidate.author,
            title: candidate.title,
            // Set once all images are added.
            class_index: 0,
            split: candidate.split,
            width: facts.width,
            height: facts.height,
            orientation: facts.orientation,
            format: facts.format,
            bytes: facts.bytes,
            content_hash: facts.content_hash,
        });
    }

    /// Leaves two classes: `class`, and one of all others, whose name is returned. It is `rest`, or where the collection
    /// has a class of that name, another one.
    pub fn against_rest(&mut self, class: &str, labels: &BTreeSet<String>) -> String {
        let class = normalized(class);
        let rest = free_name(&class, labels);
        for annotation in &mut self.annotations {
            if annotation.label != class {
                annotation.label.clone_from(&rest);
            }
        }
        self.number_labels();
        rest
    }

    /// Class indices follow the order of the names.
    fn number_labels(&mut self) {
        let labels: BTreeSet<String> = { self.annotations.iter() }
            .map(|row| row.label.clone())
            .collect();
        let codes: BTreeMap<String, u32> = labels.into_iter().zip(0..).collect();
        for annotation in &mut self.annotations {
            annotation.class_index = codes[&annotation.label];
        }
    }

    fn note_empty_classes(
        &mut self,
        labels: &BTreeSet<String>,
        left_out: &BTreeMap<String, usize>,
    ) {
        let used: BTreeSet<&str> = self.own_labels.iter().map(String::as_str).collect();
        for label in labels {
            if !used.contains(label.as_str()) && !left_out.contains_key(label) {
                self.problems.push(Problem {
                    path: label.clone(),
                    reason: "empty-class".to_owned(),
                    detail: "no file of the class is an image of the study".to_owned(),
                });
            }
        }
    }

    /// Names of the classes that have images.
    pub fn classes(&self) -> BTreeSet<&str> {
        self.annotations
            .iter()
            .map(|row| row.label.as_str())
            .collect()
    }

    /// The author of each class, if every class with authors has only one, so that the name of the file holds no author:
    /// usually the class itself, as in `n01440764/n01440764_12.jpg`. Empty otherwise.
    pub fn classes_of_one_author(&self) -> BTreeMap<&str, &str> {
        let mut authors: BTreeMap<&str, &str> = BTreeMap::new();
        let mut images: BTreeMap<&str, usize> = BTreeMap::new();
        for (row, label) in self.annotations.iter().zip(&self.own_labels) {
            let Some(author) = row.author.as_deref() else {
                continue;
            };
            if *authors.entry(label).or_insert(author) != author {
                return BTreeMap::new();
            }
            *images.entry(label).or_default() += 1;
        }
        let is_suspicious = authors.len() > 1 && images.values().all(|&images| images > 1);
        if is_suspicious {
            authors
        } else {
            BTreeMap::new()
        }
    }

    /// Logs how many images there are of each class, and how many problems of each kind.
    pub fn log(&self) {
        let mut counts: BTreeMap<&str, (usize, BTreeSet<&str>, usize)> = BTreeMap::new();
        for annotation in &self.annotations {
            let (images, authors, without) = counts.entry(&annotation.label).or_default();
            *images += 1;
            authors.extend(annotation.author.as_deref());
            *without += usize::from(annotation.author.is_none());
        }
        for (label, (images, authors, without)) in &counts {
            let without = match *without {
                0 => String::new(),
                _ if authors.is_empty() => String::new(),
                without => format!(", {without} images without an author"),
            };
            info!(
                "{label}: {images} images, {} authors{without}",
                authors.len()
            );
        }
        let turned = self
            .annotations
            .iter()
            .filter(|row| row.orientation != 1)
            .count();
        if turned > 0 {
            info!(
                "{turned} images are turned upright by their EXIF orientation (`decode.exif_orientation`)"
            );
        }
        for (reason, problems) in self.by_reason() {
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

    /// Problems by kind, the most frequent kind first, with some examples of each.
    pub fn shown_problems(&self) -> String {
        let mut kinds: Vec<_> = self.by_reason().into_iter().collect();
        kinds.sort_by_key(|(_, problems)| std::cmp::Reverse(problems.len()));
        let mut lines = Vec::new();
        for (reason, problems) in kinds {
            lines.push(format!("  {} {reason}", problems.len()));
            for problem in problems.iter().take(SHOWN_OF_A_KIND) {
                lines.push(format!("    `{}`: {}", problem.path, problem.detail));
            }
            if problems.len() > SHOWN_OF_A_KIND {
                lines.push(format!("    and {} more", problems.len() - SHOWN_OF_A_KIND));
            }
        }
        lines.join("\n")
    }

    fn by_reason(&self) -> BTreeMap<&str, Vec<&Problem>> {
        let mut reasons: BTreeMap<&str, Vec<&Problem>> = BTreeMap::new();
        for problem in &self.problems {
            reasons.entry(&problem.reason).or_default().push(problem);
        }
        reasons
    }
}

/// A name for all classes but `class` that no class has.
fn free_name(class: &str, labels: &BTreeSet<String>) -> String {
    let is_free = |name: &String| name != class && !labels.contains(name);
    let names = ["rest", "other", "others"].into_iter().map(str::to_owned);
    let numbered = (2..).map(|number| format!("rest {number}"));
    names
        .chain(numbered)
        .find(is_free)
        .expect("there are more numbers than classes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_all_others_is_no_class() {
        let labels = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(free_name("cat", &labels(&["cat", "dog"])), "rest");
        assert_eq!(free_name("cat", &labels(&["cat", "rest"])), "other");
        assert_eq!(
            free_name("rest", &labels(&["rest", "other", "others"])),
            "rest 2"
        );
    }
}
