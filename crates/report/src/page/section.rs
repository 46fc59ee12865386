//! Sections of a page.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;

use images::Pixels;
use maud::{Markup, html};

use crate::ReportError;
use crate::draw::figure::Figure;
use crate::page::options::Options;
use crate::page::sample::Sample;
use crate::page::tables::{Declared, Reads, Tables};

/// A section of the report: a struct of the tables that it reads, see [`reads!`](crate::page::tables::reads), and a
/// function that draws it.
pub(crate) trait Section {
    /// Paths of images that the section links to; each has a row in the table of images.
    ///
    /// # Errors
    /// As for [`Section::draw`].
    fn linked(&self, _options: &Options) -> Result<Vec<String>, ReportError> {
        Ok(Vec::new())
    }

    /// The section; none where there is nothing to show.
    ///
    /// # Errors
    /// The section's tables don't fit together.
    fn draw(&self, context: &Context<'_>) -> Result<Option<Content>, ReportError>;
}

/// Settings and images that all sections share.
pub(crate) struct Context<'a> {
    /// Settings of the report.
    pub(crate) options: &'a Options,
    /// Images that are shown one by one.
    pub(crate) sample: &'a Sample<'a>,
    /// Decoded images, of which small thumbnails are made.
    pub(crate) pixels: Option<&'a Pixels>,
    /// Reads the bytes of an image's file by its path.
    pub(crate) read: &'a dyn Fn(&str) -> io::Result<Vec<u8>>,
    /// Images that the sections drawn so far show.
    pub(crate) shown: Shown,
}

/// Paths of images that the page shows and links to their rows in the table of images.
#[derive(Default)]
pub(crate) struct Shown(RefCell<BTreeSet<String>>);

impl Shown {
    pub(crate) fn insert(&self, path: &str) {
        self.0.borrow_mut().insert(path.to_owned());
    }

    pub(crate) fn contains(&self, path: &str) -> bool {
        self.0.borrow().contains(path)
    }
}

/// A drawn section: its markup, with the figures in it, and the figures again, of which files are made.
pub(crate) struct Content {
    /// Unique, in kebab case: the link's target.
    pub(crate) id: &'static str,
    /// The heading.
    pub(crate) heading: &'static str,
    /// All below the heading.
    pub(crate) body: Markup,
    /// The figures of `body`.
    pub(crate) figures: Vec<Figure>,
}

impl Content {
    /// The section in the page.
    pub(crate) fn markup(&self) -> Markup {
        html! {
            section id=(self.id) {
                h2 { (self.heading) }
                (self.body)
            }
        }
    }
}

/// An entry in a list of sections.
pub(crate) struct Entry {
    /// Inputs that the section reads.
    pub(crate) inputs: &'static [Declared],
    /// Reads the section's tables.
    pub(crate) open: fn(&Tables) -> Result<Box<dyn Section>, ReportError>,
}

impl Entry {
    /// The entry of section `S`.
    pub(crate) const fn of<S: Section + Reads + 'static>() -> Self {
        Self {
            inputs: S::INPUTS,
            open: |tables| Ok(Box::new(S::read(tables)?)),
        }
    }
}
