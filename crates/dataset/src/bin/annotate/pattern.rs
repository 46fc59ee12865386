//! Author and title by the pattern of a file's name.

use std::str::FromStr;

use anyhow::{bail, ensure};

/// Literal text between placeholders, as in `{author}_{title}`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// Text before the first placeholder.
    start: String,
    /// Each placeholder and the text after it.
    parts: Vec<(Field, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Author,
    Title,
}

/// What a name says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Lower case, so that two spellings are one author.
    pub(crate) author: String,
    /// As it's spelled.
    pub(crate) title: String,
}

impl FromStr for Pattern {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mut pieces = text.split('{');
        let start = pieces.next().unwrap_or_default().to_owned();
        let mut parts = Vec::new();
        for piece in pieces {
            let (field, after) = match piece.split_once('}') {
                Some(("author", after)) => (Field::Author, after),
                Some(("title", after)) => (Field::Title, after),
                _ => bail!("`{{{piece}` found, expected `{{author}}` or `{{title}}`"),
            };
            ensure!(
                parts.iter().all(|(earlier, _)| *earlier != field),
                "`{{{piece}` occurs twice"
            );
            parts.push((field, after.to_owned()));
        }
        ensure!(
            parts.iter().any(|(field, _)| *field == Field::Author),
            "`{{author}}` is missing"
        );
        ensure!(
            parts.len() < 2 || !parts[0].1.is_empty(),
            "`{{author}}` and `{{title}}` need some text between them"
        );
        Ok(Self { start, parts })
    }
}

impl Pattern {
    /// Matches a file's name without its extension. A placeholder ends where the text after it begins first.
    pub(crate) fn apply(&self, stem: &str) -> Option<Named> {
        let mut rest = stem.strip_prefix(self.start.as_str())?;
        let (mut author, mut title) = (None, None);
        for (position, (field, after)) in self.parts.iter().enumerate() {
            let value;
            (value, rest) = if position + 1 == self.parts.len() {
                (rest.strip_suffix(after.as_str())?, "")
            } else {
                rest.split_once(after.as_str())?
            };
            match field {
                Field::Author => author = Some(value),
                Field::Title => title = Some(value),
            }
        }
        Some(Named {
            author: author.filter(|author| !author.is_empty())?.to_lowercase(),
            title: title.unwrap_or(stem).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(pattern: &str, stem: &str) -> Option<(String, String)> {
        let named = pattern.parse::<Pattern>().unwrap().apply(stem)?;
        Some((named.author, named.title))
    }

    fn pair(author: &str, title: &str) -> Option<(String, String)> {
        Some((author.to_owned(), title.to_owned()))
    }

    #[test]
    fn the_author_ends_at_the_first_separator() {
        let pattern = "{author}_{title}";
        assert_eq!(named(pattern, "ada-okoye_a_b"), pair("ada-okoye", "a_b"));
        assert_eq!(named(pattern, "Ada_X"), pair("ada", "X"));
        assert_eq!(named(pattern, "untitled"), None);
        assert_eq!(named(pattern, "_x"), None);
    }

    #[test]
    fn fields_stand_anywhere() {
        assert_eq!(
            named("{title} by {author}", "sea by ada"),
            pair("ada", "sea")
        );
        assert_eq!(named("img-{author}", "img-ada"), pair("ada", "img-ada"));
        assert_eq!(
            named("{author} (painter)", "ada (painter)"),
            pair("ada", "ada (painter)")
        );
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| text.parse::<Pattern>().unwrap_err().to_string();
        assert_eq!(
            error("{artist}_{title}"),
            "`{artist}_` found, expected `{author}` or `{title}`"
        );
        assert_eq!(error("{title}"), "`{author}` is missing");
        assert_eq!(error("{author}{author}"), "`{author}` occurs twice");
        assert_eq!(
            error("{author}{title}"),
            "`{author}` and `{title}` need some text between them"
        );
    }
}
