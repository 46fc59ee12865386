//! The collection: images and authors by class, and excluded files.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use table_problems::Problem;

use crate::ReportError;
use crate::draw::figure::{Figure, row};
use crate::draw::format::{count, counted, list, percent};
use crate::draw::svg::{Canvas, short, text_width};
use crate::draw::table::table;
use crate::page::annotations::Annotations;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

/// Images and authors of a class.
#[derive(Default)]
struct Class<'a> {
    n_images: usize,
    authors: BTreeSet<&'a str>,
}

reads! {
    /// Tables of the section.
    pub(crate) struct Collection {
        annotations: Annotations,
        problems: Rows<Problem>,
    }
}

impl Section for Collection {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let classes = self.classes();
        let figures = vec![figure(&classes)];
        let body = html! {
            p { (words(&classes, self.annotations.len())) }
            (row(&figures))
            (problems(&self.problems))
        };
        Ok(Some(Content {
            id: "collection",
            heading: "Collection",
            body,
            figures,
        }))
    }
}

impl Collection {
    fn classes(&self) -> BTreeMap<&str, Class<'_>> {
        let mut classes: BTreeMap<&str, Class<'_>> = BTreeMap::new();
        for row in self.annotations.iter() {
            let class = classes.entry(&row.label).or_default();
            class.n_images += 1;
            class.authors.extend(row.author.as_deref());
        }
        classes
    }
}

/// Maximum number of classes named in a sentence.
const MOST_NAMES: usize = 8;

fn words(classes: &BTreeMap<&str, Class<'_>>, n_images: usize) -> String {
    let by_size = |(_, class): &(&&str, &Class<'_>)| class.n_images;
    let (Some(largest), Some(smallest)) = (
        classes.iter().max_by_key(by_size),
        classes.iter().min_by_key(by_size),
    ) else {
        return "There are no images.".to_owned();
    };
    let anonymous: Vec<String> = classes
        .iter()
        .filter(|(_, class)| class.authors.is_empty())
        .map(|(label, _)| (*label).to_owned())
        .collect();
    let share = percent(largest.1.n_images as f64 / n_images.max(1) as f64);
    let authors = match anonymous.len() {
        0 => String::new(),
        n if n == classes.len() => " No author is known.".to_owned(),
        n if n > MOST_NAMES => format!(" The authors of {n} classes are unknown."),
        _ => format!(" The authors of {} are unknown.", list(&anonymous)),
    };
    if largest.1.n_images == smallest.1.n_images {
        let each = counted(largest.1.n_images, "image");
        return format!("Each class has {each}.{authors}");
    }
    format!(
        "The largest class, {}, has {} ({share} of all); the smallest, {}, has {}.{authors}",
        largest.0,
        counted(largest.1.n_images, "image"),
        smallest.0,
        counted(smallest.1.n_images, "image"),
    )
}

fn figure(classes: &BTreeMap<&str, Class<'_>>) -> Figure {
    const ROW: f64 = 24.0;
    const WIDTH: f64 = 400.0;
    let names = classes.keys().map(|label| text_width(&short(label)));
    let left = names.fold(0.0, f64::max) + 12.0;
    // Room for the numbers after the longest bar.
    let room = WIDTH - left - 120.0;
    let most = classes.values().map(|class| class.n_images).max();
    let most = most.unwrap_or(0).max(1) as f64;
    let has_authors = classes.values().any(|class| !class.authors.is_empty());
    let mut canvas = Canvas::new((WIDTH, ROW * classes.len() as f64 + 4.0));
    for (idx, (label, class)) in classes.iter().enumerate() {
        let top = ROW * idx as f64;
        let length = room * class.n_images as f64 / most;
        canvas.text("end", (left - 8.0, top + 15.5), &short(label));
        canvas.rect("fill-0", (left, top + 3.0), (length, ROW - 7.0), 1.0);
        let authors = match class.authors.len() {
            0 => String::new(),
            n => format!(" by {}", counted(n, "author")),
        };
        let numbers = format!("{}{authors}", count(class.n_images));
        canvas.text("", (left + length + 7.0, top + 15.5), &numbers);
    }
    Figure {
        name: "collection".to_owned(),
        title: match has_authors {
            true => "Images and authors by class",
            false => "Images by class",
        }
        .to_owned(),
        caption: match has_authors {
            true => {
                "A class with many images by few authors is hard to split evenly: all images of an author are in one fold."
            }
            false => "Scores of small classes are uncertain.",
        }
        .to_owned(),
        canvas,
    }
}

fn problems(problems: &[Problem]) -> Markup {
    if problems.is_empty() {
        return html! { p { "Every file of the folder is in the collection." } };
    }
    let head = html! { tr { th scope="col" { "file" } th.words scope="col" { "reason" } th.words scope="col" { "found" } } };
    let body = html! {
        @for problem in problems {
            tr { th.path scope="row" { (problem.path) } td.words { (problem.reason) } td.words { (code(&problem.detail)) } }
        }
    };
    html! {
        p { (counted(problems.len(), "file")) " of the folder cannot be used and " @if problems.len() == 1 { "is" } @else { "are" } " not in the collection." }
        (table("Excluded files", &head, &body))
    }
}

/// Text with names between backticks.
fn code(text: &str) -> Markup {
    html! {
        @for (idx, piece) in text.split('`').enumerate() {
            @if idx % 2 == 0 { (piece) } @else { span.path { (piece) } }
        }
    }
}
