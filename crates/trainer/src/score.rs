//! Probabilities of logits.

/// The probabilities of logits `[K]`; they sum to 1.
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    // Shifted by the largest, no exponential overflows.
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f64> = logits
        .iter()
        .map(|&logit| f64::from(logit - largest).exp())
        .collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials
        .iter()
        .map(|exponential| to_f32(exponential / sum))
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "tables hold probabilities as f32"
)]
fn to_f32(probability: f64) -> f32 {
    probability as f32
}
