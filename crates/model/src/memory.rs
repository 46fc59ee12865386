//! Memory of a training step by stock operations, as GPUs run it.

use crate::Depth;

/// Bytes a pixel of each image, whatever the depth: the patches of the first convolution, when its weights' gradient is
/// taken.
const BYTES_A_PIXEL: f64 = 700.0;
/// Bytes for each number that leaves a convolution: it is kept some seven times, by convolution, batch-norm and ReLU.
const BYTES_A_NUMBER: f64 = 29.0;
/// Bytes a parameter: its value, its gradient and its two moments, all f32.
const BYTES_A_PARAMETER: f64 = 16.0;

impl Depth {
    /// Peak bytes of a training step on a GPU, of `batch_size` images of `side_px` a side.
    ///
    /// An estimate, for a step by stock operations: a linear fit to what was counted for ResNet-18 and ResNet-50 at 224 px
    /// with batches of 32 and 256, which it meets within 3 %.
    #[must_use]
    pub fn training_bytes(self, side_px: usize, batch_size: usize) -> f64 {
        let pixels = (side_px * side_px * batch_size) as f64;
        let a_pixel = BYTES_A_PIXEL + BYTES_A_NUMBER * self.numbers_a_pixel();
        pixels * a_pixel + BYTES_A_PARAMETER * self.parameters()
    }

    /// Numbers that leave all convolutions, a pixel of the image.
    fn numbers_a_pixel(self) -> f64 {
        let stem = 64.0 / 4.0;
        let stages = self.blocks().into_iter().enumerate();
        let stages = stages.map(|(stage, n_blocks)| {
            let width = f64::from(64 << stage);
            let pixels = f64::from(1 << (4 + 2 * stage)).recip();
            let (first, other, shortcut) = if self.bottleneck() {
                // The first 1×1 of a stage works before the stride.
                let before = if stage == 0 { 1.0 } else { 4.0 };
                (before + 5.0, 6.0, 4.0)
            } else {
                (2.0, 2.0, if stage == 0 { 0.0 } else { 1.0 })
            };
            width * pixels * (first + shortcut + other * (n_blocks - 1) as f64)
        });
        stem + stages.sum::<f64>()
    }

    /// Parameters with the classifier of ImageNet, by torchvision's documentation.
    fn parameters(self) -> f64 {
        1e6 * match self {
            Self::D18 => 11.7,
            Self::D34 => 21.8,
            Self::D50 => 25.6,
            Self::D101 => 44.5,
            Self::D152 => 60.2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_meet_the_counts() {
        const GIB: f64 = (1_u64 << 30) as f64;
        for (depth, batch_size, counted) in [
            (Depth::D18, 32, 3.4),
            (Depth::D18, 256, 25.8),
            (Depth::D50, 32, 11.1),
            (Depth::D50, 256, 85.9),
        ] {
            let estimated = depth.training_bytes(224, batch_size) / GIB;
            let error = (estimated / counted - 1.0).abs();
            assert!(error < 0.03, "{depth}, {batch_size}: {estimated} GiB");
        }
    }

    #[test]
    fn numbers_of_resnet_18_by_hand() {
        // The stem 16; stages of 4 × 4, then 5 × 2, 5 × 1 and 5 × ½ with their shortcuts.
        assert!((Depth::D18.numbers_a_pixel() - 49.5).abs() < 1e-9);
        // Bottlenecks: 16; 88; 62; 43; 12.5.
        assert!((Depth::D50.numbers_a_pixel() - 221.5).abs() < 1e-9);
    }

    #[test]
    fn deeper_networks_and_larger_batches_need_more() {
        let of_depths = Depth::ALL.map(|depth| depth.training_bytes(224, 32));
        assert!(of_depths.windows(2).all(|two| two[0] < two[1]));
        let small = Depth::D18.training_bytes(48, 16);
        assert!(small < Depth::D18.training_bytes(48, 17));
    }
}
