//! A message with the lines of a file that it is about.

use std::ops::Range;

/// Maximum numbers of characters of a line that are shown, in all and before the place.
const SHOWN: usize = 160;
const BEFORE: usize = 60;

/// A message with the lines that it is about.
#[derive(Debug)]
pub struct Diagnostic {
    /// Value found and value expected.
    pub message: String,
    /// File, as a person would name it.
    pub file: String,
    /// First line is 1.
    pub line: usize,
    /// First column is 1, counted in characters.
    pub column: usize,
    /// The line's text; of a long line, the part around the place.
    pub text: String,
    /// Characters of `text` before the place.
    pub indent: usize,
    /// Characters to underline, at least 1.
    pub width: usize,
}

impl Diagnostic {
    /// Points at the bytes `span` of `text`, the contents of `file`.
    pub fn new(file: &str, text: &str, span: Range<usize>, message: String) -> Self {
        let start = span.start.min(text.len());
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = span.end.clamp(start, line_end);
        let n_before = text[line_start..start].chars().count();
        let is_long = text[line_start..line_end].chars().nth(SHOWN).is_some();
        let n_left_out = if is_long {
            n_before.saturating_sub(BEFORE)
        } else {
            0
        };
        let indent = n_before - n_left_out;
        let shown = text[line_start..line_end]
            .chars()
            .skip(n_left_out)
            .take(SHOWN);
        Diagnostic {
            message,
            file: file.to_owned(),
            line: text[..line_start].matches('\n').count() + 1,
            column: n_before + 1,
            // A file from elsewhere doesn't command the terminal.
            text: shown
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect(),
            indent,
            width: text[start..end].chars().take(SHOWN - indent).count().max(1),
        }
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        writeln!(f, "{}", self.message)?;
        writeln!(f, "{gutter}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{number} | {}", self.text)?;
        write!(
            f,
            "{gutter} | {}{}",
            " ".repeat(self.indent),
            "^".repeat(self.width)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let text = format!("a = 1\n{}here{}\n", "x".repeat(1000), "\u{1b}".repeat(1000));
        let shown = Diagnostic::new("f.toml", &text, 1006..2000, "wrong".into()).to_string();
        assert!(shown.contains("--> f.toml:2:1001\n"), "{shown}");
        let lines: Vec<&str> = shown.lines().collect();
        let at = lines[3].find("here").unwrap();
        assert_eq!(lines[4].find('^'), Some(at));
        assert_eq!(lines[4].len(), lines[3].len());
        assert!(shown.len() < 500 && !shown.contains('\u{1b}'), "{shown}");
    }
}
