//! Near-duplicates: copies of one image in the collection.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use table_annotations::Annotation;
use table_near_duplicates::NearDuplicate;
use table_predictions::Prediction;
use tables::Subset;

use crate::ReportError;
use crate::draw::format::{NONE, counted, subset_name};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::image::image;
use crate::page::options::Options;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Maximum number of pairs in the table, each with two images.
const MOST: usize = 20;

reads! {
    /// Tables of the section.
    pub(crate) struct NearDuplicates {
        annotations: Annotations,
        near_duplicates: Rows<NearDuplicate>,
        predictions: Rows<Prediction>,
    }
}

impl Section for NearDuplicates {
    fn linked(&self, _: &Options) -> Result<Vec<String>, ReportError> {
        let pairs = self.pairs(&self.subsets()).into_iter().take(MOST);
        Ok(pairs
            .flat_map(|row| [row.path.clone(), row.representative.clone()])
            .collect())
    }

    fn draw(&self, context: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let body = match self.near_duplicates.is_empty() {
            true => html! { p { "No image of the collection is a copy of another." } },
            false => self.body(context),
        };
        Ok(Some(Content {
            id: "near-duplicates",
            heading: "Near-duplicates",
            body,
            figures: Vec::new(),
        }))
    }
}

impl NearDuplicates {
    fn body(&self, context: &Context<'_>) -> Markup {
        let subsets = self.subsets();
        let n_split = subsets.values().filter(|of| of.len() > 1).count();
        let conflicting = self.near_duplicates.iter().filter(|row| row.conflict);
        let conflicting: BTreeSet<u32> = conflicting.map(|row| row.group).collect();
        let pairs = self.pairs(&subsets);
        html! {
            p {
                (counted(self.near_duplicates.len(), "image")) " are near-duplicates: the same image in another size, compression, "
                "brightness or with a slight crop, in " (counted(subsets.len(), "group")) ". "
                @if n_split == 0 { "Each group is in one subset, so that no network is scored on a copy of a training image. " }
                @else { strong { (counted(n_split, "group")) " in several subsets. " } }
                @if !conflicting.is_empty() {
                    strong { (counted(conflicting.len(), "group")) " with conflicting labels: " }
                    "one image is in several classes, and no network can predict all of them."
                }
            }
            (self.table(&pairs, &subsets, context))
            p.note {
                "The difference is the largest mean difference of a block of pixels after alignment, in levels of 255: 0 for equal images. "
                @if pairs.len() > MOST {
                    "The first " (MOST) " of " (pairs.len()) " pairs are shown, those with conflicting labels first, then those in "
                    "several subsets; all are in the table " code { "near_duplicates" } "."
                }
            }
        }
    }

    fn table(
        &self,
        pairs: &[&NearDuplicate],
        subsets: &BTreeMap<u32, BTreeSet<Subset>>,
        context: &Context<'_>,
    ) -> Markup {
        let annotations = self.annotations.by_path();
        let rows = self.near_duplicates.iter();
        let labels: BTreeMap<&str, &str> = rows
            .map(|row| (row.path.as_str(), row.label.as_str()))
            .collect();
        let label = |path: &str| labels.get(path).copied().unwrap_or(NONE);
        let copy = |path: &str| copy(path, annotations.get(path).copied(), context);
        let head = html! {
            tr { th scope="col" { "image" } th.words scope="col" { "copy of" } th.words scope="col" { "classes" } th scope="col" { "difference" } th.words scope="col" { "subsets" } }
        };
        let body = html! {
            @for row in pairs.iter().take(MOST) {
                tr.copies {
                    th.path scope="row" { (copy(&row.path)) }
                    td."path words" { (copy(&row.representative)) }
                    td.words {
                        @let other = label(&row.representative);
                        @if row.label == other { (row.label) } @else { strong { (row.label) " and " (other) } }
                    }
                    td { (format!("{:.1}", row.difference)) }
                    td.words { (subsets[&row.group].iter().map(|subset| subset_name(*subset)).collect::<Vec<_>>().join(", ")) }
                }
            }
        };
        table("Near-duplicates", &head, &body)
    }

