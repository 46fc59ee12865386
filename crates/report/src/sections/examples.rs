//! Grids of example predictions: right at the first guess, right at the second guess, and wrong.

use std::collections::BTreeMap;

use maud::{Markup, html};
use numeric::Classes;
use rand::seq::index::sample;
use table_annotations::Annotation;
use table_predictions::Prediction;
use tables::Subset;

use crate::ReportError;
use crate::draw::format::{count, percent};
use crate::draw::table::gallery;
use crate::page::annotations::{Annotations, name};
use crate::page::image::image;
use crate::page::options::Options;
use crate::page::prediction::{Outcome, guesses, true_class, unknown};
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Columns side by side; more go into further tables.
const COLUMNS: usize = 8;

reads! {
    /// Tables of the section.
    pub(crate) struct Examples {
        annotations: Annotations,
        predictions: Rows<Prediction>,
    }
}

impl Section for Examples {
    fn linked(&self, options: &Options) -> Result<Vec<String>, ReportError> {
        let labels = self.annotations.labels();
        let groups = self.group(&labels)?;
        let columns = Outcome::ALL
            .into_iter()
            .flat_map(|outcome| columns(&groups, outcome, labels.len(), options));
        let examples = columns.flat_map(|column| column.examples);
        Ok(examples
            .map(|example| example.annotation.path.clone())
            .collect())
    }

    fn draw(&self, context: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let labels = self.annotations.labels();
        let groups = self.group(&labels)?;
        let has_second = |outcome: &Outcome| labels.len() > 2 || *outcome != Outcome::Second;
        let grids = Outcome::ALL
            .into_iter()
            .filter(has_second)
            .map(|outcome| grid(&labels, &groups, outcome, context));
        let grids: Vec<Markup> = grids.collect();
        let body = html! {
            p {
                "Validation images, drawn at random within each class and outcome; a column is a true class. Below each "
                "image are the network's first three guesses, the true class in bold. An image links to its row in the table "
                "of all images."
            }
            @for grid in &grids { (grid) }
        };
        Ok(Some(Content {
            id: "examples",
            heading: "Example predictions",
            body,
            figures: Vec::new(),
        }))
    }
}

impl Examples {
    fn group<'a>(&'a self, labels: &Classes) -> Result<Groups<'a>, ReportError> {
        let annotations = self.annotations.by_path();
        let mut groups = Groups::new();
        for prediction in self
            .predictions
            .iter()
            .filter(|row| row.subset == Subset::Validation)
        {
            let annotation = annotations.get(prediction.path.as_str()).copied();
            let annotation = annotation.ok_or_else(|| unknown(prediction))?;
            let class = true_class(prediction, labels)?;
            let outcome = Outcome::of(&prediction.logits, class);
            let example = Example {
                annotation,
                prediction,
            };
            groups.entry((outcome, class)).or_default().push(example);
        }
        Ok(groups)
    }
}

/// An image with its prediction.
#[derive(Clone, Copy)]
struct Example<'a> {
    annotation: &'a Annotation,
    prediction: &'a Prediction,
}

/// Validation images by outcome and index of the true class, sorted by path.
type Groups<'a> = BTreeMap<(Outcome, usize), Vec<Example<'a>>>;

/// A column of a grid: the index of a class, and examples of the class.
struct Column<'a> {
    class: usize,
    examples: Vec<Example<'a>>,
}

/// The columns of an outcome's grid: the classes with examples, or, of more than the grid has room for, a random sample.
fn columns<'a>(
    groups: &Groups<'a>,
    outcome: Outcome,
    n_classes: usize,
    options: &Options,
) -> Vec<Column<'a>> {
    let mut classes: Vec<usize> = (0..n_classes).collect();
    classes.retain(|&class| groups.contains_key(&(outcome, class)));
    if classes.len() > options.max_examples {
        let mut rng = options.stream.at(outcome as u64, n_classes as u64);
        let mut kept = sample(&mut rng, classes.len(), options.max_examples).into_vec();
        kept.sort_unstable();
        classes = kept.into_iter().map(|idx| classes[idx]).collect();
    }
    let room = options.max_examples / classes.len().max(1);
    let n = options.examples_per_class.min(room);
    let column = |class| {
        let group = groups.get(&(outcome, class));
        let mut rng = options.stream.at(outcome as u64, class as u64);
        let group = group.map_or(&[][..], Vec::as_slice);
        let drawn = sample(&mut rng, group.len(), n.min(group.len())).into_iter();
        Column {
            class,
            examples: drawn.map(|idx| group[idx]).collect(),
        }
    };
    classes.into_iter().map(column).collect()
}

