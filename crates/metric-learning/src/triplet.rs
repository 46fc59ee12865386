//! The triplet margin loss.
//!
//! Shapes: `B` batch, `D` dimensions of the embedding.

use candle_core::{Device, Tensor};
use model::Output;
use trainer::{CrossEntropy, Loss, TrainError};

/// The triplet margin loss (Schroff et al. 2015, *FaceNet*, eq. 1, with distances in place of their squares) over all
/// triplets of a batch.
///
/// A triplet is an anchor, another image of its class and one of another class, at distances `d_ap` and `d_an` between
/// embeddings of length 1; its loss is `max(0, d_ap − d_an + margin)`, and the mean is over the triplets whose loss is
/// not 0. Conventions are pytorch-metric-learning's: `TripletMarginLoss` with its default distance and reducer.
#[derive(Clone, Copy, Debug)]
pub struct Triplet {
    margin: f64,
}

impl Triplet {
    /// The loss for a margin of 0 or greater; distances between embeddings of length 1 are in `[0, 2]`.
    pub fn new(margin: f64) -> Self {
        Self { margin }
    }

    /// The mean loss of `embedding` `[B, D]` for `labels` (`B` of them): a scalar that gradients flow through, 0 where
    /// no triplet has a loss.
    ///
    /// # Errors
    /// The shapes differ, or the device fails.
    pub fn forward(&self, embedding: &Tensor, labels: &[u32]) -> Result<Tensor, TrainError> {
        let (rows, dimensions) = embedding.dims2()?;
        if rows != labels.len() {
            return Err(TrainError::OutputShape {
                found: vec![rows, dimensions],
                expected: [labels.len(), dimensions],
            });
        }
        let distances = distances(embedding)?; // [B, B]
        let on_host: Vec<Vec<f32>> = distances.to_vec2()?;
        let active = ActiveTriplets::among(&on_host, labels, self.margin);
        // The mean over the triplets with a loss is linear in the distances: the factor of each is the number of triplets in
        // which it is `d_ap`, less that in which it is `d_an`. So the list of about B³ triplets is not needed.
        let share = 1.0 / active.n_triplets.max(1) as f64;
        let signs = Tensor::from_vec(active.signs, (rows, rows), &Device::Cpu)?;
        let signs = signs.to_device(embedding.device())?;
        let margin = self.margin * (active.n_triplets.min(1) as f64);
        Ok((((distances * signs)?.sum_all()? * share)? + margin)?)
    }
}

/// The triplets that have a loss.
struct ActiveTriplets {
    n_triplets: u64,
    /// Number of triplets in which a pair is the anchor and its own class, less that in which it is the anchor and another
    /// class, `[B, B]`.
    signs: Vec<f32>,
}

impl ActiveTriplets {
    fn among(distances: &[Vec<f32>], labels: &[u32], margin: f64) -> Self {
        let mut active = Self {
            n_triplets: 0,
            signs: vec![0.0; labels.len() * labels.len()],
        };
        let signs = active.signs.chunks_exact_mut(labels.len().max(1));
        for ((anchor, row), signs) in distances.iter().enumerate().zip(signs) {
            for (positive, to_positive) in row.iter().enumerate() {
                if positive == anchor || labels[positive] != labels[anchor] {
                    continue;
                }
                for (negative, to_negative) in row.iter().enumerate() {
                    let is_other = labels[negative] != labels[anchor];
                    if is_other && f64::from(to_positive - to_negative) + margin > 0.0 {
                        active.n_triplets += 1;
                        signs[positive] += 1.0;
                        signs[negative] -= 1.0;
                    }
                }
            }
        }
        active
    }
}

/// Euclidean distances between the rows `[B, D]`, each first scaled to length 1: `[B, B]`.
fn distances(embedding: &Tensor) -> Result<Tensor, TrainError> {
    // Small enough to change nothing else; it keeps the gradients at 0 finite.
    const LEAST: f64 = 1e-14;
    let lengths = (embedding.sqr()?.sum_keepdim(1)? + LEAST)?.sqrt()?; // [B, 1]
    let unit = embedding.broadcast_div(&lengths)?; // [B, D]
    let differences = unit.unsqueeze(0)?.broadcast_sub(&unit.unsqueeze(1)?)?; // [B, B, D]
    Ok((differences.sqr()?.sum(2)? + LEAST)?.sqrt()?)
}

/// The triplet margin loss of the embeddings and the cross-entropy of the logits, added up.
#[derive(Clone, Debug)]
pub struct TripletAndCrossEntropy {
    /// Loss of the embeddings.
    pub triplet: Triplet,
    /// Loss of the logits.
    pub cross_entropy: CrossEntropy,
}

impl Loss for TripletAndCrossEntropy {
    fn mean(&self, output: &Output, labels: &[u32]) -> Result<Tensor, TrainError> {
        let triplet = self.triplet.forward(&output.embedding, labels)?;
        Ok((triplet + self.cross_entropy.forward(&output.logits, labels)?)?)
    }

    fn total_weight(&self, labels: &[u32]) -> f64 {
        labels.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    fn loss<const N: usize>(points: &[[f32; 2]; N], labels: &[u32], margin: f64) -> f32 {
        let embedding = Tensor::new(points, &Device::Cpu).unwrap();
        let loss = Triplet::new(margin).forward(&embedding, labels).unwrap();
        loss.to_scalar().unwrap()
    }

    // At right angles: two of class 0 on one axis, of other lengths, and one of class 1 on the other.
    const POINTS: [[f32; 2]; 3] = [[1.0, 0.0], [5.0, 0.0], [0.0, 2.0]];
    const LABELS: [u32; 3] = [0, 0, 1];

    #[test]
    fn the_mean_is_over_the_triplets_with_a_loss() {
        // Both triplets have d_ap = 0 and d_an = √2.
        assert_abs_diff_eq!(loss(&POINTS, &LABELS, 1.0), 0.0);
        assert_abs_diff_eq!(
            loss(&POINTS, &LABELS, 2.0),
            2.0 - 2_f32.sqrt(),
            epsilon = 1e-6
        );
    }

    #[test]
    fn without_a_triplet_there_is_no_loss() {
        assert_abs_diff_eq!(loss(&POINTS, &[0, 0, 0], 1.0), 0.0);
        assert_abs_diff_eq!(loss(&POINTS, &[0, 1, 2], 1.0), 0.0);
    }

    #[test]
    fn the_loss_does_not_depend_on_lengths_and_order() {
        let points = [[1.0, 0.2], [0.3, 0.4], [0.5, -1.0], [2.0, 0.1]];
        let longer = points.map(|[x, y]| [3.0 * x, 3.0 * y]);
        let whole = loss(&points, &[0, 0, 1, 1], 0.5);
        assert_abs_diff_eq!(loss(&longer, &[0, 0, 1, 1], 0.5), whole, epsilon = 1e-6);
        let turned = [points[3], points[2], points[1], points[0]];
        assert_abs_diff_eq!(loss(&turned, &[1, 1, 0, 0], 0.5), whole, epsilon = 1e-6);
    }
}
