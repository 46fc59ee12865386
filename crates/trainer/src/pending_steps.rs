//! Results of steps that are not yet copied from the device.

use candle_core::{Device, Tensor};
use model::Output;

use crate::{Outputs, TrainError};

/// Number of steps whose results are copied together from a CUDA device. A copy to the host waits for all work issued
/// before it, after which the device is idle; a loss that is not finite is detected up to this many steps late.
const STEPS_ON_CUDA: usize = 8;

/// Outputs and losses of steps that were issued and not yet copied to the host.
pub(crate) struct PendingSteps {
    capacity: usize,
    images: Vec<usize>,
    logits: Vec<Tensor>,
    embeddings: Vec<Tensor>,
    losses: Vec<Tensor>,
}

impl PendingSteps {
    /// Capacity for the steps that are copied together from `device`: several on CUDA, one elsewhere. On the CPU a copy
    /// does not wait, and Metal reuses buffers only after a copy.
    pub(crate) fn for_device(device: &Device) -> Self {
        Self::with_capacity(if device.is_cuda() { STEPS_ON_CUDA } else { 1 })
    }

    fn with_capacity(capacity: usize) -> Self {
        Self {
            capacity,
            images: Vec::new(),
            logits: Vec::new(),
            embeddings: Vec::new(),
            losses: Vec::new(),
        }
    }

    /// Adds the outputs of a step for `images`, and its loss if it has one.
    pub(crate) fn push(&mut self, images: &[usize], output: &Output, loss: Option<&Tensor>) {
        self.images.extend_from_slice(images);
        // Detached, so that the step's graph with all activations is freed.
        self.logits.push(output.logits.detach());
        self.embeddings.push(output.embedding.detach());
        self.losses.extend(loss.map(Tensor::detach));
    }

    /// Returns `true` if the capacity is reached.
    pub(crate) fn is_full(&self) -> bool {
        self.logits.len() >= self.capacity
    }

    /// Copies all results to the host: the outputs into `outputs`, step after step, and the losses, which are returned in
    /// the order of the steps.
    ///
    /// # Errors
    /// The shapes do not fit `outputs`, or the device fails.
    pub(crate) fn take(&mut self, outputs: &mut Outputs) -> Result<Vec<f64>, TrainError> {
        if self.logits.is_empty() {
            return Ok(Vec::new());
        }
        let output = Output {
            logits: Tensor::cat(&self.logits, 0)?,
            embedding: Tensor::cat(&self.embeddings, 0)?,
        };
        outputs.set(&self.images, &output)?;
        let losses: Vec<f32> = match self.losses.as_slice() {
            [] => Vec::new(),
            losses => Tensor::stack(losses, 0)?.to_vec1()?,
        };
        *self = Self::with_capacity(self.capacity);
        Ok(losses.into_iter().map(f64::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(rows: &[[f32; 2]]) -> Output {
        let logits = Tensor::from_slice(&rows.concat(), (rows.len(), 2), &Device::Cpu).unwrap();
        Output {
            embedding: logits.narrow(1, 0, 1).unwrap(),
            logits,
        }
    }

    #[test]
    fn results_of_several_steps_keep_their_order() {
        let mut pending = PendingSteps::with_capacity(2);
        let mut outputs = Outputs::zeros(3, 2, 1);
        let loss = |value: f32| Tensor::new(value, &Device::Cpu).unwrap();
        pending.push(&[2, 0], &output(&[[1., 2.], [3., 4.]]), Some(&loss(0.5)));
        assert!(!pending.is_full());
        pending.push(&[2], &output(&[[5., 6.]]), Some(&loss(0.25)));
        assert!(pending.is_full());
        assert_eq!(pending.take(&mut outputs).unwrap(), [0.5, 0.25]);
        // Of an image that occurs twice, the later step counts.
        assert_eq!(outputs.logits(2), [5., 6.]);
        assert_eq!(outputs.logits(0), [3., 4.]);
        assert_eq!(outputs.embedding(0), [3.]);
        assert!(pending.take(&mut outputs).unwrap().is_empty());
    }

    #[test]
    fn capacity_on_the_cpu_is_one_step() {
        let mut pending = PendingSteps::for_device(&Device::Cpu);
        let mut outputs = Outputs::zeros(1, 2, 1);
        pending.push(&[0], &output(&[[1., 2.]]), None);
        assert!(pending.is_full());
        assert!(pending.take(&mut outputs).unwrap().is_empty());
        assert!(!pending.is_full());
    }
}
