//! Author, title and class by a pattern of a file's name or path.

use std::str::FromStr;

use unicode_normalization::UnicodeNormalization as _;

use crate::CollectionError;
use crate::names::normalized;

/// Literal text between placeholders, as in `{author}_{title}`, or with `/` for folders, as in `{author}/{title}`.
///
/// `{author}`, `{title}` and `{label}` occur once at most, `{*}` is any text, as often as needed. The last level is the
/// file's name without its extension, the levels before it are the folders above the file. Without `{label}` the
/// levels stand below the class folder; with it they may reach up to the top, and the class is the one that is named
/// there.
#[derive(Debug, PartialEq, Eq)]
pub struct Pattern {
    /// From the outermost folder to the file.
    levels: Vec<Level>,
}

#[derive(Debug, PartialEq, Eq)]
struct Level {
    /// Text before the first placeholder.
    start: String,
    /// Each placeholder and the text after it.
    parts: Vec<(Field, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Author,
    Title,
    Label,
    Any,
}

/// Fields read from a path.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct NameParts {
    /// As [`normalized`], so that two spellings are one author.
    pub author: Option<String>,
    /// As it's spelled; the file's name without extension where the pattern has no title.
    pub title: String,
    /// As [`normalized`].
    pub label: Option<String>,
}

impl FromStr for Pattern {
    type Err = CollectionError;

    fn from_str(text: &str) -> Result<Self, CollectionError> {
        let fault = |reason: String| CollectionError::Pattern {
            pattern: text.to_owned(),
            reason,
        };
        let composed: String = text.nfc().collect();
        let levels = composed.split('/').map(Level::parse);
        let levels = levels.collect::<Result<Vec<_>, _>>().map_err(fault)?;
        let pattern = Self { levels };
        for (field, name) in [
            (Field::Author, "author"),
            (Field::Title, "title"),
            (Field::Label, "label"),
        ] {
            if pattern.count(field) > 1 {
                return Err(fault(format!("`{{{name}}}` occurs twice")));
            }
        }
        if pattern.count(Field::Author) + pattern.count(Field::Label) == 0 {
            return Err(fault(
                "`{author}` is missing; an empty pattern means that no class has authors"
                    .to_owned(),
            ));
        }
        Ok(pattern)
    }
}

impl Level {
    fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = text.split('{');
        let start = pieces.next().unwrap_or_default().to_owned();
        let mut parts: Vec<(Field, String)> = Vec::new();
        for piece in pieces {
            let (field, after) = match piece.split_once('}') {
                Some(("author", after)) => (Field::Author, after),
                Some(("title", after)) => (Field::Title, after),
                Some(("label", after)) => (Field::Label, after),
                Some(("*", after)) => (Field::Any, after),
                _ => {
                    return Err(format!(
                        "`{{{piece}` found, expected `{{author}}`, `{{title}}`, `{{label}}` or `{{*}}`"
                    ));
                }
            };
            if parts.last().is_some_and(|(_, between)| between.is_empty()) {
                return Err("two placeholders need some text between them".to_owned());
            }
            parts.push((field, after.to_owned()));
        }
        if start.is_empty() && parts.is_empty() {
            return Err("a level between `/` is empty".to_owned());
        }
        Ok(Self { start, parts })
    }

    /// The values of the placeholders; each ends where the text after it begins first.
    fn matched<'t>(&self, text: &'t str) -> Option<Vec<(Field, &'t str)>> {
        let mut rest = text.strip_prefix(self.start.as_str())?;
        let mut values = Vec::new();
        for (position, (field, after)) in self.parts.iter().enumerate() {
            let value;
            (value, rest) = if position + 1 == self.parts.len() {
                (rest.strip_suffix(after.as_str())?, "")
            } else {
                rest.split_once(after.as_str())?
            };
            values.push((*field, value));
        }
        rest.is_empty().then_some(values)
    }
}

impl Pattern {
    /// Returns whether the class is part of the pattern.
    pub fn has_label(&self) -> bool {
        self.count(Field::Label) > 0
    }

    /// Returns whether the author is part of the pattern.
    pub fn has_author(&self) -> bool {
        self.count(Field::Author) > 0
    }

