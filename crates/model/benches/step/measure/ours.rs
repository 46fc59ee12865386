//! Our side.

use candle_core::{DType, Device, Tensor, Var};
use kernels::{AdamStep, WeightDecay};
use model::{Config, Mode, ModelError, Network};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Options, Outcome, Request};

const CLASSES: u32 = 8;

/// A network, its optimizer, and a batch.
pub(crate) struct Ours {
    network: Network,
    moments: Vec<(Var, Var)>,
    images: Tensor,
    labels: Tensor,
    weights: Tensor,
    n_steps: usize,
}

impl Ours {
    pub(crate) fn new(options: &Options) -> Outcome<Self> {
        let (batch, side, device) = (options.batch, options.side, Device::Cpu);
        let config = Config {
            depth: options.depth,
            classifier: true,
            embedding_size: 16,
            n_classes: CLASSES as usize,
        };
        let network = Network::new(&config, &device, &mut ChaCha8Rng::seed_from_u64(0))?;
        let zeros = |var: &Var| Var::zeros(var.shape(), DType::F32, &device);
        let moments = network
            .parameters()
            .iter()
            .map(|(_, var)| Ok((zeros(var)?, zeros(var)?)))
            .collect::<candle_core::Result<_>>()?;
        let labels: Vec<u32> = (0..CLASSES).cycle().take(batch).collect();
        let weights: Vec<f32> = labels
            .iter()
            .map(|&label| 1.0 / (label as f32 + 1.0))
            .collect();
        Ok(Self {
            images: Tensor::rand(0f32, 1f32, (batch, side, side, 3), &device)?,
            labels: Tensor::from_vec(labels, (batch, 1), &device)?,
            weights: Tensor::from_vec(weights, (batch, 1), &device)?,
            network,
            moments,
            n_steps: 0,
        })
    }

    pub(crate) fn step(&mut self, request: Request) -> Outcome<()> {
        match request {
            Request::Train => self.train(),
            Request::Infer => self.infer(),
        }
    }

    fn train(&mut self) -> Outcome<()> {
        let computed = self.network.loss_gradients(&self.images, |output| {
            let log_p = candle_nn::ops::log_softmax(&output.logits, 1)?;
            let weighted = (log_p.gather(&self.labels, 1)? * &self.weights)?.sum_all()?;
            Ok::<_, ModelError>((weighted / self.weights.sum_all()?)?.neg()?)
        })?;
        self.n_steps += 1;
        let step = AdamStep {
            learning_rate: 1e-4,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: WeightDecay::Penalty(0.0),
            step: self.n_steps,
        };
        for ((name, var), (first, second)) in self.network.parameters().iter().zip(&self.moments) {
            let gradient = computed
                .gradients
                .get(var)
                .ok_or_else(|| format!("no gradient of `{name}`"))?;
            kernels::adam_step(var, gradient, first, second, &step)?;
        }
        computed.loss.to_scalar::<f32>()?;
        Ok(())
    }

    fn infer(&self) -> Outcome<()> {
        let output = self.network.forward(&self.images, Mode::Eval)?;
        output.logits.sum_all()?.to_scalar::<f32>()?;
        Ok(())
    }
}
