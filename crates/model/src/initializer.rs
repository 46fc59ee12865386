//! Initial values of weights: random by the distributions of torchvision and PyTorch, or zeros.
//!
//! Values are drawn on the host in the order of the elements, so a network depends on the generator
//! alone, whatever its device.

use candle_core::{Device, Result, Tensor, Var};
use rand::Rng;
use rand_distr::StandardNormal;

/// Initial values of a network's weights.
pub(crate) trait Initializer {
    /// Weights of a convolution, `[out, in, side, side]`.
    fn convolution(&mut self, sizes: [usize; 3], device: &Device) -> Result<Var>;
    /// Weights or biases of a linear layer with `fan_in` inputs.
    fn linear(&mut self, shape: &[usize], fan_in: usize, device: &Device) -> Result<Var>;
    /// Directions, `[n, dimensions]`.
    fn directions(&mut self, n: usize, dimensions: usize, device: &Device) -> Result<Var>;
}

/// Random values by the distributions of the layers.
pub(crate) struct RandomInitializer<'a, R>(pub(crate) &'a mut R);

impl<R: Rng> Initializer for RandomInitializer<'_, R> {
    fn convolution(&mut self, sizes: [usize; 3], device: &Device) -> Result<Var> {
        convolution(sizes, device, self.0)
    }

    fn linear(&mut self, shape: &[usize], fan_in: usize, device: &Device) -> Result<Var> {
        linear(shape, fan_in, device, self.0)
    }

    fn directions(&mut self, n: usize, dimensions: usize, device: &Device) -> Result<Var> {
        directions(n, dimensions, device, self.0)
    }
}

/// Zeros, until a state is read.
pub(crate) struct ZeroInitializer;

impl Initializer for ZeroInitializer {
    fn convolution(&mut self, [n_in, n_out, side]: [usize; 3], device: &Device) -> Result<Var> {
        zeros(&[n_out, n_in, side, side], device)
    }

    fn linear(&mut self, shape: &[usize], _: usize, device: &Device) -> Result<Var> {
        zeros(shape, device)
    }

    fn directions(&mut self, n: usize, dimensions: usize, device: &Device) -> Result<Var> {
        zeros(&[n, dimensions], device)
    }
}

fn zeros(shape: &[usize], device: &Device) -> Result<Var> {
    // From the host, as random values, so that no device needs another operation for them.
    Var::from_vec(vec![0.0_f32; shape.iter().product()], shape, device)
}

/// Weights of a convolution, `[out, in, side, side]`: normal with mean 0 and variance
/// `2 / (out · side²)`, as in torchvision's `resnet.py` (He et al. 2015, "Delving deep into
/// rectifiers", eq. 14, `fan_out`).
fn convolution(
    [n_in, n_out, side]: [usize; 3],
    device: &Device,
    rng: &mut impl Rng,
) -> Result<Var> {
    let deviation = (2.0 / (n_out * side * side) as f32).sqrt();
    let n = n_out * n_in * side * side;
    let values: Vec<f32> = (0..n)
        .map(|_| deviation * rng.sample::<f32, _>(StandardNormal))
        .collect();
    Var::from_vec(values, (n_out, n_in, side, side), device)
}

/// Weights or biases of a linear layer with `fan_in` inputs: uniform in `±1/√fan_in`, as in
/// `torch.nn.Linear`.
fn linear(shape: &[usize], fan_in: usize, device: &Device, rng: &mut impl Rng) -> Result<Var> {
    let bound = 1.0 / (fan_in as f32).sqrt();
    let n = shape.iter().product();
    let values: Vec<f32> = (0..n)
        .map(|_| bound * (2.0 * rng.random::<f32>() - 1.0))
        .collect();
    Var::from_vec(values, shape, device)
}

/// Directions: normal with mean 0 and variance 1, `[n, dimensions]`.
fn directions(n: usize, dimensions: usize, device: &Device, rng: &mut impl Rng) -> Result<Var> {
    let values: Vec<f32> = (0..n * dimensions)
        .map(|_| rng.sample(StandardNormal))
        .collect();
    Var::from_vec(values, (n, dimensions), device)
}

/// `channels` equal values.
pub(crate) fn constant(value: f32, channels: usize, device: &Device) -> Result<Var> {
    Var::from_tensor(&Tensor::full(value, channels, device)?)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn convolutions_have_the_variance_of_their_fan_out() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let weight = convolution([64, 128, 3], &Device::Cpu, &mut rng).unwrap();
        let variance = weight
            .sqr()
            .unwrap()
            .mean_all()
            .unwrap()
            .to_scalar::<f32>()
            .unwrap();
        let expected = 2.0 / (128.0 * 9.0);
        // 73,728 draws: the standard error of a variance is √(2/n), half a percent.
        assert!(
            (variance / expected - 1.0).abs() < 0.02,
            "{variance} against {expected}"
        );
    }

    #[test]
    fn linear_weights_cover_their_interval() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let weight = linear(&[100, 400], 400, &Device::Cpu, &mut rng).unwrap();
        let largest = weight
            .abs()
            .unwrap()
            .max_all()
            .unwrap()
            .to_scalar::<f32>()
            .unwrap();
        assert!(largest <= 0.05 && largest > 0.0499, "{largest}");
    }
}
