//! A side of a comparison: a device, and the backend on it.

use candle_core::{Device, Result, Tensor};
use kernels::Backend;

/// A device with the backend that computes there.
#[derive(Clone, Debug)]
pub struct Side {
    /// The device.
    pub device: Device,
    /// The implementation of the operations.
    pub backend: Backend,
}

/// Layout of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Activations `[B, C, H, W]`, in the order of the backend's dimensions.
    Activations,
    /// Any other tensor: the same on all backends.
    Plain,
}

impl Layout {
    /// The layout of an operation's output: one of four dimensions is activations.
    pub(crate) fn of_output(tensor: &Tensor) -> Self {
        match tensor.rank() {
            4 => Self::Activations,
            _ => Self::Plain,
        }
    }
}

impl Side {
    /// The CPU with its kernels, whose results are the expected ones.
    #[must_use]
    pub fn kernels() -> Self {
        Self::of(&Device::Cpu)
    }

    /// The reference backend on the CPU: the operations of a GPU, without one.
    #[must_use]
    pub fn reference_on_cpu() -> Self {
        Self {
            device: Device::Cpu,
            backend: Backend::Reference,
        }
    }

    /// A device with the backend that training has there.
    #[must_use]
    pub fn of(device: &Device) -> Self {
        Self {
            device: device.clone(),
            backend: Backend::of(device),
        }
    }

    /// Values in the order of `[B, C, H, W]` as a tensor on the device, in the backend's order.
    ///
    /// # Errors
    /// The number of values is not that of `shape`, or the device fails.
    pub(crate) fn place(
        &self,
        values: Vec<f32>,
        shape: &[usize],
        layout: Layout,
    ) -> Result<Tensor> {
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu)?;
        let tensor = match self.is_permuted(layout) {
            true => tensor.permute((0, 2, 3, 1))?.contiguous()?,
            false => tensor,
        };
        tensor.to_device(&self.device)
    }

    /// Values of a tensor on the host, in the order of `[B, C, H, W]`.
    ///
    /// # Errors
    /// The device fails.
    pub(crate) fn host(&self, tensor: &Tensor, layout: Layout) -> Result<Vec<f32>> {
        let tensor = tensor.detach().to_device(&Device::Cpu)?;
        let tensor = match self.is_permuted(layout) {
            true => tensor.permute((0, 3, 1, 2))?,
            false => tensor,
        };
        tensor.flatten_all()?.to_vec1()
    }

    /// Dimensions of a tensor in the order of `[B, C, H, W]`.
    pub(crate) fn shape(&self, tensor: &Tensor, layout: Layout) -> Vec<usize> {
        match (self.is_permuted(layout), tensor.dims()) {
            (true, &[batch, height, width, channels]) => vec![batch, channels, height, width],
            (_, dims) => dims.to_vec(),
        }
    }

    fn is_permuted(&self, layout: Layout) -> bool {
        layout == Layout::Activations && self.backend.channel_dim() == 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_return_from_either_order() {
        let values: Vec<f32> = (0_u8..24).map(f32::from).collect();
        for side in [Side::kernels(), Side::reference_on_cpu()] {
            for layout in [Layout::Activations, Layout::Plain] {
                let shape = [1, 2, 3, 4];
                let tensor = side.place(values.clone(), &shape, layout).unwrap();
                assert_eq!(side.shape(&tensor, layout), shape);
                assert_eq!(side.host(&tensor, layout).unwrap(), values);
            }
        }
        let shape = [1, 2, 3, 4];
        let tensor = Side::kernels().place(values, &shape, Layout::Activations);
        assert_eq!(tensor.unwrap().dims(), [1, 3, 4, 2]);
    }
}