/// Heading and note of an outcome's grid.
fn texts(outcome: Outcome, n_classes: usize) -> (&'static str, &'static str) {
    match outcome {
        Outcome::First => ("Right at the first guess", "The true class comes first."),
        Outcome::Second => (
            "Right at the second guess",
            "The true class comes second, after the class in the first row.",
        ),
        Outcome::Wrong if n_classes <= 2 => (
            "Wrong",
            "The other class comes first. A high percentage for it is a confident error.",
        ),
        Outcome::Wrong => (
            "Wrong",
            "The true class is not among the first two. A high percentage for another class is a confident error.",
        ),
    }
}

fn grid(labels: &Classes, groups: &Groups<'_>, outcome: Outcome, context: &Context<'_>) -> Markup {
    let columns = columns(groups, outcome, labels.len(), context.options);
    let (heading, note) = texts(outcome, labels.len());
    html! {
        h3 { (heading) }
        p.note {
            (note)
            @if (1..labels.len()).contains(&columns.len()) {
                " Classes shown: " (count(columns.len())) " of " (count(labels.len())) "."
            }
        }
        @if columns.is_empty() { p { "There are none." } } @else {
            (tables(heading, labels, &columns, context))
        }
    }
}

fn tables(
    heading: &str,
    labels: &Classes,
    columns: &[Column<'_>],
    context: &Context<'_>,
) -> Markup {
    let caption = format!("{heading}: examples by true class");
    html! {
        @for columns in columns.chunks(COLUMNS) {
            @let n_rows = columns.iter().map(|column| column.examples.len()).max().unwrap_or(0);
            @let head = html! { tr.examples { @for column in columns { th scope="col" { (labels.names()[column.class]) } } } };
            @let body = html! {
                @for row in 0..n_rows {
                    tr.examples { @for column in columns {
                        td { @if let Some(example) = column.examples.get(row) { (cell(labels, example, context)) } }
                    } }
                }
            };
            (gallery(&caption, &head, &body))
        }
    }
}

fn cell(labels: &Classes, example: &Example<'_>, context: &Context<'_>) -> Markup {
    let Example {
        annotation,
        prediction,
    } = example;
    let name = name(annotation);
    html! {
        a href=[context.sample.anchors.link(&annotation.path)] { (image(annotation, context)) }
        p.name title=(annotation.path) { (name) }
        ol.guesses {
            @for (label, probability) in guesses(labels, &prediction.probabilities) {
                li class=[(label == prediction.label).then_some("true")] {
                    span { (label) } " " span { (percent(f64::from(probability))) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::fixture::{occurrences, report, study};

    #[test]
    fn examples_are_grouped_by_outcome_and_class() {
        let report = report(&study());
        // Of two classes the second guess is wrong, so that there are two grids.
        assert!(!report.page.contains("There are none."));
        // The validation images are 2, 8, 14, 20, of the first class and right, and 3, 9, 15, 21, of the second and wrong.
        assert_eq!(occurrences(&report.page, "alt=\"&lt;b"), 2);
        assert_eq!(occurrences(&report.page, "alt=\"no "), 2);
        let sections: Vec<&str> = report.page.split("<h3>").collect();
        assert!(sections[1].starts_with("Right at the first guess"));
        assert_eq!(occurrences(sections[1], "alt=\"&lt;b"), 2);
        assert_eq!(occurrences(sections[2], "alt=\"no "), 2);
    }
}
