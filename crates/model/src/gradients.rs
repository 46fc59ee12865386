//! Gradients: on CPU over a tape, elsewhere by candle's autograd.

use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};
use kernels::{Backend, Operations, Tape};

use crate::{Mode, ModelError, Network, Output, ResnetLayer};

/// Outputs in train mode, their loss and its gradients. No activations are kept.
#[derive(Debug)]
pub struct LossGradients {
    /// The outputs.
    pub output: Output,
    /// The loss, a scalar.
    pub loss: Tensor,
    /// Gradients of the loss.
    pub gradients: GradStore,
}

impl Network {
    /// Outputs of images `[B, H, W, 3]` in train mode, their loss, and its gradients of [`Network::parameters`].
    ///
    /// # Errors
    /// Those of [`Network::forward`] and of `loss`, or the device fails.
    pub fn loss_gradients<E: From<ModelError>>(
        &self,
        images: &Tensor,
        loss: impl FnOnce(&Output) -> Result<Tensor, E>,
    ) -> Result<LossGradients, E> {
        let mode = Mode::Train;
        let features = |operations: &dyn Operations| self.pooled(images, mode, operations);
        self.gradients(features, mode, loss)
    }

    /// Gradient of a scalar, the `value` of the outputs, in the `activations` of [`Network::activations`] in the same
    /// `layer`, in eval mode. It has their shape.
    ///
    /// # Errors
    /// Those of [`Network::classify`] and of `value`, or the value does not depend on the activations.
    pub fn activation_gradient<E: From<ModelError>>(
        &self,
        activations: &Tensor,
        layer: ResnetLayer,
        value: impl FnOnce(&Output) -> Result<Tensor, E>,
    ) -> Result<Tensor, E> {
        let x = variable(&self.backend_layout(activations)?)?;
        let mode = Mode::Eval;
        let features = |operations: &dyn Operations| {
            let context = self.context(mode, true, operations);
            self.resnet.pooled(&x, layer, context)
        };
        let mut gradients = self.gradients(features, mode, value)?.gradients;
        let layer = layer.name();
        let gradient = gradients.remove(&x);
        let gradient = gradient.ok_or_else(|| E::from(ModelError::NoGradient { layer }))?;
        self.channels_last(gradient).map_err(E::from)
    }

    /// Outputs of pooled `features` that given operations compute, a `value` of the outputs and its gradients.
    ///
    /// On CPU the ResNet goes over a tape, and candle's gradients, those of the rest, begin at the features.
    fn gradients<E: From<ModelError>>(
        &self,
        features: impl FnOnce(&dyn Operations) -> Result<Tensor, ModelError>,
        mode: Mode,
        value: impl FnOnce(&Output) -> Result<Tensor, E>,
    ) -> Result<LossGradients, E> {
        let tape = match self.backend {
            Backend::Cpu => Some(Tape::new()),
            Backend::Reference => None,
        };
        let (features, start) = match &tape {
            Some(tape) => {
                let features = features(tape)?;
                let start = variable(&features)?;
                (features, start)
            }
            None => {
                let features = features(&self.backend)?;
                (features.clone(), features)
            }
        };
        let output = self.classify_features(&start, mode)?;
        let value = value(&output)?;
        let mut gradients = value.backward().map_err(ModelError::from)?;
        if let (Some(tape), Some(gradient)) = (tape, gradients.remove(&start)) {
            add_tape_gradients(tape, &features, &gradient, &mut gradients)?;
        }
        // Detached, so that the graph with all activations is freed.
        Ok(LossGradients {
            output: Output {
                logits: output.logits.detach(),
                embedding: output.embedding.detach(),
            },
            loss: value.detach(),
            gradients,
        })
    }
}

/// A tensor of the same numbers, at which candle's gradients begin.
fn variable(tensor: &Tensor) -> Result<Tensor, ModelError> {
    Ok(Var::from_tensor(tensor)?.into_inner())
}

/// Adds the gradients of the tape's variables, given that of its `output`.
fn add_tape_gradients(
    tape: Tape,
    output: &Tensor,
    gradient: &Tensor,
    gradients: &mut GradStore,
) -> Result<(), ModelError> {
    for of_variable in tape.backward(output, gradient)? {
        let (variable, gradient) = of_variable?;
        gradients.insert_id(variable, gradient);
    }
    Ok(())
}