    fn count(&self, field: Field) -> usize {
        let parts = self.levels.iter().flat_map(|level| &level.parts);
        parts.filter(|(other, _)| *other == field).count()
    }

    /// Matches the end of `path`: names with `/` between them, below the class folder or, for a pattern with a label,
    /// from the top. None if a level doesn't match, or a name of author or class is empty.
    pub fn apply(&self, path: &str) -> Option<NameParts> {
        let composed: String = path.nfc().collect();
        let mut names: Vec<&str> = composed.split('/').collect();
        let stem = names.pop().map(stem)?;
        names.push(stem);
        let first = names.len().checked_sub(self.levels.len())?;
        let mut named = NameParts {
            title: stem.to_owned(),
            ..NameParts::default()
        };
        for (level, name) in self.levels.iter().zip(&names[first..]) {
            for (field, value) in level.matched(name)? {
                match field {
                    Field::Author => named.author = Some(filled(value)?),
                    Field::Label => named.label = Some(filled(value)?),
                    Field::Title => named.title = value.to_owned(),
                    Field::Any => {}
                }
            }
        }
        Some(named)
    }
}

fn filled(value: &str) -> Option<String> {
    let name = normalized(value);
    (!name.is_empty()).then_some(name)
}

/// A file's name without its extension.
pub(crate) fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(pattern: &str, path: &str) -> Option<(String, String)> {
        let named = pattern.parse::<Pattern>().unwrap().apply(path)?;
        Some((named.author?, named.title))
    }

    fn pair(author: &str, title: &str) -> Option<(String, String)> {
        Some((author.to_owned(), title.to_owned()))
    }

    #[test]
    fn the_author_ends_at_the_first_separator() {
        let pattern = "{author}_{title}";
        assert_eq!(
            named(pattern, "ada-okoye_a_b.jpg"),
            pair("ada-okoye", "a_b")
        );
        assert_eq!(named(pattern, "deep/Ada_X.jpg"), pair("ada", "X"));
        assert_eq!(named(pattern, "untitled.jpg"), None);
        assert_eq!(named(pattern, "_x.jpg"), None);
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
        assert_eq!(
            named("{*}-{author}-{*}", "2019-ada-left-3.png"),
            pair("ada", "2019-ada-left-3")
        );
    }

    #[test]
    fn folders_are_levels_of_a_pattern() {
        assert_eq!(named("{author}/{title}", "p07/0.png"), pair("p07", "0"));
        assert_eq!(
            named("{author}/{*}/{title}", "p07/left/0.png"),
            pair("p07", "0")
        );
        assert_eq!(
            named("{author}/{title}_{*}", "ward/p07/eye_2.png"),
            pair("p07", "eye")
        );
        assert_eq!(named("{author}/{title}", "0.png"), None);
    }

    #[test]
    fn the_class_may_stand_in_the_pattern() {
        let apply = |pattern: &str, path: &str| {
            let named = pattern.parse::<Pattern>().unwrap().apply(path).unwrap();
            (named.label, named.author, named.title)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            apply("{label}.{title}", "Cat.12.jpg"),
            (some("cat"), None, "12".to_owned())
        );
        assert_eq!(
            apply("{author}/{label}/{title}", "ada/Sea/1.png"),
            (some("sea"), some("ada"), "1".to_owned())
        );
    }

    #[test]
    fn composed_and_decomposed_letters_are_one_author() {
        let pattern = "{author}_\u{e9}";
        assert_eq!(
            named(pattern, "zoe\u{308}_e\u{301}.png"),
            named(pattern, "zo\u{eb}_\u{e9}.png")
        );
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| text.parse::<Pattern>().unwrap_err().to_string();
        assert_eq!(
            error("{artist}_{title}"),
            "`author_pattern` is `{artist}_{title}`: `{artist}_` found, expected `{author}`, `{title}`, `{label}` or `{*}`"
        );
        assert!(error("{title}").contains("`{author}` is missing"));
        assert!(error("{author}_{author}").contains("`{author}` occurs twice"));
        assert!(error("{author}{title}").contains("need some text between them"));
        assert!(error("{author}//{title}").contains("a level between `/` is empty"));
    }
}
