//! Numbers and names as text, with fixed numbers of digits.

use numeric::interval_text;
use table_scores::Score;
use tables::Subset;

/// Text in place of a missing value.
pub(crate) const NONE: &str = "–";

/// Reasons for a score without an interval.
pub(crate) const NO_INTERVAL: &str = "A score without an interval has images of a single author in each class, so that the \
    variation between authors is unknown, or was computed without a bootstrap.";

/// `1422` as `1,422`.
pub(crate) fn count(n: impl TryInto<u64>) -> String {
    let digits = n.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 image`, `1,422 images`.
pub(crate) fn counted(n: usize, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        _ => format!("{} {noun}s", count(n)),
    }
}

/// A value in `[0, 1]`, as `0.912`.
pub(crate) fn value(value: Option<f64>) -> String {
    match value {
        Some(value) if value.is_finite() => format!("{value:.3}"),
        _ => NONE.to_owned(),
    }
}

/// A score's value.
pub(crate) fn score(score: Option<&Score>) -> String {
    value(score.and_then(|score| score.value))
}

/// A score's interval as `0.87–0.94`, where there is one.
pub(crate) fn interval(score: Option<&Score>) -> Option<String> {
    let score = score?;
    range(score.low, score.high)
}

/// An interval as [`interval_text`]; none without ends.
pub(crate) fn range(low: Option<f64>, high: Option<f64>) -> Option<String> {
    let (low, high) = low.zip(high)?;
    Some(interval_text(low, high))
}

/// A score with its interval: `0.912 (0.87–0.94)`.
pub(crate) fn score_with_interval(score: Option<&Score>) -> String {
    match interval(score) {
        Some(interval) => format!("{} ({interval})", self::score(score)),
        None => self::score(score),
    }
}

/// A value with its interval: `0.912 (0.87–0.94)`.
pub(crate) fn ranged(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> String {
    let value = self::value(value);
    match range(low, high) {
        Some(range) => format!("{value} ({range})"),
        None => value,
    }
}

/// A mean with its standard deviation: `0.870 ± 0.014`.
pub(crate) fn mean_sd(mean: f64, sd: f64) -> String {
    format!("{mean:.3} ± {sd:.3}")
}

/// A difference with its sign: `+0.012`, `−0.012`, `0.000`.
pub(crate) fn signed(value: f64) -> String {
    let text = format!("{:.3}", value.abs());
    // A value that rounds to zero has no sign.
    match text.as_str() {
        "0.000" => text,
        _ if value < 0.0 => format!("−{text}"),
        _ => format!("+{text}"),
    }
}

/// An interval of a difference: `−0.031 to +0.050`.
pub(crate) fn signed_range((low, high): (f64, f64)) -> String {
    format!("{} to {}", signed(low), signed(high))
}

/// A share as `83 %`, with a no-break space.
pub(crate) fn percent(share: f64) -> String {
    // Formatting alone would round halves to even numbers: 12.5 to 12.
    format!("{:.0}\u{a0}%", (share * 100.0).round())
}

/// A subset in prose.
pub(crate) fn subset_name(subset: Subset) -> &'static str {
    match subset {
        Subset::Train => "training",
        other => other.name(),
    }
}

/// Usual name of a clustering method.
pub(crate) fn method(method: &str) -> &str {
    match method {
        "kmeans" => "k-means",
        "ward" => "agglomerative clustering",
        other => other,
    }
}

/// Names joined as in a sentence: `a, b and c`.
pub(crate) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_thousands() {
        let texts = [0_usize, 999, 1000, 1422, 1_234_567].map(count);
        assert_eq!(texts, ["0", "999", "1,000", "1,422", "1,234,567"]);
        assert_eq!(counted(1, "image"), "1 image");
        assert_eq!(counted(0, "image"), "0 images");
    }

    #[test]
    fn an_undefined_value_is_a_dash() {
        assert_eq!(value(None), "–");
        assert_eq!(value(Some(f64::NAN)), "–");
        assert_eq!(value(Some(0.5)), "0.500");
    }

    #[test]
    fn an_interval_needs_both_ends() {
        assert_eq!(range(Some(0.6), Some(0.7)).unwrap(), "0.60–0.70");
        assert_eq!(range(None, Some(1.0)), None);
        assert_eq!(ranged(Some(0.5), None, None), "0.500");
    }

    #[test]
    fn differences_have_signs_unless_they_round_to_zero() {
        let texts = [0.0124, -0.0126, 1e-16, -1e-16].map(signed);
        assert_eq!(texts, ["+0.012", "−0.013", "0.000", "0.000"]);
        assert_eq!(signed_range((-0.031, 0.05)), "−0.031 to +0.050");
    }

    #[test]
    fn halves_of_percents_are_rounded_up() {
        let texts = [0.125, 0.115, 1.0, 0.004].map(percent);
        assert_eq!(texts, ["13\u{a0}%", "12\u{a0}%", "100\u{a0}%", "0\u{a0}%"]);
    }

    #[test]
    fn lists_read_as_sentences() {
        let names = |n: usize| list(&["a", "b", "c"].map(str::to_owned)[..n]);
        assert_eq!([0, 1, 2, 3].map(names), ["", "a", "a and b", "a, b and c"]);
    }
}
