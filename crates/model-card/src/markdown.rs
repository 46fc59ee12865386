//! Parts of Markdown.

/// Text of which nothing is taken for Markdown or HTML.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if "\\`*_{}[]<>()#|&~!".contains(character) {
            escaped.push('\\');
        }
        escaped.push(if character.is_control() {
            ' '
        } else {
            character
        });
    }
    escaped
}

/// Text as code, on one line and without the character that ends it.
pub(crate) fn code(text: &str) -> String {
    let text: String = { text.chars() }
        .map(|character| match character {
            '`' => '\'',
            '|' => '¦',
            character if character.is_control() => ' ',
            character => character,
        })
        .collect();
    format!("`{text}`")
}

/// A table; of the columns, all but the first `n_texts` have numbers.
pub(crate) fn table(head: &[&str], n_texts: usize, rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = |column: usize| if column < n_texts { "---" } else { "---:" }.to_owned();
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let rule: Vec<String> = (0..head.len()).map(rule).collect();
    let rows = rows.iter().map(|row| line(row));
    [line(&head), line(&rule)].into_iter().chain(rows).collect()
}

/// `1 image`, `2 images`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}

/// A value with its interval, if it is known.
pub(crate) fn with_interval(value: f64, low: Option<f64>, high: Option<f64>) -> String {
    match low.zip(high) {
        Some((low, high)) => format!("{value:.3} ({low:.3} to {high:.3})"),
        None => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_nothing_of_the_markdown() {
        assert_eq!(escaped("a|b <i>\n*c*"), r"a\|b \<i\> \*c\*");
        assert_eq!(code("a`|b\n"), "`a'¦b `");
    }

    #[test]
    fn a_table_has_a_line_for_each_row() {
        let rows = [
            vec!["a".to_owned(), "1".to_owned()],
            vec!["b".to_owned(), "2".to_owned()],
        ];
        let text = table(&["class", "images"], 1, &rows);
        assert_eq!(
            text,
            "| class | images |\n| --- | ---: |\n| a | 1 |\n| b | 2 |\n"
        );
    }

    #[test]
    fn a_value_without_interval_is_alone() {
        assert_eq!(
            with_interval(0.5, Some(0.25), Some(1.0)),
            "0.500 (0.250 to 1.000)"
        );
        assert_eq!(with_interval(0.5, None, None), "0.500");
        assert_eq!(count(1, "image"), "1 image");
        assert_eq!(count(0, "image"), "0 images");
    }
}
