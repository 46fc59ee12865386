//! Differences as text.

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
    fn a_difference_that_rounds_to_zero_has_no_sign() {
        assert_eq!(
            [0.0121, -0.0121, -0.0001, 0.0001].map(signed),
            ["+0.012", "-0.012", "0.000", "0.000"]
        );
    }
}
