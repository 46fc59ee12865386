//! Intervals and differences as text.

/// An interval as `0.87–0.94`, rounded outwards, so that it is never printed narrower than it is; with a third digit where
/// it is narrow.
pub fn range(low: f64, high: f64) -> String {
    let digits = if high - low < 0.02 { 3 } else { 2 };
    let unit = 10_f64.powi(digits);
    // An end that has the digits but for the last bit stays.
    let low = (low * unit + 1e-9).floor() / unit;
    let high = (high * unit - 1e-9).ceil() / unit;
    let digits = digits.unsigned_abs() as usize;
    format!("{low:.digits$}–{high:.digits$}")
}

/// A difference with its sign: `+0.012`, `-0.012`; `0.000` has none.
pub fn signed(difference: f64) -> String {
    let text = format!("{difference:+.3}");
    match text.as_str() {
        "-0.000" | "+0.000" => "0.000".to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_rounded_outwards() {
        assert_eq!(range(0.874, 0.931), "0.87–0.94");
        assert_eq!(range(0.998_6, 1.0), "0.998–1.000");
        assert_eq!(range(0.5, 0.6), "0.50–0.60");
    }

    #[test]
    fn a_difference_that_rounds_to_zero_has_no_sign() {
        assert_eq!(
            [0.0121, -0.0121, -0.0001, 0.0001].map(signed),
            ["+0.012", "-0.012", "0.000", "0.000"]
        );
    }
}
