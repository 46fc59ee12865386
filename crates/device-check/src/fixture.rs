//! Images, labels and numbers of the comparisons, the same in each run.

/// Values of images `[B, side, side, 3]`: a wave and noise, so that channels differ and no window is flat.
pub(crate) fn images(batch_size: usize, side_px: usize) -> Vec<f32> {
    let value = |i: usize| {
        let noise = (i * 7919 % 97) as f32 / 97.0;
        (i as f32 * 0.003).sin() + noise - 0.5
    };
    (0..batch_size * side_px * side_px * 3).map(value).collect()
}

/// `B` labels, each class in turn.
pub(crate) fn labels(batch_size: usize, n_classes: u32) -> Vec<u32> {
    (0..n_classes).cycle().take(batch_size).collect()
}

/// Numbers spread over `[−1, 1]` without order; another `seed` has others.
#[expect(clippy::cast_possible_truncation, reason = "tensors are f32")]
pub(crate) fn numbers(len: usize, seed: f64) -> Vec<f32> {
    let value = |i: usize| {
        let angle = (i as f64 * (1.7 + 0.37 * seed)).powi(2);
        (angle + seed).sin() as f32
    };
    (0..len).map(value).collect()
}
