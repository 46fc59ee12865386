//! The additive angular margin loss.
//!
//! Shapes: `B` batch, `K` classes.

use candle_core::{D, Tensor};
use candle_nn::ops::log_softmax;
use model::Output;
use trainer::{Loss, TrainError, check_logits};

/// ArcFace (Deng et al. 2019, *ArcFace: Additive Angular Margin Loss for Deep Face Recognition*, eq. 3): cross-entropy
/// of the scaled cosines between an embedding and the class centers, where the angle θ to the center of the true class
/// is first increased by the margin `m`.
///
/// With class weights `w`, labels `y` and the scale `s`, it is `Σᵢ −w[yᵢ]·log softmax(s·c̃ᵢ)[yᵢ] / B`, where `c̃ᵢ` are the
/// cosines with `cos(θ + m)` in the place of the true class's; for `θ > π − m`, where `cos(θ + m)` would rise again,
/// it is `cos θ − m·sin m`. Conventions are pytorch-metric-learning's: `ArcFaceLoss` with its `ClassWeightedReducer`,
/// whose mean is over the images, without their weights.
///
/// Its logits are the cosines of a [`Network::with_cosine_head`](model::Network::with_cosine_head), whose
/// head is the class centers.
#[derive(Clone, Debug)]
pub struct ArcFace {
    class_weights: Vec<f32>, // [K]
    scale: f64,
    margin: f64,
}

impl ArcFace {
    /// The loss for `class_weights` `[K]`, a `scale` greater than 0 and a margin in degrees, in `[0, 180)`.
    pub fn new(class_weights: Vec<f32>, scale: f64, margin_deg: f64) -> Self {
        Self {
            class_weights,
            scale,
            margin: margin_deg.to_radians(),
        }
    }

    /// The mean loss of `cosines` `[B, K]` for `labels` (`B` class indices below `K`): a scalar that gradients flow through.
    ///
    /// # Errors
    /// A label is not a class, the shapes differ, or the device fails.
    pub fn forward(&self, cosines: &Tensor, labels: &[u32]) -> Result<Tensor, TrainError> {
        let n_classes = self.class_weights.len();
        check_logits(cosines, labels, n_classes)?;
        let device = cosines.device();
        let weights: Vec<f32> = labels.iter().map(|&label| self.weight(label)).collect();
        let weights = Tensor::new(weights, device)?; // [B]
        let class_indices = Tensor::new(labels, device)?.unsqueeze(1)?; // [B, 1]

        let of_label = cosines.gather(&class_indices, 1)?; // [B, 1]
        let change = (self.with_margin(&of_label)? - &of_label)?;
        let is_label = Tensor::from_vec(one_hot(labels, n_classes), cosines.dims(), device)?; // [B, K]
        let logits = ((cosines + is_label.broadcast_mul(&change)?)? * self.scale)?;
        let log_probabilities = log_softmax(&logits, D::Minus1)?;
        let of_label = log_probabilities.gather(&class_indices, 1)?.squeeze(1)?; // [B]
        Ok((of_label.mul(&weights)?.sum_all()? * (-1.0 / labels.len() as f64))?)
    }

    /// Cosines of angles → cosines of the angles plus the margin.
    fn with_margin(&self, cosines: &Tensor) -> Result<Tensor, TrainError> {
        // The least square of a sine, above which the slope of the root is finite.
        const LEAST: f64 = 1e-7;
        let (sin, cos) = self.margin.sin_cos();
        let sines = (1.0 - cosines.sqr()?)?.maximum(LEAST)?.sqrt()?;
        let turned = ((cosines * cos)? - (sines * sin)?)?;
        let beyond = (cosines - self.margin * sin)?;
        Ok(cosines.ge(-cos)?.where_cond(&turned, &beyond)?)
    }

    fn weight(&self, label: u32) -> f32 {
        self.class_weights[label as usize]
    }
}

/// `[B, K]`: 1 at the label, 0 elsewhere.
fn one_hot(labels: &[u32], n_classes: usize) -> Vec<f32> {
    let mut values = vec![0.0; labels.len() * n_classes];
    for (row, &label) in values.chunks_exact_mut(n_classes).zip(labels) {
        row[label as usize] = 1.0;
    }
    values
}

impl Loss for ArcFace {
    fn mean(&self, output: &Output, labels: &[u32]) -> Result<Tensor, TrainError> {
        self.forward(&output.logits, labels)
    }

    fn total_weight(&self, labels: &[u32]) -> f64 {
        labels.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use candle_core::Device;

    use super::*;

    fn loss(cosines: [f32; 2], scale: f64, margin_deg: f64) -> f32 {
        let cosines = Tensor::new(&[cosines], &Device::Cpu).unwrap();
        let arcface = ArcFace::new(vec![1.0, 1.0], scale, margin_deg);
        let loss = arcface.forward(&cosines, &[0]).unwrap();
        loss.to_scalar().unwrap()
    }

    #[test]
    fn the_margin_adds_to_the_angle_to_the_own_center() {
        // At 60° from the own center, 90° from the other; with 30° more, both are at 90° and equally probable.
        assert_abs_diff_eq!(loss([0.5, 0.0], 7.0, 30.0), 2_f32.ln(), epsilon = 1e-6);
    }

    #[test]
    fn the_loss_rises_with_the_angle_up_to_180_degrees() {
        let at = |degrees: u16| {
            let cosine = f32::from(degrees).to_radians().cos();
            loss([cosine, 0.0], 4.0, 40.0)
        };
        let losses: Vec<f32> = (0..=18).map(|tenth| at(10 * tenth)).collect();
        assert!(losses.windows(2).all(|two| two[0] < two[1]), "{losses:?}");
    }
}
