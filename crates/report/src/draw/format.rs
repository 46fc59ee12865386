//! Numbers and names as text, with fixed numbers of digits.

use table_scores::Score;
use tables::Subset;

/// Text in place of a missing value.
pub(crate) const NONE: &str = "–";

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
    Some(format!("{:.2}–{:.2}", score.low?, score.high?))
}

/// A score with its interval: `0.912 (0.87–0.94)`.
pub(crate) fn score_with_interval(score: Option<&Score>) -> String {
    match interval(score) {
        Some(interval) => format!("{} ({interval})", self::score(score)),
        None => self::score(score),
    }
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
