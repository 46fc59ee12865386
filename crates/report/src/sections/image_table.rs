//! Table of all images, to whose rows the images of other sections link.

use std::collections::BTreeMap;

use maud::{Markup, html};
use numeric::Classes;
use table_annotations::Annotation;
use table_predictions::Prediction;
use tables::Subset;

use crate::ReportError;
use crate::draw::format::{NONE, count, counted, percent, subset_name};
use crate::draw::sheet::{COLUMNS, Missing, Sheet};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::prediction::{Outcome, guesses, true_class};
use crate::page::sample::Anchors;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

reads! {
    /// Tables of the section.
    pub(crate) struct ImageTable {
        annotations: Annotations,
        predictions: Rows<Prediction>,
    }
}

impl Section for ImageTable {
    fn draw(&self, context: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let sheet = context.pixels.map(|pixels| {
            let paths = context.sample.anchors.paths().iter().copied();
            let others: Vec<&str> = paths.filter(|path| !context.shown.contains(path)).collect();
            Sheet::of(&others, pixels)
        });
        let sheet = sheet.transpose()?;
        let rows = self.rows(&context.sample.anchors, sheet.as_ref())?;
        let example = self.example(&context.sample.anchors)?;
        Ok(Some(Content {
            id: "images",
            heading: if rows.len() == self.annotations.len() {
                "All images"
            } else {
                "Images"
            },
            body: html! {
                (self.introduction(rows.len()))
                @if let Some(sheet) = &sheet {
                    @for &missing in &sheet.missing { p.note { (note(missing)) } }
                }
                (filtered(&rows, &example, sheet.as_ref()))
            },
            figures: Vec::new(),
        }))
    }
}

impl ImageTable {
    fn rows(
        &self,
        anchors: &Anchors<'_>,
        sheet: Option<&Sheet<'_>>,
    ) -> Result<Vec<Markup>, ReportError> {
        let labels = self.annotations.labels();
        let annotations = self.annotations.by_path();
        let predictions: BTreeMap<&str, &Prediction> = { self.predictions.iter() }
            .map(|row| (row.path.as_str(), row))
            .collect();
        let mut rows = Vec::with_capacity(anchors.paths().len());
        for path in anchors.paths() {
            let Some(annotation) = annotations.get(path) else {
                continue;
            };
            let prediction = predictions.get(path).copied();
            let predicted = prediction.map(|row| Predicted::of(row, &labels));
            let predicted = predicted.transpose()?;
            let place = Place {
                id: anchors.id(path),
                tile: sheet.and_then(|sheet| sheet.tile(path)),
            };
            rows.push(row(&place, annotation, predicted.as_ref()));
        }
        Ok(rows)
    }

    /// Words of the filter that find a row: those of the first wrong prediction of an image that was not trained on, or
    /// else of the first prediction.
    fn example(&self, anchors: &Anchors<'_>) -> Result<String, ReportError> {
        let labels = self.annotations.labels();
        let mut example = None;
        for prediction in self.predictions.iter() {
            if anchors.id(&prediction.path).is_none() {
                continue;
            }
            let outcome = Predicted::of(prediction, &labels)?.outcome;
            let words = || format!("{} {outcome}", subset_name(prediction.subset));
            if outcome == "wrong" && prediction.subset != Subset::Train {
                return Ok(words());
            }
            example.get_or_insert_with(words);
        }
        Ok(example.unwrap_or_default())
    }

    fn introduction(&self, n_rows: usize) -> Markup {
        html! {
            p {
                @if n_rows == self.annotations.len() {
                    "The " (counted(n_rows, "image")) " of the collection"
                } @else {
                    (count(n_rows)) " of the " (counted(self.annotations.len(), "image")) " of the collection, those linked "
                    "above and others drawn at random (the table " code { "predictions" } " has all),"
                }
                " and the network's first three guesses, the true class in bold. The last column is the outcome: the true class came first "
                @if self.annotations.labels().len() > 2 { "(right), second, or later (wrong)" } @else { "(right) or not (wrong)" }
                ". The images above link to their rows, and are shown there again. The heads of the columns sort the table."
            }
        }
    }
}

/// Sentence on images without a thumbnail.
fn note(missing: Missing) -> String {
    let have_none = |n| {
        let verb = if n == 1 { "has" } else { "have" };
        format!("{} {verb} no thumbnail", counted(n, "image"))
    };
    match missing {
        Missing::NotDecoded { images } => {
            format!("{}, for lack of decoded pixels.", have_none(images))
        }
        Missing::TooMany { images, max_tiles } => format!(
            "{}, the last by path of those that are not shown above: the page has small thumbnails of {} at most.",
            have_none(images),
            counted(max_tiles, "image"),
        ),
        Missing::TooLong { images, max_bytes } => format!(
            "{}, the last by path of those that are not shown above: small thumbnails of all would lengthen the page \
             by more than {}\u{a0}MB.",
            have_none(images),
            f64::from(max_bytes) / 1e6,
        ),
    }
}

