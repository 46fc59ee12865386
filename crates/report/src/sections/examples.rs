//! Grids of examples: pictures right at once, right at the second guess, and wrong.

use std::collections::BTreeMap;

use dataset::Orient;
use maud::{Markup, html};
use numeric::{Classes, rank, ranking};
use rand::seq::index::sample;
use random::Stream;
use tables::annotation::Annotation;
use tables::prediction::Prediction;
use tables::subset::Subset;

use crate::ReportError;
use crate::draw::format::{count, percent};
use crate::draw::thumbnail;
use crate::page::section::{Section, gallery};
use crate::page::tables::{Anchors, Study};

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

/// The places of outcomes in [`OUTCOMES`].
const SECOND: usize = 1;
const WRONG: usize = 2;

/// Columns side by side; more go into further tables.
const COLUMNS: usize = 8;

/// How many guesses stand under a picture.
const N_GUESSES: usize = 3;

/// What the grids are made with.
pub(crate) struct Grids<'a, R> {
    /// Pictures of a class in a grid, at most.
    pub(crate) per_class: usize,
    /// Images in a grid, at most.
    pub(crate) most: usize,
    /// The long side of a thumbnail, in pixels.
    pub(crate) thumbnail_px: u32,
    /// What pictures are drawn by.
    pub(crate) stream: &'a Stream,
    /// The bytes of a picture's file by its path.
    pub(crate) read: R,
}

/// The section: validation images, drawn by chance.
///
/// # Errors
/// A prediction is not of the collection.
pub(crate) fn section<R>(
    study: &Study,
    anchors: &Anchors<'_>,
    grids: &Grids<'_, R>,
) -> Result<Section, ReportError>
where
    R: Fn(&str) -> std::io::Result<Vec<u8>>,
{
    let labels = study.labels();
    let groups = group(study, &labels)?;
    let mut body = vec![html! {
        p {
            "Validation images, drawn by chance within each class and outcome; a column is a true class. Below each "
            "picture stand the network's first three guesses, the true class in bold. A picture links to its row in the table "
            "of all pictures."
        }
    }];
    for (outcome, (title, look)) in OUTCOMES.into_iter().enumerate() {
        if labels.len() <= 2 && outcome == SECOND {
            continue;
        }
        let look = match (labels.len(), outcome) {
            (..=2, WRONG) => {
                "The other class came first. A high percentage for it is a sure error."
            }
            _ => look,
        };
        let drawn = columns(&groups, outcome, labels.len(), grids);
        body.push(html! {
            h3 { (title) }
            p.note {
                (look)
                @if (1..labels.len()).contains(&drawn.len()) {
                    " Classes shown: " (count(drawn.len())) " of " (count(labels.len())) "."
                }
            }
            (grid(title, &labels, anchors, &drawn, grids))
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

/// Validation images by outcome and code of the true class, sorted by path.
type Groups<'a> = BTreeMap<(usize, usize), Vec<Guessed<'a>>>;

fn group<'a>(study: &'a Study, labels: &Classes) -> Result<Groups<'a>, ReportError> {
    let pictures = study.pictures();
    let mut groups = Groups::new();
    for prediction in study
        .predictions
        .iter()
        .filter(|row| row.subset == Subset::Validation)
    {
        let annotation = pictures.get(prediction.path.as_str()).copied();
        let annotation = annotation.ok_or_else(|| unknown(prediction))?;
        let code = code_of(prediction, labels)?;
        let outcome = outcome(&prediction.logits, code);
        let guessed = Guessed {
            annotation,
            prediction,
        };
        groups.entry((outcome, code)).or_default().push(guessed);
    }
    Ok(groups)
}

/// The place in [`OUTCOMES`] of an image whose true class is `code`: of two classes, the second guess is wrong.
pub(crate) fn outcome(logits: &[f32], code: usize) -> usize {
    match rank(logits, code) {
        SECOND if logits.len() <= 2 => WRONG,
        rank => rank.min(WRONG),
    }
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
pub(crate) fn code_of(prediction: &Prediction, labels: &Classes) -> Result<usize, ReportError> {
    if prediction.probabilities.len() != labels.len() || prediction.logits.len() != labels.len() {
        return Err(ReportError::Classes {
            path: prediction.path.clone(),
            found: prediction.probabilities.len(),
            expected: labels.len(),
        });
    }
    let code = labels.index(&prediction.label);
    code.ok_or_else(|| unknown(prediction))
}

/// The paths of all examples.
///
/// # Errors
/// As for [`section`].
pub(crate) fn drawn<'a, R>(
    study: &'a Study,
    grids: &Grids<'_, R>,
) -> Result<Vec<&'a str>, ReportError> {
    let labels = study.labels();
    let groups = group(study, &labels)?;
    let outcomes = 0..OUTCOMES.len();
    let columns = outcomes.flat_map(|outcome| columns(&groups, outcome, labels.len(), grids));
    let examples = columns.flat_map(|column| column.examples);
    Ok(examples
        .map(|guessed| guessed.annotation.path.as_str())
        .collect())
}

/// A column of a grid: the code of a class, and examples of it.
struct Column<'a> {
    code: usize,
    examples: Vec<Guessed<'a>>,
}

