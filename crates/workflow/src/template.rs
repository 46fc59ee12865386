//! `${name}` in the texts of `pipeline.toml`.

/// A mistake in a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A `${` without its end.
    #[error("`${{` without `}}` in `{0}`")]
    Open(String),
    /// A `${}`.
    #[error("`${{}}` names nothing in `{0}`")]
    Empty(String),
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text that stands for itself.
    Text(&'a str),
    /// The name between `${` and `}`.
    Name(&'a str),
}

/// Cuts `text` at its `${…}`. A `$` without a brace is text, so shell
/// variables (`$HOME`) stay with the shell.
///
/// # Errors
/// A `${` is not closed, or empty.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = opening(rest) {
        let Some(length) = rest[start..].find('}') else {
            return Err(TemplateError::Open(text.to_owned()));
        };
        let name = rest[start + 2..start + length].trim();
        if name.is_empty() {
            return Err(TemplateError::Empty(text.to_owned()));
        }
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        pieces.push(Piece::Name(name));
        rest = &rest[start + length + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// Place of the first `${`. The search for one character takes a fraction of the time of one for two.
fn opening(text: &str) -> Option<usize> {
    let mut dollars = text.match_indices('$').map(|(at, _)| at);
    dollars.find(|at| text[at + 1..].starts_with('{'))
}

/// Replaces each `${name}` of `text` by `lookup(name)`.
///
/// # Errors
/// The template is malformed, or `lookup` fails.
pub fn fill<E: From<TemplateError>>(
    text: &str,
    mut lookup: impl FnMut(&str) -> Result<String, E>,
) -> Result<String, E> {
    if !text.contains('$') {
        return Ok(text.to_owned());
    }
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text)? {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Name(name) => filled.push_str(&lookup(name)?),
        }
    }
    Ok(filled)
}

/// The name if `text` is a single `${name}`.
pub fn whole_name(text: &str) -> Option<&str> {
    match pieces(text).ok()?.as_slice() {
        [Piece::Name(name)] => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_names_and_leaves_shell_variables() {
        let filled = fill("a/${fold}/$HOME/${model.resnet}", |name| {
            Ok::<_, TemplateError>(name.to_uppercase())
        });
        assert_eq!(filled.unwrap(), "a/FOLD/$HOME/MODEL.RESNET");
    }

    #[test]
    fn an_open_brace_is_an_error() {
        assert!(pieces("a/${fold").is_err());
        assert!(pieces("a/${}").is_err());
    }

    #[test]
    fn a_whole_name_is_told_from_a_part() {
        assert_eq!(whole_name("${split.folds}"), Some("split.folds"));
        assert_eq!(whole_name("x${split.folds}"), None);
    }
}
