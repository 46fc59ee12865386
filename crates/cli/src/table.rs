//! Tables of text, and formats of values in them.

use serde_json::Value;

/// Significant digits of a number.
const DIGITS: i32 = 6;

/// Characters of a text that are shown.
const SHOWN: usize = 40;

/// Rows under a header, in columns as wide as their cells; columns of numbers stand to the right.
#[must_use]
pub fn table(header: &[String], rows: &[Vec<String>]) -> String {
    let cells = |at: usize| rows.iter().map(move |row| row[at].as_str());
    let columns = header.iter().enumerate().map(|(at, title)| {
        let width = { cells(at).chain([title.as_str()]) }.map(|cell| cell.chars().count());
        let is_number = |cell: &str| cell == NONE || cell.parse::<f64>().is_ok();
        (width.max().unwrap_or(0), at > 0 && cells(at).all(is_number))
    });
    let columns: Vec<(usize, bool)> = columns.collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&columns).map(|(cell, (width, is_right))| {
            if *is_right {
                format!("{cell:>width$}")
            } else {
                format!("{cell:width$}")
            }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        format!("{}\n", line.trim_end())
    };
    let rows = rows.iter().map(|row| line(row));
    [line(header)].into_iter().chain(rows).collect()
}

/// The cell where there is nothing.
pub const NONE: &str = "-";

/// A number in six significant digits.
pub(crate) fn number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e9).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let before = (0..9).filter(|&at| magnitude >= 10_f64.powi(at)).count();
    let after = usize::try_from(DIGITS).unwrap_or(0).saturating_sub(before);
    // The digits of a small number begin after its zeros.
    let zeros = (1..4)
        .filter(|&at| magnitude != 0.0 && magnitude < 10_f64.powi(-at))
        .count();
    let text = format!("{value:.*}", after + zeros);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A value of `params.toml` without quotes, cut where it is long.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => short(text),
        value => short(&value.to_string()),
    }
}

/// A text on one line, cut where it is long.
pub(crate) fn short(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    if text.chars().count() <= SHOWN {
        return text;
    }
    { text.chars().take(SHOWN - 1) }.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_six_digits() {
        let numbers = [
            0.0,
            1.0,
            -0.5,
            0.123_456_78,
            0.001_234_567_8,
            1_234.567_89,
            3e6,
            2.5e-7,
        ];
        let shown = numbers.map(number);
        let expected = [
            "0",
            "1",
            "-0.5",
            "0.123457",
            "0.00123457",
            "1234.57",
            "3000000",
            "2.500e-7",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn numbers_stand_to_the_right() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let shown = table(
            &row(["name", "lr", "note"]),
            &[row(["a", "0.5", "x"]), row(["bcdef", "-", ""])],
        );
        assert_eq!(shown, "name    lr  note\na      0.5  x\nbcdef    -\n");
    }
}