/// The table with its filter, and the JPEG of its small thumbnails, whose tiles a script shows in the rows.
fn filtered(rows: &[Markup], example: &str, sheet: Option<&Sheet<'_>>) -> Markup {
    let head = html! {
        tr {
            th scope="col" { "image" }
            th scope="col" { "class" }
            th scope="col" { "author" }
            th scope="col" { "subset" }
            th scope="col" { "first three guesses" }
            th scope="col" { "outcome" }
        }
    };
    let body = html! { @for row in rows { (row) } };
    html! {
        p.filter hidden {
            label { "Rows with all of these words: " input type="search" autocomplete="off" spellcheck="false" placeholder=(example); }
            " " output {}
        }
        @if let Some(uri) = sheet.and_then(|sheet| sheet.uri.as_ref()) {
            img.tiles src=(uri) data-columns=(COLUMNS) alt="" hidden;
        }
        div.images { (table("Images by path", &head, &body)) }
        p.unprinted { "The table is left out in print." }
    }
}

/// Place of a row, and of its thumbnail in the sheet.
struct Place {
    id: Option<String>,
    tile: Option<usize>,
}

/// A prediction as it is shown.
struct Predicted<'a> {
    prediction: &'a Prediction,
    guesses: Vec<(&'a str, f32)>,
    /// A word for the filter above the table.
    outcome: &'static str,
}

impl<'a> Predicted<'a> {
    fn of(prediction: &'a Prediction, labels: &'a Classes) -> Result<Self, ReportError> {
        let class = true_class(prediction, labels)?;
        Ok(Self {
            prediction,
            guesses: guesses(labels, &prediction.probabilities),
            outcome: match Outcome::of(&prediction.logits, class) {
                Outcome::First => "right",
                Outcome::Second => "second",
                Outcome::Wrong => "wrong",
            },
        })
    }
}

