//! TOML text with its name, so that errors can point into it.

use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item, TableLike};

use crate::diagnostic::Diagnostic;
use crate::error::{Error, Result};

/// Maximum size of a file; larger ones would fill the memory. A lock of a hundred thousand stages is smaller.
const LARGEST: u64 = 32 << 20;

/// A TOML file, or a setting given on the command line.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name in messages: a path from the workspace root, or `--set`.
    pub name: String,
    /// Its contents.
    pub text: String,
}

impl Source {
    /// A text under the name that messages use.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Reads `path`, to be called `name` in messages.
    ///
    /// # Errors
    /// The file cannot be read, or is too large for its kind.
    pub fn read(path: &Path, name: &str) -> Result<Self> {
        let size = fs_err::metadata(path)?.len();
        if size > LARGEST {
            return Err(Error::TooLarge {
                name: name.to_owned(),
                bytes: size,
                most: LARGEST,
            });
        }
        Ok(Source {
            name: name.to_owned(),
            text: fs_err::read_to_string(path)?,
        })
    }

    /// Parses the text, keeping spans.
    ///
    /// # Errors
    /// The text isn't TOML.
    pub fn parse(&self) -> Result<Document<String>> {
        Document::parse(self.text.clone()).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            self.error(span, error.message().to_owned())
        })
    }

    /// An error that points at `span`.
    pub fn error(&self, span: Range<usize>, message: String) -> Error {
        Error::Source(Box::new(Diagnostic::new(
            &self.name, &self.text, span, message,
        )))
    }
}

/// Type of an item by the TOML specification, with an article.
pub fn kind(item: &Item) -> &'static str {
    match item.type_name() {
        "string" => "a string",
        "integer" => "an integer",
        "float" => "a float",
        "boolean" => "a boolean",
        "array" => "an array",
        "datetime" => "a date or time",
        "none" => "nothing",
        _ => "a table",
    }
}

/// Place of `key`.
pub(crate) fn key_span(table: &dyn TableLike, key: &str) -> Range<usize> {
    let key = table.key(key);
    key.and_then(toml_edit::Key::span).unwrap_or(0..0)
}
