//! Numbers as text.

/// The interval from `low` to `high` as `0.87–0.94`, rounded outwards, so that it is never printed narrower than it is; with
/// a third digit where it is narrow.
#[must_use]
pub fn interval_text(low: f64, high: f64) -> String {
    let digits = if high - low < 0.02 { 3 } else { 2 };
    let unit = 10_f64.powi(digits);
    // An end that has the digits but for the last bit stays.
    let low = (low * unit + 1e-9).floor() / unit;
    let high = (high * unit - 1e-9).ceil() / unit;
    let digits = digits.unsigned_abs() as usize;
    format!("{low:.digits$}–{high:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_rounded_outwards() {
        assert_eq!(interval_text(0.874, 0.931), "0.87–0.94");
        assert_eq!(interval_text(0.998_6, 1.0), "0.998–1.000");
        assert_eq!(interval_text(0.5, 0.6), "0.50–0.60");
        assert_eq!(interval_text(0.9914, 0.9936), "0.991–0.994");
    }
}
