//! Grids of examples: pictures right at once, right at the second guess, and wrong.

use std::collections::BTreeMap;

use maud::{Markup, html};
use rand::seq::index::sample;
use stage::Stream;
use tables::annotation::Annotation;
use tables::prediction::Prediction;

use crate::format::percent;
use crate::section::{Section, gallery};
use crate::study::{Anchors, Study};
use crate::{ReportError, thumbnail};

/// How the network did on a picture.
const OUTCOMES: [(&str, &str); 3] = [
    ("Right at the first guess", "The true class comes first."),
    (
        "Right at the second guess",
        "The true class comes second: see what came first, and by how much.",
    ),
    (
        "Wrong",
        "The true class is not among the first two. A high percentage for another class is a sure error.",
    ),
];

/// How many guesses stand under a picture.
const N_GUESSES: usize = 3;

/// What the grids are made with.
pub(crate) struct Grids<'a, R> {
    /// Pictures of a class in a grid, at most.
    pub(crate) per_class: usize,
    /// The long side of a thumbnail, in pixels.
    pub(crate) thumbnail_px: u32,
    /// What pictures are drawn by.
    pub(crate) stream: &'a Stream,
    /// The bytes of a picture's file by its path.
    pub(crate) read: R,
}

/// The section: test pictures, drawn by chance.
///
/// # Errors
/// A prediction is not of the collection.
pub(crate) fn section<R>(study: &Study, grids: &Grids<'_, R>) -> Result<Section, ReportError>
where
    R: Fn(&str) -> std::io::Result<Vec<u8>>,
{
    let labels = study.labels();
    let anchors = study.anchors();
    let groups = group(study, &labels)?;
    let mut body = vec![html! {
        p {
            "Test pictures, drawn by chance within each class and outcome; a column is a true class. Below each "
            "picture stand the network's first three guesses, the true class in bold. A picture links to its row in the table "
            "of all pictures."
        }
    }];
    for (outcome, (title, look)) in OUTCOMES.into_iter().enumerate() {
        let drawn: Vec<Vec<Guessed<'_>>> = (0..labels.len())
            .map(|code| draw(&groups, outcome, code, grids))
            .collect();
        body.push(html! {
            h3 { (title) }
            p.note { (look) }
            (grid(title, &labels, &anchors, &drawn, grids))
        });
    }
    Ok(Section {
        id: "examples",
        title: "Examples",
        body: html! { @for part in &body { (part) } },
        figures: Vec::new(),
    })
}

/// A picture and what was said of it.
#[derive(Clone, Copy)]
struct Guessed<'a> {
    annotation: &'a Annotation,
    prediction: &'a Prediction,
}

/// Test pictures by outcome and code of the true class, sorted by path.
type Groups<'a> = BTreeMap<(usize, usize), Vec<Guessed<'a>>>;

fn group<'a>(study: &'a Study, labels: &[&str]) -> Result<Groups<'a>, ReportError> {
    let pictures = study.pictures();
    let mut groups = Groups::new();
    for prediction in study.predictions.iter().filter(|row| row.part == "test") {
        let annotation = pictures.get(prediction.path.as_str()).copied();
        let annotation = annotation.ok_or_else(|| unknown(prediction))?;
        let code = code_of(prediction, labels)?;
        let outcome = rank(&prediction.logits, code).min(OUTCOMES.len() - 1);
        let guessed = Guessed {
            annotation,
            prediction,
        };
        groups.entry((outcome, code)).or_default().push(guessed);
    }
    Ok(groups)
}

fn unknown(prediction: &Prediction) -> ReportError {
    ReportError::UnknownPicture {
        path: prediction.path.clone(),
        table: "predictions",
    }
}

/// The code of the true class of a prediction that is of the collection's classes.
///
/// # Errors
/// It is of others.
pub(crate) fn code_of(prediction: &Prediction, labels: &[&str]) -> Result<usize, ReportError> {
    if prediction.probabilities.len() != labels.len() || prediction.logits.len() != labels.len() {
        return Err(ReportError::Classes {
            path: prediction.path.clone(),
            found: prediction.probabilities.len(),
            expected: labels.len(),
        });
    }
    let code = labels.iter().position(|label| *label == prediction.label);
    code.ok_or_else(|| unknown(prediction))
}