    /// Images with their representatives: those with conflicting labels first, then those in several subsets.
    fn pairs(&self, subsets: &BTreeMap<u32, BTreeSet<Subset>>) -> Vec<&NearDuplicate> {
        let rows = self.near_duplicates.iter();
        let mut pairs: Vec<&NearDuplicate> =
            rows.filter(|row| row.path != row.representative).collect();
        pairs.sort_by_key(|row| (!row.conflict, subsets[&row.group].len() < 2));
        pairs
    }

    /// Subsets by group of near-duplicates.
    fn subsets(&self) -> BTreeMap<u32, BTreeSet<Subset>> {
        let rows = self.predictions.iter();
        let subset_of: BTreeMap<&str, Subset> =
            rows.map(|row| (row.path.as_str(), row.subset)).collect();
        let mut subsets: BTreeMap<u32, BTreeSet<Subset>> = BTreeMap::new();
        for row in self.near_duplicates.iter() {
            let subsets = subsets.entry(row.group).or_default();
            subsets.extend(subset_of.get(row.path.as_str()).copied());
        }
        subsets
    }
}

/// An image with its path, as a link to its row in the table of images.
fn copy(path: &str, annotation: Option<&Annotation>, context: &Context<'_>) -> Markup {
    html! {
        a href=[context.sample.anchors.link(path)] {
            @if let Some(annotation) = annotation { (image(annotation, context)) }
            (path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture::{occurrences, options, png, report, study};
    use crate::{Tables, render};

    /// The near-duplicates' section of the page.
    fn section(study: &Tables) -> String {
        let page = report(study).page;
        let (_, section) = page.split_once("<section id=\"near-duplicates\">").unwrap();
        section.split("</section>").next().unwrap().to_owned()
    }

    #[test]
    fn pairs_with_conflicting_labels_come_first() {
        let section = section(&study());
        assert!(
            section.contains("4 images are near-duplicates"),
            "{section}"
        );
        assert!(section.contains("1 group with conflicting labels: "));
        let place = |text: &str| section.find(text).unwrap();
        assert!(place(">b/four.jpg<") < place(">a/two.jpg<"));
        assert!(section.contains("<strong>b and a</strong>"));
        assert!(section.contains(">a/&lt;three&gt;.jpg<"));
        assert!(section.contains("<td>2.2</td>"));
    }

    #[test]
    fn both_images_of_a_pair_are_shown_and_link_to_their_rows() {
        let mut study = study();
        study.edit("near_duplicates", |rows: &mut Vec<NearDuplicate>| {
            for row in rows {
                let path = |path: &str| match path {
                    "a/one.jpg" => "0/00.png".to_owned(),
                    "a/two.jpg" => "0/02.png".to_owned(),
                    other => other.to_owned(),
                };
                (row.path, row.representative) = (path(&row.path), path(&row.representative));
            }
        });
        let section = section(&study);
        assert!(section.contains("<th class=\"path\" scope=\"row\"><a href=\"#p1\"><img "));
        assert!(section.contains("<td class=\"path words\"><a href=\"#p0\"><img "));
        assert_eq!(occurrences(&section, "<img"), 2);
        // A collection of more images than the table has rows.
        let few = crate::Options {
            max_rows: 1,
            ..options()
        };
        let page = render(&study, &few, None, |_| Ok(png())).unwrap().page;
        assert!(page.contains("<th scope=\"row\">0/02.png</th>"));
    }

    #[test]
    fn a_collection_without_copies_says_so() {
        let mut study = study();
        study.edit("near_duplicates", |rows: &mut Vec<NearDuplicate>| {
            rows.clear()
        });
        assert!(section(&study).contains("No image of the collection is a copy of another."));
    }

    #[test]
    fn the_number_of_pairs_is_bounded() {
        let mut study = study();
        study.edit("near_duplicates", |rows: &mut Vec<NearDuplicate>| {
            let copies: Vec<NearDuplicate> = (0..50)
                .map(|number| NearDuplicate {
                    path: format!("a/{number}.jpg"),
                    ..rows[1].clone()
                })
                .collect();
            rows.extend(copies);
        });
        let section = section(&study);
        assert_eq!(occurrences(&section, "<tr class=\"copies\">"), MOST);
        assert!(section.contains("The first 20 of 52 pairs are shown"));
    }
}