fn row(place: &Place, annotation: &Annotation, predicted: Option<&Predicted<'_>>) -> Markup {
    html! {
        tr id=[&place.id] data-tile=[place.tile] {
            th scope="row" { (annotation.path) }
            td { (annotation.label) }
            td { (annotation.author.as_deref().unwrap_or(NONE)) }
            @if let Some(Predicted { prediction, guesses, outcome }) = predicted {
                td { (subset_name(prediction.subset)) }
                td {
                    @for (i, (label, probability)) in guesses.iter().enumerate() {
                        @if i > 0 { ", " }
                        @let share = percent(f64::from(*probability));
                        @if *label == prediction.label { strong { (label) " " (share) } } @else { (label) " " (share) }
                    }
                }
                td { (outcome) }
            } @else { td { (NONE) } td { (NONE) } td { (NONE) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render;
    use crate::tests::fixture::{
        annotation, occurrences, options, pixels, report, report_with_pixels, study,
    };

    /// Rows of the table of all images, each from its id on.
    fn rows_of(page: &str) -> Vec<&str> {
        let (_, table) = page.split_once("<section id=\"images\">").unwrap();
        table.split("<tr id=\"").skip(1).collect()
    }

    #[test]
    fn every_image_has_a_row() {
        let page = report(&study()).page;
        let rows = rows_of(&page);
        assert_eq!(rows.len(), 24);
        // By path: 24 images alternate between two folders, so that the thirteenth is the first of the second.
        assert!(rows[1].starts_with("p1\"><th scope=\"row\">0/02.png</th>"));
        assert!(rows[12].starts_with("p12\"><th scope=\"row\">1/01.png</th>"));
        // Image 2 is right, 3, which has no author, is not.
        assert!(rows[1].contains(
            "<td>&lt;b&gt;&amp;&quot;</td><td>validation</td>\
         <td><strong>art&lt;deco&gt; 75\u{a0}%</strong>, photo 25\u{a0}%</td><td>right</td>"
        ));
        assert!(rows[13].contains("<td>–</td><td>validation</td>"));
        assert!(rows[13].contains("<strong>photo 25\u{a0}%</strong></td><td>wrong</td>"));
        // A collection of thousands fits into a page.
        assert!(rows[..23].iter().all(|row| row.len() < 400));
    }

    #[test]
    fn rows_to_which_no_image_links_have_tiles() {
        let folder = tempfile::tempdir().unwrap();
        let page = report_with_pixels(&study(), folder.path()).page;
        assert_eq!(occurrences(&page, "<img class=\"tiles\""), 1);
        assert_eq!(occurrences(&page, "data-columns=\"32\""), 1);
        let rows = rows_of(&page);
        let is_linked = |at: usize| page.contains(&format!("href=\"#p{at}\"><img"));
        let tiles: Vec<&&str> = rows
            .iter()
            .filter(|row| row.contains("data-tile"))
            .collect();
        assert!(!tiles.is_empty() && tiles.len() < rows.len());
        for (number, row) in tiles.iter().enumerate() {
            assert!(
                row.contains(&format!("\" data-tile=\"{number}\">")),
                "{row}"
            );
        }
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(row.contains("data-tile"), !is_linked(at), "{row}");
        }
        assert!(!page.contains("no thumbnail"));
        // Without decoded images the page mentions no thumbnails.
        let plain = report(&study()).page;
        assert!(!plain.contains("data-tile=") && !plain.contains("no thumbnail"));
    }

    #[test]
    fn images_whose_files_cannot_be_read_have_tiles() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<String> = (0..24).map(|number| annotation(number).path).collect();
        let images = paths.iter().map(|path| (path.as_str(), [200, 100, 50]));
        let pixels = pixels(folder.path(), images);
        let missing = || std::io::Error::other("not there");
        let page = render(&study(), &options(), Some(&pixels), |_| Err(missing())).unwrap();
        assert!(
            rows_of(&page.page)
                .iter()
                .all(|row| row.contains("data-tile="))
        );
    }

    #[test]
    fn images_without_decoded_pixels_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let pixels = pixels(folder.path(), []);
        let missing = || std::io::Error::other("not there");
        let page = render(&study(), &options(), Some(&pixels), |_| Err(missing())).unwrap();
        assert!(
            page.page
                .contains("24 images have no thumbnail, for lack of decoded pixels.")
        );
        assert!(!page.page.contains("<img class=\"tiles\""));
    }

    #[test]
    fn a_note_has_the_number_of_images_and_the_bound() {
        let (images, max_tiles, max_bytes) = (1, 3000, 1_500_000);
        assert_eq!(
            note(Missing::TooMany { images, max_tiles }),
            "1 image has no thumbnail, the last by path of those that are not shown above: the page has small \
             thumbnails of 3,000 images at most."
        );
        assert_eq!(
            note(Missing::TooLong { images, max_bytes }),
            "1 image has no thumbnail, the last by path of those that are not shown above: small thumbnails of \
             all would lengthen the page by more than 1.5\u{a0}MB."
        );
    }

    #[test]
    fn images_link_to_their_rows() {
        let page = report(&study()).page;
        let links: Vec<&str> = page.split("<a href=\"#p").skip(1).collect();
        let to_rows = links.iter().filter_map(|link| {
            let (place, rest) = link.split_once('"')?;
            rest.starts_with("><img").then(|| place.parse::<usize>())
        });
        let to_rows: Vec<usize> = to_rows.map(Result::unwrap).collect();
        // Four examples: numbers 2 to 20 are in rows 1 to 10, 3 to 21 in 13 to 22. The two that are explained have a
        // class, and are not counted.
        assert_eq!(to_rows.len(), 4);
        assert!(
            to_rows
                .iter()
                .all(|row| [1, 4, 7, 10, 13, 16, 19, 22].contains(row))
        );
        assert_eq!(occurrences(&page, "<a class=\"pair\" href=\"#p1\">"), 1);
        assert_eq!(occurrences(&page, "<a class=\"pair\" href=\"#p13\">"), 1);
    }

    #[test]
    fn the_example_of_the_filter_finds_a_row() {
        let mut study = study();
        let placeholder = |page: &str| -> String {
            let (_, rest) = page.split_once("placeholder=\"").unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        assert_eq!(placeholder(&report(&study).page), "validation wrong");
        study.edit("predictions", |rows: &mut Vec<Prediction>| {
            for row in rows {
                row.subset = Subset::Train;
            }
        });
        // Image 0 is wrong.
        assert_eq!(placeholder(&report(&study).page), "training wrong");
    }

    #[test]
    fn an_image_without_a_prediction_has_a_row() {
        let mut study = study();
        study.edit("predictions", |rows: &mut Vec<Prediction>| {
            rows.retain(|row| row.path != "0/00.png")
        });
        let page = report(&study).page;
        assert!(rows_of(&page)[0].contains("<td>–</td><td>–</td><td>–</td>"));
    }
}