/// The columns of an outcome's grid: every class, or, with more than a table has columns, those with examples; with more
/// of these than the grid has room for, so many of them, drawn by chance.
fn columns<'a, R>(
    groups: &Groups<'a>,
    outcome: usize,
    n_classes: usize,
    grids: &Grids<'_, R>,
) -> Vec<Column<'a>> {
    let mut codes: Vec<usize> = (0..n_classes).collect();
    if n_classes > COLUMNS {
        codes.retain(|&code| groups.contains_key(&(outcome, code)));
    }
    if codes.len() > grids.most {
        let mut rng = grids.stream.at(outcome as u64, n_classes as u64);
        let mut kept = sample(&mut rng, codes.len(), grids.most).into_vec();
        kept.sort_unstable();
        codes = kept.into_iter().map(|place| codes[place]).collect();
    }
    let room = grids.most / codes.len().max(1);
    let draw = |code| Column {
        code,
        examples: draw(
            groups,
            outcome,
            code,
            grids.per_class.min(room),
            grids.stream,
        ),
    };
    codes.into_iter().map(draw).collect()
}

fn draw<'a>(
    groups: &Groups<'a>,
    outcome: usize,
    code: usize,
    most: usize,
    stream: &Stream,
) -> Vec<Guessed<'a>> {
    let Some(group) = groups.get(&(outcome, code)) else {
        return Vec::new();
    };
    let mut rng = stream.at(outcome as u64, code as u64);
    let n = most.min(group.len());
    let drawn = sample(&mut rng, group.len(), n).into_iter();
    drawn.map(|idx| group[idx]).collect()
}

fn grid<R>(
    title: &str,
    labels: &Classes,
    anchors: &Anchors<'_>,
    drawn: &[Column<'_>],
    grids: &Grids<'_, R>,
) -> Markup
where
    R: Fn(&str) -> std::io::Result<Vec<u8>>,
{
    if drawn.iter().all(|column| column.examples.is_empty()) {
        return html! { p { "There are none." } };
    }
    let caption = format!("{title}: examples by true class");
    html! {
        @for columns in drawn.chunks(COLUMNS) {
            @let n_rows = columns.iter().map(|column| column.examples.len()).max().unwrap_or(0);
            @let head = html! { tr.examples { @for column in columns { th scope="col" { (labels.names()[column.code]) } } } };
            @let body = html! {
                @for row in 0..n_rows {
                    tr.examples { @for column in columns {
                        td { @if let Some(guessed) = column.examples.get(row) { (example(labels, anchors, guessed, grids)) } }
                    } }
                }
            };
            (gallery(&caption, &head, &body))
        }
    }
}

fn example<R>(
    labels: &Classes,
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
            let orient = Orient::by(annotation.orientation != 1);
            let made = thumbnail::thumbnail(&bytes, orient, grids.thumbnail_px);
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

/// The classes of the highest probabilities with these, in the order of the ranks: of equals the last by name comes
/// first.
pub(crate) fn guesses<'a>(labels: &'a Classes, probabilities: &[f32]) -> Vec<(&'a str, f32)> {
    let classes = ranking(probabilities).into_iter().take(N_GUESSES);
    let guess = |class: usize| (labels.names()[class].as_str(), probabilities[class]);
    classes.map(guess).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_guess_of_two_is_wrong() {
        assert_eq!(
            [outcome(&[0.1, 0.9], 1), outcome(&[0.1, 0.9], 0)],
            [0, WRONG]
        );
        let three = [0.1, 0.7, 0.2];
        assert_eq!(
            [1, 2, 0].map(|code| outcome(&three, code)),
            [0, SECOND, WRONG]
        );
    }

    #[test]
    fn guesses_fall_and_of_equals_the_last_comes_first() {
        let classes = Classes::of(["a", "b", "c", "d"]);
        let guesses = guesses(&classes, &[0.1, 0.4, 0.1, 0.4]);
        assert_eq!(guesses, [("d", 0.4), ("b", 0.4), ("c", 0.1)]);
    }
}
