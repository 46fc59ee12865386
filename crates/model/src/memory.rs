//! Memory of a training step on the reference backend, as GPUs run it.

use crate::Depth;

/// Bytes per pixel of each image at any depth: the patches of the first convolution, for the gradient of its weights.
const BYTES_PER_PIXEL: f64 = 700.0;
/// Bytes per number of a convolution's output: it is kept some seven times, by convolution, batch-norm and ReLU.
const BYTES_PER_NUMBER: f64 = 29.0;
/// Bytes per parameter: its value, its gradient and its two moments, all f32.
const BYTES_PER_PARAMETER: f64 = 16.0;

impl Depth {
    /// Peak bytes of a training step on a GPU, of `batch_size` images of `side_px` a side.
    ///
    /// An estimate for the reference backend: a linear fit to measurements of ResNet-18 and ResNet-50 at 224 px
    /// with batches of 32 and 256, with an error below 3 %.
    #[must_use]
    pub fn training_bytes(self, side_px: usize, batch_size: usize) -> f64 {
        let pixels = (side_px * side_px * batch_size) as f64;
        let per_pixel = BYTES_PER_PIXEL + BYTES_PER_NUMBER * self.numbers_per_pixel();
        pixels * per_pixel + BYTES_PER_PARAMETER * self.parameters()
    }

    /// Numbers in the outputs of all convolutions, per pixel of the image.
    fn numbers_per_pixel(self) -> f64 {
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

/// Images that go through the network together in a step, with a `micro_batch_size` of 0 for whole batches.
#[must_use]
pub fn images_together(batch_size: usize, micro_batch_size: usize) -> usize {
    match micro_batch_size {
        0 => batch_size,
        size => batch_size.min(size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_close_to_the_measurements() {
        const GIB: f64 = (1_u64 << 30) as f64;
        for (depth, batch_size, measured) in [
            (Depth::D18, 32, 3.4),
            (Depth::D18, 256, 25.8),
            (Depth::D50, 32, 11.1),
            (Depth::D50, 256, 85.9),
        ] {
            let estimated = depth.training_bytes(224, batch_size) / GIB;
            let error = (estimated / measured - 1.0).abs();
            assert!(error < 0.03, "{depth}, {batch_size}: {estimated} GiB");
        }
    }

    #[test]
    fn numbers_per_pixel_by_hand() {
        // The stem 16; stages of 4 × 4, then 5 × 2, 5 × 1 and 5 × ½ with their shortcuts.
        assert!((Depth::D18.numbers_per_pixel() - 49.5).abs() < 1e-9);
        // Bottlenecks: 16; 88; 62; 43; 12.5.
        assert!((Depth::D50.numbers_per_pixel() - 221.5).abs() < 1e-9);
    }

    #[test]
    fn deeper_networks_and_larger_batches_need_more() {
        let of_depths = Depth::ALL.map(|depth| depth.training_bytes(224, 32));
        assert!(of_depths.windows(2).all(|two| two[0] < two[1]));
        let small = Depth::D18.training_bytes(48, 16);
        assert!(small < Depth::D18.training_bytes(48, 17));
    }
}
