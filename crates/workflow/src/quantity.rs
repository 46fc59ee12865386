//! Times and sizes with their units, such as `90 s` and `4 GB`.

use std::time::Duration;

/// A text that is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// No known unit behind the number.
    #[error("`{text}` has no known unit; expected a number and one of `{}`", .known.join("`, `"))]
    Unit {
        /// The text.
        text: String,
        /// Names of the units.
        known: Vec<&'static str>,
    },
    /// No time above zero before the unit.
    #[error("`{0}` is no time above zero")]
    Time(String),
    /// No whole number before the unit, or one that is too large.
    #[error("`{0}` is no whole number of a unit")]
    Size(String),
}

/// Units of time in seconds.
const TIMES: [(&str, f64); 5] = [
    ("ms", 0.001),
    ("s", 1.0),
    ("min", 60.0),
    ("h", 3600.0),
    ("d", 86_400.0),
];

/// Units of size in bytes.
const SIZES: [(&str, u64); 8] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Names of the units of time.
#[must_use]
pub fn times() -> Vec<&'static str> {
    names(&TIMES)
}

/// Names of the units of size.
#[must_use]
pub fn sizes() -> Vec<&'static str> {
    names(&SIZES)
}

fn names<U>(units: &[(&'static str, U)]) -> Vec<&'static str> {
    units.iter().map(|(name, _)| *name).collect()
}

/// The time that `text` tells, above zero.
///
/// # Errors
/// It is no number with a unit of time.
pub fn duration(text: &str) -> Result<Duration, QuantityError> {
    let (number, unit_s) = split(text, &TIMES)?;
    let number: Option<f64> = number.parse().ok();
    let time = number.and_then(|number| Duration::try_from_secs_f64(number * unit_s).ok());
    { time }
        .filter(|time| !time.is_zero())
        .ok_or_else(|| QuantityError::Time(text.to_owned()))
}

/// The bytes that `text` tells, a whole number of its unit.
///
/// # Errors
/// It is no whole number with a unit of size.
pub fn bytes(text: &str) -> Result<u64, QuantityError> {
    let (number, unit_bytes) = split(text, &SIZES)?;
    let number: Option<u64> = number.replace('_', "").parse().ok();
    let size = number.and_then(|number| number.checked_mul(unit_bytes));
    size.ok_or_else(|| QuantityError::Size(text.to_owned()))
}

fn split<'t, U: Copy>(
    text: &'t str,
    units: &[(&'static str, U)],
) -> Result<(&'t str, U), QuantityError> {
    let end = text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len());
    let (number, unit) = (text[..end].trim(), text[end..].trim());
    match units.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => Ok((number, *factor)),
        None => Err(QuantityError::Unit {
            text: text.to_owned(),
            known: names(units),
        }),
    }
}

/// `1.4 MB`: three digits and the largest unit of a thousand that fits.
pub fn show_bytes(bytes: u64) -> String {
    let decimal = &SIZES[..5];
    let (unit, size) = { decimal.iter() }
        .rfind(|(_, size)| *size <= bytes)
        .unwrap_or(&decimal[0]);
    let whole = bytes / size;
    if *size == 1 || whole >= 100 {
        return format!("{whole} {unit}");
    }
    format!("{whole}.{} {unit}", bytes % size * 10 / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("90 s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5h"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("250 ms"), Ok(Duration::from_millis(250)));
        for wrong in ["90", "0 s", "-1 s", "s", "nan s", "2 weeks"] {
            assert!(
                duration(wrong).unwrap_err().to_string().contains(wrong),
                "{wrong}"
            );
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("4 GB"), Ok(4_000_000_000));
        assert_eq!(bytes("512MiB"), Ok(512 << 20));
        for wrong in ["4", "1.5 GB", "4 Gb", "99999999999 TB", "-1 B"] {
            assert!(
                bytes(wrong).unwrap_err().to_string().contains(wrong),
                "{wrong}"
            );
        }
    }

    #[test]
    fn sizes_are_shown_in_three_digits() {
        let shown: Vec<String> = [0, 999, 1_000, 1_449, 99_949, 100_000, 2_000_000_000]
            .map(show_bytes)
            .into();
        let expected = [
            "0 B", "999 B", "1.0 kB", "1.4 kB", "99.9 kB", "100 kB", "2.0 GB",
        ];
        assert_eq!(shown, expected);
    }
}
