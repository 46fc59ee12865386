//! Probabilities of logits and their losses, in double precision.

/// `[K]`, the probabilities `exp(zᵢ / T) / Σⱼ exp(zⱼ / T)` of finite `logits` `z` `[K]` at the `temperature` `T` (Guo,
/// Pleiss, Sun and Weinberger 2017, §3), a number above 0; 1 is the plain softmax. They sum to 1.
#[must_use]
pub fn softmax(logits: &[f32], temperature: f64) -> Vec<f64> {
    let mut values = scaled(logits, temperature);
    values.iter_mut().for_each(|z| *z = z.exp());
    let sum: f64 = values.iter().sum();
    values.iter_mut().for_each(|value| *value /= sum);
    values
}

/// The cross-entropy `−ln p` of the true `class`, in nats, where `p` is its probability by [`softmax`]. It is finite
/// even where `p` rounds to 0.
#[must_use]
pub fn cross_entropy(logits: &[f32], class: usize, temperature: f64) -> f64 {
    let scaled = scaled(logits, temperature);
    log_sum_exp(scaled.iter().copied()) - scaled[class]
}

/// `loss`, the `−ln p` of a probability `p`, clamped as if `p` were in `[ε, 1 − ε]` with the `ε` of 64-bit floats: by
/// scikit-learn's convention of `log_loss`, a probability of 0 costs 36 nats and not infinity.
#[must_use]
pub fn clamped_loss(loss: f64) -> f64 {
    loss.clamp(-(1.0 - f64::EPSILON).ln(), -f64::EPSILON.ln())
}

/// `ln Σᵢ exp(xᵢ)` of `values` `x`, of which the highest is finite. It doesn't overflow.
pub fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let highest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = values.map(|value| (value - highest).exp()).sum();
    highest + sum.ln()
}

/// `logits` shifted so that the highest is 0, over the temperature. The difference is one of doubles, which is exact
/// for all but far logits.
fn scaled(logits: &[f32], temperature: f64) -> Vec<f64> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let shifted = |&logit: &f32| f64::from(logit) - f64::from(highest);
    logits.iter().map(|z| shifted(z) / temperature).collect()
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    #[test]
    fn probabilities_by_hand() {
        let [a, b] = [1_f64, 2.0].map(f64::exp);
        let found = softmax(&[1.0, 2.0], 1.0);
        assert_abs_diff_eq!(found[0], a / (a + b), epsilon = 1e-15);
        assert_abs_diff_eq!(found[1], b / (a + b), epsilon = 1e-15);
        // Odds of e² to 1 are cooled to e⁴ to 1, and warmed to e to 1.
        let odds = |temperature| {
            let found = softmax(&[2.0, 0.0], temperature);
            (found[0] / found[1]).ln()
        };
        assert_abs_diff_eq!(odds(0.5), 4.0, epsilon = 1e-12);
        assert_abs_diff_eq!(odds(2.0), 1.0, epsilon = 1e-12);
    }

    #[test]
    fn a_shift_changes_nothing_and_far_logits_do_not_overflow() {
        let logits = [0.5_f32, -1.25, 3.0];
        let (plain, shifted) = (
            softmax(&logits, 0.7),
            softmax(&logits.map(|z| z + 64.0), 0.7),
        );
        assert_eq!(plain, shifted);
        assert_abs_diff_eq!(plain.iter().sum::<f64>(), 1.0, epsilon = 1e-15);
        assert_eq!(softmax(&[3e38, -3e38], 0.01), [1.0, 0.0]);
        assert!(softmax(&[], 1.0).is_empty());
    }

    #[test]
    fn the_cross_entropy_is_the_negative_logarithm_of_the_probability() {
        let logits = [0.5, -1.25, 3.0];
        for temperature in [0.5, 1.0, 3.0] {
            let probabilities = softmax(&logits, temperature);
            for (class, probability) in probabilities.iter().enumerate() {
                let found = cross_entropy(&logits, class, temperature);
                assert_abs_diff_eq!(found, -probability.ln(), epsilon = 1e-14);
            }
        }
        // The probability is 0 as a number.
        assert_abs_diff_eq!(cross_entropy(&[1e4, 0.0], 1, 1.0), 1e4);
        assert_abs_diff_eq!(cross_entropy(&[1e30, 0.0], 0, 1.0), 0.0);
    }

    #[test]
    fn equal_terms_add_the_logarithm_of_their_number() {
        let found = log_sum_exp([700.0; 8].into_iter());
        assert_abs_diff_eq!(found, 700.0 + 8_f64.ln(), epsilon = 1e-12);
        let found = log_sum_exp([f64::NEG_INFINITY, -1e4].into_iter());
        assert_abs_diff_eq!(found, -1e4);
    }

    #[test]
    fn losses_are_clamped_as_probabilities_are() {
        for probability in [0.0, 1e-300, 1e-16, 0.25, 1.0 - 1e-16, 1.0, 1.000_000_1] {
            let expected = -f64::clamp(probability, f64::EPSILON, 1.0 - f64::EPSILON).ln();
            let found = clamped_loss(-f64::ln(probability));
            assert_abs_diff_eq!(found, expected, epsilon = 0.0);
        }
        assert_abs_diff_eq!(clamped_loss(1e4), 36.043_653_389, epsilon = 1e-9);
    }
}
