//! Comparison with golden values.

use approx::assert_relative_eq;

/// Asserts that `found` are the `expected` values, up to a relative tolerance.
pub(crate) fn assert_close(found: &[f32], expected: &[f32], relative: f32) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_relative_eq!(
            found,
            expected,
            max_relative = relative,
            epsilon = relative * 0.1
        );
    }
}
