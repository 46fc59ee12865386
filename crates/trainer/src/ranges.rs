//! Numbers within ranges, checked when they are read.

use serde::{Deserialize, Serialize};

/// A number greater than 0.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "f64")]
pub struct Positive(f64);

/// A number that is 0 or greater.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "f64")]
pub struct NotNegative(f64);

/// A number in `[0, 1)`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "f64")]
pub struct BelowOne(f64);

/// A number in `(0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "f64")]
pub struct UpToOne(f64);

/// An angle in `[0, 180)` degrees.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "f64")]
pub struct Angle(f64);

impl Positive {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl NotNegative {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl BelowOne {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl UpToOne {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Angle {
    /// The degrees.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Positive {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        within(number, number > 0.0, "a number greater than 0").map(Self)
    }
}

impl TryFrom<f64> for NotNegative {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        within(number, number >= 0.0, "a number that is 0 or greater").map(Self)
    }
}

impl TryFrom<f64> for BelowOne {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        within(number, (0.0..1.0).contains(&number), "a number in [0, 1)").map(Self)
    }
}

impl TryFrom<f64> for UpToOne {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        let fits = number > 0.0 && number <= 1.0;
        within(number, fits, "a number in (0, 1]").map(Self)
    }
}

impl TryFrom<f64> for Angle {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        let fits = (0.0..180.0).contains(&number);
        within(number, fits, "a number of degrees in [0, 180)").map(Self)
    }
}

fn within(number: f64, fits: bool, expected: &str) -> Result<f64, String> {
    if fits && number.is_finite() {
        Ok(number)
    } else {
        Err(format!("found {number}, expected {expected}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_checked() {
        assert!(Positive::try_from(1e-4).is_ok());
        assert!(NotNegative::try_from(0.0).is_ok());
        assert!(BelowOne::try_from(0.0).is_ok());
        assert!(NotNegative::try_from(-1e-9).is_err());
        assert!(BelowOne::try_from(1.0).is_err());
        assert!(UpToOne::try_from(1.0).is_ok());
        assert!(UpToOne::try_from(0.0).is_err());
        assert!(UpToOne::try_from(1.1).is_err());
        assert!(Angle::try_from(28.6).is_ok());
        assert!(Angle::try_from(180.0).is_err());
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Positive::try_from(number).is_err());
            assert!(NotNegative::try_from(number).is_err());
            assert!(BelowOne::try_from(number).is_err());
        }
    }

    #[test]
    fn errors_have_the_number_found_and_the_range() {
        let error = serde_json::from_str::<Positive>("0.0").unwrap_err();
        assert_eq!(
            error.to_string(),
            "found 0, expected a number greater than 0"
        );
    }
}
