//! Comparison of results with the expected ones, by a tolerance.

use serde::Serialize;

use crate::failure::attempt;
use crate::measure::{Measurement, Times, measure};
use crate::named::{Named, relative_error};
use crate::operation::Operation;
use crate::parity::{Parity, TOLERANCE, parity_of};
use crate::side::Side;

/// Smallest norm that an error is relative to.
const LEAST: f64 = 1e-30;

/// Relative error of a result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResultError {
    /// The result: an output, or the gradient of an argument.
    pub result: String,
    /// Its relative error; infinite, which JSON has as null, if it has numbers that are not finite.
    pub error: f64,
}

/// Errors of the results of some work on a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// Of each result.
    pub errors: Vec<ResultError>,
    /// The largest of a sound device.
    pub tolerance: f64,
    /// True if all are within the tolerance, and nothing failed.
    pub is_sound: bool,
    /// The device's own error, which left no results.
    pub failure: Option<String>,
}

impl Check {
    /// A check of `found` by `expected`.
    pub(crate) fn of(found: &[Named], expected: &[Named], tolerance: f64) -> Self {
        let errors =
            { found.iter().zip(expected) }.map(|((name, found), (_, expected))| ResultError {
                result: name.clone(),
                error: relative_error(found, expected, LEAST),
            });
        Self::of_errors(errors.collect(), tolerance)
    }

    /// A check of errors.
    pub(crate) fn of_errors(errors: Vec<ResultError>, tolerance: f64) -> Self {
        Self {
            is_sound: errors.iter().all(|of| of.error <= tolerance),
            errors,
            tolerance,
            failure: None,
        }
    }

    /// A check that found no results.
    pub(crate) fn failed(failure: String, tolerance: f64) -> Self {
        Self {
            errors: Vec::new(),
            tolerance,
            is_sound: false,
            failure: Some(failure),
        }
    }

    /// The result with the largest error.
    #[must_use]
    pub fn worst(&self) -> Option<&ResultError> {
        { self.errors.iter() }.max_by(|a, b| a.error.total_cmp(&b.error))
    }

    /// Its largest error in units of the tolerance; infinite for a failure.
    pub(crate) fn excess(&self) -> f64 {
        match (&self.failure, self.worst()) {
            (None, Some(worst)) => worst.error / self.tolerance,
            (None, None) => 0.0,
            (Some(_), _) => f64::INFINITY,
        }
    }
}

/// An operation on the CPU's kernels and on a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Name of the operation.
    pub operation: String,
    /// Shape of its first argument, and its outputs.
    pub size: String,
    /// Times of the kernels.
    pub cpu: Option<Times>,
    /// Times on the device.
    pub device: Option<Times>,
    /// Errors of the device's results.
    #[serde(flatten)]
    pub check: Check,
}

/// Measures an operation by the kernels and on `side`.
#[must_use]
pub fn row(operation: &Operation, side: &Side) -> Row {
    let on = |side: &Side| attempt(|| measure(operation, side));
    let expected = on(&Side::kernels()).map_err(|failure| format!("the kernels failed: {failure}"));
    let found = on(side);
    compare(operation, expected, found)
}

/// Compares the training step of the device check; the result is the worst one.
#[must_use]
pub fn check_parity(side: &Side) -> Check {
    match attempt(|| parity_of(side)) {
        Ok(Parity { worst, error }) => {
            let result = match worst.is_empty() {
                true => "all results".to_owned(),
                false => worst,
            };
            Check::of_errors(vec![ResultError { result, error }], TOLERANCE)
        }
        Err(failure) => Check::failed(failure, TOLERANCE),
    }
}

fn compare(
    operation: &Operation,
    expected: Result<Measurement, String>,
    found: Result<Measurement, String>,
) -> Row {
    let tolerance = operation.tolerance();
    let times =
        |measurement: &Result<Measurement, String>| measurement.as_ref().ok().map(|it| it.times);
    Row {
        operation: operation.kind.to_string(),
        size: operation.size(),
        cpu: times(&expected),
        device: times(&found),
        check: match (found, expected) {
            (Ok(found), Ok(expected)) => Check::of(&found.results, &expected.results, tolerance),
            (Err(failure), _) | (_, Err(failure)) => Check::failed(failure, tolerance),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::operations;

    #[test]
    fn each_operation_of_the_reference_backend_has_the_results_of_the_kernels() {
        for operation in operations() {
            let row = row(&operation, &Side::reference_on_cpu());
            assert!(row.check.is_sound, "{row:?}");
            let is_timed = |times: Option<Times>| times.is_some_and(|it| it.forward_ms > 0.0);
            assert!(is_timed(row.cpu) && is_timed(row.device), "{row:?}");
            assert!(!row.check.errors.is_empty());
        }
    }

    #[test]
    fn a_wrong_result_is_found_and_named() {
        for operation in operations() {
            let expected = measure(&operation, &Side::kernels()).unwrap();
            let n_results = expected.results.len();
            for (at, factor) in (0..n_results).flat_map(|at| [(at, 1.1), (at, f32::NAN)]) {
                let mut wrong = expected.clone();
                wrong.results[at].1.iter_mut().for_each(|it| *it *= factor);
                let name = wrong.results[at].0.clone();
                let check = compare(&operation, Ok(expected.clone()), Ok(wrong)).check;
                assert!(!check.is_sound && check.excess() > 1.0, "{operation:?}");
                assert_eq!(check.worst().unwrap().result, name);
            }
        }
    }

    #[test]
    fn a_failure_is_no_sound_result() {
        let operation = &operations()[0];
        let row = compare(operation, Err("x".to_owned()), Err("no kernel".to_owned()));
        assert_eq!(row.check.failure.as_deref(), Some("no kernel"));
        assert!(!row.check.is_sound && row.check.excess().is_infinite());
    }
}
