//! Named results, and their relative errors.

/// A result on the host, with its name.
pub(crate) type Named = (String, Vec<f32>);

/// Relative error of a result, `‖found − expected‖ / max(‖expected‖, least)`; infinite if it has numbers that are not
/// finite, or another count of them.
pub(crate) fn relative_error(found: &[f32], expected: &[f32], least: f64) -> f64 {
    if found.len() != expected.len() {
        return f64::INFINITY;
    }
    let squares =
        { found.iter().zip(expected) }.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
    let error = squares.sum::<f64>().sqrt() / norm(expected).max(least);
    match error.is_finite() {
        true => error,
        false => f64::INFINITY,
    }
}

/// Euclidean norm.
pub(crate) fn norm(values: &[f32]) -> f64 {
    let squares = values.iter().map(|&value| f64::from(value).powi(2));
    squares.sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_by_hand() {
        // ‖(0, 1)‖ / ‖(3, 4)‖
        let error = relative_error(&[3.0, 5.0], &[3.0, 4.0], 1e-30);
        assert!((error - 0.2).abs() < 1e-12);
        assert!((relative_error(&[1.0], &[0.0], 10.0) - 0.1).abs() < 1e-12);
        assert!(relative_error(&[f32::NAN], &[1.0], 1e-30).is_infinite());
        assert!(relative_error(&[1.0, 1.0], &[1.0], 1e-30).is_infinite());
    }
}
