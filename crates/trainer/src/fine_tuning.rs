//! Methods of fine-tuning, none of which is in use by default.

use serde::{Deserialize, Serialize};
use table_history::EpochSelection;

/// Methods of fine-tuning; the default is Adam on all parameters from the first epoch on, and the best epoch's own weights.
#[derive(Clone, Copy, Debug, Default)]
pub struct FineTuning {
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Largest norm of all gradients together; a larger one is scaled down to it
    /// (Pascanu et al. 2013, *On the difficulty of training recurrent neural networks*, algorithm 1; PyTorch's
    /// `clip_grad_norm_`). 0 for no limit.
    pub clip_norm: f64,
    /// Decay of the average of the weights, in `[0, 1)`; 0 for none: see [`WeightAverage`](crate::WeightAverage).
    pub ema_decay: f64,
    /// Number of first epochs that train embedder and head alone, behind a frozen ResNet in evaluation mode, at the
    /// highest learning rate; then the optimizer and the schedule start anew on all parameters (Kumar et al. 2022,
    /// *Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution*, LP-FT in section 3.4).
    pub head_epochs: usize,
    /// The epoch whose model is saved.
    pub selection: EpochSelection,
}

/// Optimizer of a training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Adam; weight decay is an L2 penalty of all parameters.
    #[default]
    Adam,
    /// AdamW: decoupled weight decay of weights of more than one dimension; biases and batch-norms have none.
    AdamW,
}
