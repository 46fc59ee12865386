//! Memory of a training step on a device.

use model::Depth;

/// Factor of a ResNet's memory at 224 px on Metal, which rounds buffers up to powers of two.
const ROUNDING_ON_METAL: f64 = 1.31;

/// Bytes of a GiB.
pub const GIB: f64 = (1_u64 << 30) as f64;

/// Estimated peak bytes of a training step on a device of class `class`.
#[must_use]
pub fn step_bytes(class: &str, depth: Depth, side_px: usize, batch_size: usize) -> f64 {
    let rounding = match class {
        "metal" => ROUNDING_ON_METAL,
        _ => 1.0,
    };
    depth.training_bytes(side_px, batch_size) * rounding
}

/// The largest batch of at most `most` images whose step fits in `limit` bytes, if any does.
#[must_use]
pub fn fitting(
    class: &str,
    depth: Depth,
    side_px: usize,
    most: usize,
    limit: f64,
) -> Option<usize> {
    let mut sizes = (1..=most).rev();
    sizes.find(|&size| step_bytes(class, depth, side_px, size) <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_batch_that_fits() {
        let of = |limit: f64| fitting("cuda", Depth::D18, 224, 32, limit * GIB);
        assert_eq!(of(100.0), Some(32));
        assert_eq!(of(0.01), None);
        let some = of(1.0).unwrap();
        assert!(step_bytes("cuda", Depth::D18, 224, some) <= GIB);
        assert!(step_bytes("cuda", Depth::D18, 224, some + 1) > GIB);
        assert!(fitting("metal", Depth::D18, 224, 32, GIB) < Some(some));
    }
}