/// How many classes stand before the true one; of equal logits the later class stands first, as in the top-k scores.
pub(crate) fn rank(logits: &[f32], code: usize) -> usize {
    let own = logits[code];
    let before = |(class, logit): (usize, &f32)| *logit > own || (*logit >= own && class > code);
    logits
        .iter()
        .enumerate()
        .filter(|pair| before(*pair))
        .count()
}

fn draw<'a, R>(
    groups: &Groups<'a>,
    outcome: usize,
    code: usize,
    grids: &Grids<'_, R>,
) -> Vec<Guessed<'a>> {
    let Some(group) = groups.get(&(outcome, code)) else {
        return Vec::new();
    };
    let mut rng = grids.stream.at(outcome as u64, code as u64);
    let n = grids.per_class.min(group.len());
    let drawn = sample(&mut rng, group.len(), n).into_iter();
    drawn.map(|idx| group[idx]).collect()
}

fn grid<R>(
    title: &str,
    labels: &[&str],
    anchors: &Anchors<'_>,
    drawn: &[Vec<Guessed<'_>>],
    grids: &Grids<'_, R>,
) -> Markup
where
    R: Fn(&str) -> std::io::Result<Vec<u8>>,
{
    let n_rows = drawn.iter().map(Vec::len).max().unwrap_or(0);
    if n_rows == 0 {
        return html! { p { "There are none." } };
    }
    let head = html! { tr.examples { @for label in labels { th scope="col" { (label) } } } };
    let body = html! {
        @for row in 0..n_rows {
            tr.examples { @for column in drawn {
                td { @if let Some(guessed) = column.get(row) { (example(labels, anchors, guessed, grids)) } }
            } }
        }
    };
    gallery(&format!("{title}: examples by true class"), &head, &body)
}

fn example<R>(
    labels: &[&str],
    anchors: &Anchors<'_>,
    guessed: &Guessed<'_>,
    grids: &Grids<'_, R>,
) -> Markup
where
    R: Fn(&str) -> std::io::Result<Vec<u8>>,
{
    let Guessed {
        annotation,
        prediction,
    } = guessed;
    let name = name(annotation);
    html! {
        a href=[anchors.link(&annotation.path)] { (picture(annotation, &name, grids)) }
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

/// Author and title without the dashes of file names.
pub(crate) fn name(annotation: &Annotation) -> String {
    let title = annotation.title.replace(['-', '_'], " ");
    match &annotation.author {
        Some(author) => format!("{}: {title}", author.replace(['-', '_'], " ")),
        None => title,
    }
}

/// The thumbnail, or words in its place where the file cannot be read.
fn picture<R>(annotation: &Annotation, name: &str, grids: &Grids<'_, R>) -> Markup
where
    R: Fn(&str) -> std::io::Result<Vec<u8>>,
{
    let made = (grids.read)(&annotation.path)
        .map_err(|error| error.to_string())
        .and_then(|bytes| {
            let made = thumbnail::thumbnail(&bytes, grids.thumbnail_px);
            made.map_err(|error| error.to_string())
        });
    match made {
        Ok(thumbnail) => html! {
            img src=(thumbnail.uri) width=(thumbnail.width) height=(thumbnail.height) alt=(name);
        },
        Err(error) => {
            // The page says nothing of the reason, which may name a place on this machine.
            tracing::warn!("cannot show `{}`: {error}", annotation.path);
            html! { p.missing { "This picture cannot be shown." } }
        }
    }
}

/// The classes of the highest probabilities, falling; of equals the first by name.
pub(crate) fn guesses<'a>(labels: &[&'a str], probabilities: &[f32]) -> Vec<(&'a str, f32)> {
    let mut guesses: Vec<(&str, f32)> = labels
        .iter()
        .copied()
        .zip(probabilities.iter().copied())
        .collect();
    guesses.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    guesses.truncate(N_GUESSES);
    guesses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rank_counts_who_stands_before() {
        assert_eq!(rank(&[0.1, 0.7, 0.2], 1), 0);
        assert_eq!(rank(&[0.1, 0.7, 0.2], 0), 2);
        assert_eq!([rank(&[0.5, 0.5], 0), rank(&[0.5, 0.5], 1)], [1, 0]);
    }

    #[test]
    fn guesses_fall() {
        let guesses = guesses(&["a", "b", "c", "d"], &[0.1, 0.4, 0.1, 0.4]);
        assert_eq!(guesses, [("b", 0.4), ("d", 0.4), ("a", 0.1)]);
    }
}
